"""Placeholders for personal data and their values: `EMAIL_kqwzrtbnmxpd`, derived from the value with a key of the workload.

The same value has the same placeholder in every turn, in whatever order values come, on every worker and after a restart, so that
what a provider has cached of a conversation stays good. Nobody without the key can make the placeholder of a value. It is an
identifier, which renderers and escapes leave as it is; of consonants, so that no word and no number reads like one.
"""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from outgate.detectors.finding import Finding
from outgate.detectors.names.kinds import NAMES
from outgate.detectors.pii.links import Hosts
from outgate.detectors.pii.substitutes import GOES_ON, NO_SUBSTITUTES, Substitutes
from outgate.detectors.pii.synthetic import Synthesis
from outgate.inference.prompt import Channel, Prompt

LABELS = {
    "CREDIT_CARD": "CARD", "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN",
    "US_SSN": "SSN", "IP_ADDRESS": "IP", "NATIONAL_ID": "NATIONALID",
    "PERSON": "PERSON", "LOCATION": "PLACE", "POSTAL_CODE": "POSTCODE", "ORGANIZATION": "ORG",
    "api_key": "APIKEY", "password": "PASSWORD", "private_key": "PRIVATEKEY",
    "DENY_LIST": "CUSTOM",
}  # fmt: skip
OWN = LABELS["DENY_LIST"]
"""The label of kinds that a policy names itself."""
type Mode = Literal["placeholder", "synthetic", "mask", "hash", "deny"]
_SHOWN = 4
"""Characters of a value that a mask leaves, where it hides at least twice as many."""
ALPHABET = "bcdfghjkmnpqrstvwxyz"
LETTERS = 12
"""Of 20 consonants: 51.8 bits."""
WRITTEN = re.compile(rf"(?:{'|'.join(LABELS.values())})_[{ALPHABET}]{{{LETTERS}}}")
"""A placeholder as it is written first: twelve consonants, which no word or number has."""
_MORE = 6


class Placeholders:
    """The fact `placeholders`: the values that were replaced, by placeholder. Immutable; compared by content; never printed.

    `substitutes` are synthetic values in the place of others. `hosts` are those that the request names, `asked` those of them that
    the caller names and not what a tool returned: what may be restored in a URL is decided by them.
    """

    __slots__ = ("_longest_first", "_values", "asked", "hosts", "labels", "substitutes")

    def __init__(
        self, values: Mapping[str, str], hosts: Hosts = (), asked: Hosts | None = None, substitutes: Substitutes = NO_SUBSTITUTES
    ) -> None:
        self._values = dict(values)
        self._longest_first = sorted({len(name.partition("_")[2]) for name in values}, reverse=True)
        self.hosts, self.substitutes = hosts, substitutes
        self.asked = hosts if asked is None else asked
        self.labels = frozenset(name.partition("_")[0] for name in values)

    def __len__(self) -> int:
        return len(self._values) + len(self.substitutes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placeholders) and (self._values, self.substitutes) == (other._values, other.substitutes)

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        return f"Placeholders({len(self)})"

    def joined(self, others: "Placeholders") -> "Placeholders":
        """Both: what either request names is named."""
        hosts, asked = (*self.hosts, *others.hosts), (*self.asked, *others.asked)
        values = {name: value for one in (self, others) for name in one if (value := one.value(name)) is not None}
        return Placeholders(values, hosts, asked, self.substitutes.joined(others.substitutes))

    @property
    def letters(self) -> int:
        """Letters of the longest."""
        return self._longest_first[0] if self._longest_first else 0

    def value(self, placeholder: str) -> str | None:
        """The value that this placeholder took the place of; None for one that is not ours."""
        return self._values.get(placeholder)

    def named(self, label: str, letters: str) -> str | None:
        """The longest placeholder that this is, or begins with, in any case."""
        label, letters = label.upper(), letters.lower()
        names = (f"{label}_{letters[:length]}" for length in self._longest_first if length <= len(letters))
        return next((name for name in names if name in self._values), None)


NONE = Placeholders({})


class Naming:
    """Gives placeholders to the values of one request. Of two values with one name, which no one will see, the second gets a longer
    one: those that stand in earlier turns come first, and keep theirs.
    """

    def __init__(
        self,
        key: bytes,
        letters: int = LETTERS,
        modes: Mapping[str, Mode] = MappingProxyType({}),
        synthesis: Synthesis | None = None,
    ) -> None:
        """`synthesis` makes the values of kinds in mode `synthetic`."""
        self._key, self._letters, self._modes, self._synthesis = key, letters, modes, synthesis
        self._given: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}

    def placeholder(self, entity: str, value: str) -> str:
        """The placeholder for this value of this entity. Names in other cases have the same, which stands for the first of them."""
        same = " ".join(value.split()).casefold() if entity in NAMES else value
        known = self._given.get((entity, same))
        if known is None:
            known = self._given[entity, same] = self._free(LABELS.get(entity, OWN), same)
            self._values[known] = value
        return known

    def instead(self, entity: str, value: str, *, alone: bool = True) -> str:
        """What stands in the place of a value: a placeholder or a substitute, or what never comes back.

        A value that is not `alone`, as letters touch it, has a placeholder: a substitute there would not be found again.
        """
        mode = self._modes.get(entity, "placeholder")
        if mode == "mask":
            return "*" * 4 + (value[-_SHOWN:] if len(value) >= 3 * _SHOWN else "")
        if mode == "hash":
            return f"[{LABELS.get(entity, OWN)}:{self._digest(entity, value).hex()[:16]}]"
        synthetic = self._synthesis.instead(entity, value) if mode == "synthetic" and alone and self._synthesis else None
        return synthetic or self.placeholder(entity, value)

    def redacted(self, text: str, findings: Sequence[Finding]) -> str:
        """The text with placeholders. A capital letter in front of a value goes with it: behind one no placeholder is found."""
        pieces: list[str] = []
        done = 0
        for one in findings:
            start = one.start
            while start > done and "A" <= text[start - 1] <= "Z":
                start -= 1
            alone = not GOES_ON.match(text, start - 1 if start else len(text)) and not GOES_ON.match(text, one.end)
            pieces += (text[done:start], self.instead(one.entity, text[start : one.end], alone=alone))
            done = one.end
        pieces.append(text[done:])
        return "".join(pieces)

    def result(self, hosts: Hosts = (), asked: Hosts | None = None) -> Placeholders:
        return Placeholders(self._values, hosts, asked, self._synthesis.result() if self._synthesis else NO_SUBSTITUTES)

    def _free(self, label: str, value: str) -> str:
        number, length = int.from_bytes(self._digest(label, value)), self._letters
        while (name := f"{label}_{_written(number, length)}") in self._values:
            length += _MORE
        return name

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")


def key_of_conversation(key: bytes, prompt: Prompt) -> bytes:
    """The key of this conversation of a workload: of all that begin with the same message of a user."""
    said = [leaf for leaf in prompt.leaves if leaf.channel is Channel.USER]
    first = "\0".join(leaf.text for leaf in said if leaf.turn == said[0].turn)
    return hmac.digest(key, first.encode("utf-8", "surrogatepass"), "sha256")


def _written(number: int, length: int) -> str:
    """The last digits of a number, least significant first: a longer name begins with the shorter one."""
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(letters)
