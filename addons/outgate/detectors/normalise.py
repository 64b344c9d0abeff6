"""Normalise text: undo look-alikes, invisible characters and escapes, keeping offsets into the original.

Everything is linear in the text: one pass per layer of escapes, at most three layers, patterns without nested repeats.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from html import unescape as html_unescape
from typing import NamedTuple

from outgate.detectors.folding import FOLD
from outgate.detectors.regex_engines import Automaton

LAYERS = 3
"""Escapes nested deeper than this are left as they are."""

_UNPLAIN = re.compile(r"[^\t\n -~][^\t\n -~]*")
"""One class in front of every pattern here, so that the engine skips to where it may begin."""
_PERCENT = "[0-9A-Fa-f]{2}"
_ENTITY = "(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
_CODE = r"(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2})"
_ESCAPED = re.compile(rf"[%&\\](?:(?<=%){_PERCENT}(?:%{_PERCENT})*|(?<=&){_ENTITY}|(?<=\\){_CODE})")
_MARKS = ("%", "&", "\\")
_HOLDS_ESCAPE = Automaton(rf"%{_PERCENT}|&{_ENTITY}|\\{_CODE}")
_TAG, _UNSEEN = "\U000e0020-\U000e007e", "\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
_TAG_BYTES = b"\xf3\xa0"
"""What each of them begins with in UTF-8."""
_TAGS = re.compile(f"[{_TAG}](?:[{_UNSEEN}]*[{_TAG}]){{2,}}")


class Rewrite(NamedTuple):
    """One pass over a text: where each replaced piece stands in the new text and stood in the old."""

    new_starts: list[int]
    new_ends: list[int]
    old_starts: list[int]
    old_ends: list[int]

    def start(self, position: int) -> int:
        """The old offset at which the character now at `position` began."""
        last = bisect_right(self.new_starts, position) - 1
        if last < 0:
            return position
        if position < self.new_ends[last]:
            return self.old_starts[last]
        return self.old_ends[last] + position - self.new_ends[last]

    def end(self, position: int) -> int:
        """The old offset just after the character now before `position`."""
        if position == 0:
            return 0
        last = bisect_right(self.new_starts, position - 1) - 1
        if last >= 0 and position - 1 < self.new_ends[last]:
            return self.old_ends[last]
        return self.start(position - 1) + 1


class Folded(NamedTuple):
    """A normalised text and the way back."""

    text: str
    rewrites: tuple[Rewrite, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` (not empty) stood in the original; what was dropped inside it is included."""
        for rewrite in reversed(self.rewrites):
            start, end = rewrite.start(start), rewrite.end(end)
        return start, end


def fold(text: str) -> str:
    """The text in plain characters: NFKD, look-alikes, digits and spaces as ASCII; marks, invisible and control ones dropped."""
    if text.isascii():
        return text.translate(FOLD)
    return _UNPLAIN.sub(lambda run: run[0].translate(FOLD), text)


def unescape(text: str) -> str:
    """The text with URL, HTML and string escapes undone, up to three layers, folded after each."""
    text = fold(text)
    for _ in range(LAYERS):
        if not holds_escape(text):
            return text
        plain = fold(_ESCAPED.sub(lambda match: _unescaped(match[0]), text))
        if plain == text:
            return text
        text = plain
    return text


def normalise(text: str) -> Folded:
    """Like `unescape`, and remembers positions."""
    rewrites: list[Rewrite] = []
    current = _folding(text, rewrites)
    for _ in range(LAYERS):
        if not holds_escape(current):
            break
        plain, rewrite = _rewritten(_ESCAPED, current, _unescaped)
        if rewrite is None:
            break
        rewrites.append(rewrite)
        current = _folding(plain, rewrites)
    return Folded(current, tuple(rewrites))


def holds_escape(text: str) -> bool:
    """Whether a folded text, or its transliteration, may hold an escape."""
    return any(mark in text for mark in _MARKS) and _HOLDS_ESCAPE.search(text)


def hidden_tags(text: str) -> str:
    """What is written in tag characters (U+E0020..7E), which no reader sees and models read."""
    if text.isascii() or _TAG_BYTES not in text.encode("utf-8", "surrogatepass"):
        return ""
    return " ".join("".join(chr(ord(char) - 0xE0000) for char in found if char >= "\U000e0020") for found in _TAGS.findall(text))


def _folding(text: str, rewrites: list[Rewrite]) -> str:
    folded, rewrite = _rewritten(_UNPLAIN, text, fold)
    if rewrite is None:
        return text
    rewrites.append(rewrite)
    return folded


def _unescaped(escape: str) -> str:
    """What one escape stands for; itself when it stands for nothing."""
    if escape[0] == "%":
        return bytes.fromhex(escape.replace("%", "")).decode("utf-8", "replace")
    if escape[0] == "&":
        return html_unescape(escape)
    code = int(escape[2:].strip("{}"), 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else escape


def rewritten(text: str, changes: Iterable[tuple[int, int, str]]) -> tuple[str, Rewrite]:
    """The text with other words at these places, which are in order and do not overlap, and the map."""
    rewrite = Rewrite([], [], [], [])
    pieces: list[str] = []
    length = done = 0
    for start, end, new in changes:
        pieces += (text[done:start], new)
        length += start - done
        _note(rewrite, length, len(new), start, end - start)
        length += len(new)
        done = end
    return "".join((*pieces, text[done:])), rewrite


def _rewritten(pattern: re.Pattern[str], text: str, replace: Callable[[str], str]) -> tuple[str, Rewrite | None]:
    """The text with every match replaced, and the map; None where nothing changed."""
    rewrite = Rewrite([], [], [], [])
    pieces: list[str] = []
    length = done = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        pieces.append(text[done:start])
        length += start - done
        for old, new in _parts(match[0], replace):
            if len(old) != len(new):
                _note(rewrite, length, len(new), start, len(old))
            pieces.append(new)
            length += len(new)
            start += len(old)
        done = end
    pieces.append(text[done:])
    new_text = "".join(pieces)
    return (text, None) if new_text == text else (new_text, rewrite)


def _parts(old: str, replace: Callable[[str], str]) -> list[tuple[str, str]]:
    """A match as pairs small enough to map exactly: one pair where it vanishes, else character by character when folding."""
    new = replace(old)
    if not new or replace is not fold or _one_to_one(old):
        return [(old, new)]
    return [(char, char.translate(FOLD)) for char in old]


def _one_to_one(run: str) -> bool:
    return all(len(char.translate(FOLD)) == 1 for char in set(run))


def _note(rewrite: Rewrite, new_start: int, new_length: int, old_start: int, old_length: int) -> None:
    rewrite.new_starts.append(new_start)
    rewrite.new_ends.append(new_start + new_length)
    rewrite.old_starts.append(old_start)
    rewrite.old_ends.append(old_start + old_length)
