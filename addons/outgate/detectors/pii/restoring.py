"""How placeholders in an answer become values again, however the answer is cut into pieces.

Only a tail that may be the beginning of one of *this* exchange's placeholders is held back, never more than the longest of them; it
goes out before its part closes. In a piece of JSON (streamed tool arguments) values are escaped and escaped brackets understood.
"""

import re
from collections.abc import Hashable, Sequence

from outgate.detectors.pii.placeholders import Placeholders
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, Text

_PLAIN = re.compile(r"<([A-Z][A-Z_]{0,24}_[0-9]{1,9})>")
_JSON = re.compile(r"(?:<|\\u003[cC])([A-Z][A-Z_]{0,24}_[0-9]{1,9})(?:>|\\u003[eE])")
_JSON_PIECES = frozenset({"arguments", "partial_json"})
"""Names of the members that carry tool arguments as pieces of JSON, in every dialect."""
_ESCAPES = {code: f"\\u{code:04x}" for code in range(32)} | {34: '\\"', 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}


class Restoring:
    """The Transform of `restore` on one answer."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._beginnings = {name[:end] for name in placeholders for end in range(1, len(name))}
        self._json_beginnings = self._beginnings | _escaped_beginnings(placeholders)
        self._held: dict[Hashable, tuple[str, Event, int]] = {}

    def feed(self, event: Event) -> Sequence[Event]:
        """The event restored, behind what its closing parts still held."""
        if not event.texts:
            return (*self._released(event.closes), event)
        changes: dict[int, str] = {}
        for index, text in enumerate(event.texts):
            ends = event.whole or (text.part in event.closes and not _continues(event.texts, index))
            changes[index] = self._restored(event, index, text, ends)
        return (*self._released(event.closes), event.replace(changes))

    def flush(self) -> Sequence[Event]:
        """What is still held back, as it is: it never became a placeholder."""
        return self._released(tuple(self._held))

    def _restored(self, event: Event, index: int, text: Text, ends: bool) -> str:  # noqa: FBT001
        held, _, _ = self._held.pop(text.part, ("", None, 0))
        whole = held + text.text
        json = not event.whole and _is_json(text)
        pattern, beginnings = (_JSON, self._json_beginnings) if json else (_PLAIN, self._beginnings)
        pieces: list[str] = []
        done = 0
        for match in pattern.finditer(whole):
            value = self._placeholders.value(f"<{match[1]}>")
            if value is not None:
                pieces += (whole[done : match.start()], value.translate(_ESCAPES) if json else value)
                done = match.end()
        cut = len(whole) if ends else _cut(whole, done, beginnings)
        if cut < len(whole):
            self._held[text.part] = (whole[cut:], event, index)
        pieces.append(whole[done:cut])
        return "".join(pieces)

    def _released(self, parts: Sequence[Hashable]) -> list[Event]:
        released: list[Event] = []
        for part in parts:
            held = self._held.pop(part, None)
            if held is not None:
                text, event, index = held
                released.append(event.only(index, text))
        return released


def _cut(text: str, done: int, beginnings: set[str]) -> int:
    """Where the tail begins that may be the beginning of a placeholder; the end of the text where there is none."""
    longest = max(map(len, beginnings), default=0)
    for position in range(max(done, len(text) - longest), len(text)):
        if text[position] in "<\\" and text[position:] in beginnings:
            return position
    return len(text)


def _escaped_beginnings(placeholders: Placeholders) -> set[str]:
    spellings = [
        opening + name[1:-1] + closing
        for name in placeholders
        for opening in ("<", "\\u003c", "\\u003C")
        for closing in (">", "\\u003e", "\\u003E")
    ]
    return {spelling[:end] for spelling in spellings for end in range(1, len(spelling))}


def _is_json(text: Text) -> bool:
    return text.channel is Channel.TOOL_ARGUMENTS and isinstance(text.part, tuple) and text.part[-1] in _JSON_PIECES


def _continues(texts: Sequence[Text], index: int) -> bool:
    return any(text.part == texts[index].part for text in texts[index + 1 :])
