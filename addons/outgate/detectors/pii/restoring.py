"""How placeholders in an answer become values again, however the answer is cut into pieces.

Only a tail that may be the beginning of one of *this* exchange's placeholders is held back, never more than the longest of them; it
goes out before its part closes. In a piece of JSON (streamed tool arguments) values are escaped and escaped brackets understood.
"""

import re
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence

from outgate.detectors.pii.placeholders import Placeholders
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, Text

_PLAIN = re.compile(r"<([A-Z][A-Z_]{0,24}_[0-9]{1,9})>")
_JSON = re.compile(r"(?:<|\\u003[cC])([A-Z][A-Z_]{0,24}_[0-9]{1,9})(?:>|\\u003[eE])")
_JSON_PIECES = frozenset({"arguments", "partial_json"})
"""Names of the members that carry tool arguments as pieces of JSON, in every dialect."""
_OPENING, _CLOSING = "\\u003c", "\\u003e"
_ESCAPES = {code: f"\\u{code:04x}" for code in range(32)} | {34: '\\"', 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}


class Beginnings:
    """Which tails of a text may be the beginning of one of these placeholders. As large as their names, whoever chose how many."""

    def __init__(self, placeholders: Iterable[str]) -> None:
        self._names = sorted(placeholders)
        self._longest = max(map(len, self._names), default=0)

    def cut(self, text: str, done: int, *, json: bool) -> int:
        """Where the tail begins that may be the beginning of a placeholder; the end of the text where there is none."""
        longest = self._longest + 2 * (len(_OPENING) - 1) if json and self._longest else self._longest
        for position in range(max(done, len(text) - longest), len(text)):
            if text[position] in "<\\" and (self._begins(text[position:]) or (json and self._begins_escaped(text[position:]))):
                return position
        return len(text)

    def _begins(self, tail: str) -> bool:
        at = bisect_left(self._names, tail)
        return at < len(self._names) and self._names[at].startswith(tail) and self._names[at] != tail

    def _begins_escaped(self, tail: str) -> bool:
        """The same where brackets may be spelled as escapes, the last of which may be cut short."""
        if len(tail) < len(_OPENING) and _OPENING.startswith(tail.lower()):
            return bool(self._names)
        if tail[: len(_OPENING)].lower() == _OPENING:
            tail = "<" + tail[len(_OPENING) :]
        name, backslash, rest = tail.partition("\\")
        closes = not backslash or (len(rest) < len(_CLOSING) - 1 and _CLOSING.startswith("\\" + rest.lower()))
        return closes and (self._begins(name) if not backslash else self._is_open(name))

    def _is_open(self, name: str) -> bool:
        at = bisect_left(self._names, name + ">")
        return at < len(self._names) and self._names[at] == name + ">"


class Restoring:
    """The Transform of `restore` on one answer."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._beginnings = Beginnings(placeholders)
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
        pattern = _JSON if json else _PLAIN
        pieces: list[str] = []
        done = 0
        for match in pattern.finditer(whole):
            value = self._placeholders.value(f"<{match[1]}>")
            if value is not None:
                pieces += (whole[done : match.start()], value.translate(_ESCAPES) if json else value)
                done = match.end()
        cut = len(whole) if ends else self._beginnings.cut(whole, done, json=json)
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


def _is_json(text: Text) -> bool:
    return text.channel is Channel.TOOL_ARGUMENTS and isinstance(text.part, tuple) and text.part[-1] in _JSON_PIECES


def _continues(texts: Sequence[Text], index: int) -> bool:
    return any(text.part == texts[index].part for text in texts[index + 1 :])
