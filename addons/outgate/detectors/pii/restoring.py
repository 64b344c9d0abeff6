"""Judge that replaces placeholders in an answer by their values, independent of chunk borders.

Only a tail that may be the beginning of one of *this* exchange's placeholders is held back, never more than the longest of them.
In a piece of JSON (streamed tool arguments) values are escaped and escaped brackets understood.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable

from outgate.detectors.escapes import ESCAPES
from outgate.detectors.pii.placeholders import Placeholders
from outgate.inference.judge import ON, Decision, Judge, Part, Pass, Replace

_PLAIN = re.compile(r"<([A-Z][A-Z_]{0,24}_[0-9]{1,9})>")
_JSON = re.compile(r"(?:<|\\u003[cC])([A-Z][A-Z_]{0,24}_[0-9]{1,9})(?:>|\\u003[eE])")
_OPENING, _CLOSING = "\\u003c", "\\u003e"


class Beginnings:
    """Which tails of a text may be the beginning of one of these placeholders. As large as their names, whoever chose how many."""

    def __init__(self, placeholders: Iterable[str]) -> None:
        self._names = sorted(placeholders)
        self.longest = max(map(len, self._names), default=0)

    def cut(self, text: str, done: int, *, json: bool) -> int:
        """Where the tail begins that may be the beginning of a placeholder; the end of the text where there is none."""
        longest = self.longest + 2 * (len(_OPENING) - 1) if json and self.longest else self.longest
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


class Restoring(Judge):
    """The judge of `restore`: it replaces, and holds back no more than a tail that may be the beginning of a placeholder."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._beginnings = Beginnings(placeholders)
        self.window = self._beginnings.longest + 2 * (len(_OPENING) - 1)

    def judge(self, part: Part, text: str, final: bool, /) -> Decision:  # noqa: FBT001
        pieces: list[str] = []
        done = 0
        for match in (_JSON if part.escaped else _PLAIN).finditer(text):
            value = self._placeholders.value(f"<{match[1]}>")
            if value is not None:
                pieces += (text[done : match.start()], value.translate(ESCAPES) if part.escaped else value)
                done = match.end()
        cut = len(text) if final else self._beginnings.cut(text, done, json=part.escaped)
        if done:
            return Replace("".join((*pieces, text[done:cut])), len(text) - cut)
        return ON if cut == len(text) else Pass(len(text) - cut)
