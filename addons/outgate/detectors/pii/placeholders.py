"""Placeholders for personal data and their values: `<EMAIL_1>`, numbered by first appearance in the prompt.

The same value has the same placeholder within an exchange, and across the turns of a conversation, because numbering follows the
text; that keeps providers' prompt caches warm. A placeholder that the client typed itself is never used: its number is skipped, and
it is not restored, for it is nobody's value. A placeholder of another exchange is not in the map and so stays as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

LABELS = {
    "CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN",
    "US_SSN": "SSN", "IP_ADDRESS": "IP",
}  # fmt: skip
_LOOSE = re.compile(rf"(?:{'|'.join(LABELS.values())})_[0-9]{{1,9}}", re.IGNORECASE)


class Placeholders:
    """The fact `placeholders`: the values that were replaced, by placeholder. Immutable; compared by content; never printed."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placeholders) and self._values == other._values

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        return f"Placeholders({len(self._values)})"

    def value(self, placeholder: str) -> str | None:
        """The value that this placeholder took the place of; None for one that is not ours."""
        return self._values.get(placeholder)


NONE = Placeholders({})


class Numbering:
    """Gives placeholders to values, in the order they come. `typed` are the prompt's texts: what they hold is not given out."""

    def __init__(self, typed: Iterable[str]) -> None:
        self._taken = {name.upper() for text in typed if "_" in text for name in _LOOSE.findall(text)}
        self._given: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}

    def placeholder(self, entity: str, value: str) -> str:
        """The placeholder for this value of this entity. Raises KeyError for an entity without a label."""
        known = self._given.get((entity, value))
        if known is None:
            known = self._given[entity, value] = self._next(LABELS[entity])
        return known

    def result(self) -> Placeholders:
        return Placeholders({placeholder: value for (_, value), placeholder in self._given.items()})

    def _next(self, label: str) -> str:
        number = self._last.get(label, 0) + 1
        while f"{label}_{number}" in self._taken:
            number += 1
        self._last[label] = number
        return f"<{label}_{number}>"
