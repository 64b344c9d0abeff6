"""Lines of prose in a text, as slices for the model of names; code, logs, JSON, keys and tables are left out.

A model of names finds nonsense in code, and is dear. A line counts as prose by its words and marks; in a text that is mostly code
only whole sentences are read. `values` reads comments and quoted strings too.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from outgate.detectors.pii.slices import Slice

LONGEST = 640
"""Characters of a slice of its own; a longer block is cut at the end of a sentence, else at a space."""
OVERLAP = 96
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_WORD = re.compile(r"(?<![^\s(\"'“„«\[*>/])[^\W\d_](?:[^\W\d_]|['\u2019.-](?=[^\W\d_]))*(?![^\s.,;:!?)\"'”“»\]*/…-])")
_MARK = re.compile(
    r"[{}]|[;({]\s*$|[=!<>+*/|&-]=|=>|->|::|\(\)|\w\(|\w=\S|\w_\w|</|/>|<\w+>|\\\w|\$\w|\w\[|^\s*[\]})]|\"\s*:|'\s*:|\|\||&&|\w\.\w+\("
    r"|\s\|\s|@\w+\(|^\s*@\w+\s*$|[a-z][A-Z]|(?:^|\s)--?\w|(?:^|\s)[\w.]*/[\w.]+/|0x[0-9a-f]+|%[sd]"
    r"|\w\.(?:py|js|ts|go|rs|java|json|ya?ml|md|txt|sh|c|h|toml)\b"
    r"|^\s*[\[(]?[\"'][^\"']*[\"'](?:[,)\]:]|\s*$)|^[A-Z][A-Z-]+[:;]\S"
)
_LOG = re.compile(
    r"^\W*(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b|\S+ \S+ \S+ \[\d)"
)
_STATEMENT = re.compile(
    r"^\s*(?:import|from \S+ import|def|class|return|raise|const|let|var|function|public|private|static|package|using|namespace"
    r"|export|if|elif|else|for|while|try|except|catch|with|async|await|SELECT|INSERT|UPDATE|CREATE|FROM|WHERE)\b.*(?:[:;{(,=]|\*)\s*$"
    r"|^\s*(?:import|package|using) [\w.]+;?\s*$"
)
_COMMENT = re.compile(r"^\s*(?:#(?!#* ?[A-Z][^.]*$)|//|/\*|\*(?= |$|/)|--(?= )|;;|%|<!--|\"\"\")\s*")
_TABLE = re.compile(r"^\s*\|.*\|\s*$")
_QUOTED = re.compile(r"\"((?:[^\"\\\n]|\\.){4,})\"|'((?:[^'\\\n]|\\.){4,})'")
_CAPITAL = re.compile(r"[^\W\d_a-z]")
_NEAR = 0.35


class _Line(NamedTuple):
    start: int
    text: str
    words: int
    marks: int


def prose(text: str, *, values: bool = False) -> Iterator[Slice]:
    """The slices to ask about, in order. Each answers for what starts in its own part."""
    for start, end in _blocks(text, values=values):
        yield from _cut(text, start, end)


def _blocks(text: str, *, values: bool) -> Iterator[tuple[int, int]]:
    lines = list(_lines(text))
    codes = [_is_code(line) for line in lines]
    mostly = sum(codes) > _NEAR * max(1, sum(1 for line in lines if line.text.strip()))
    begin = end = -1
    for line, code in zip(lines, codes, strict=True):
        if not line.text.strip():
            continue
        if not code and (not mostly or _is_sentence(line)):
            begin, end = (line.start if begin < 0 else begin), line.start + len(line.text)
            continue
        if begin >= 0:
            yield begin, end
            begin = -1
        if values:
            yield from _values(line)
    if begin >= 0:
        yield begin, end


def _lines(text: str) -> Iterator[_Line]:
    """The lines of a text; those between fences count as code."""
    start, fenced = 0, False
    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        fence = _FENCE.match(bare) is not None
        fenced ^= fence
        words = len(_WORD.findall(bare))
        marks = 99 if fenced or fence else len(_MARK.findall(bare))
        yield _Line(start, bare, words, marks)
        start += len(line)


def _is_code(line: _Line) -> bool:
    text = line.text
    if not text.strip():
        return False
    if line.marks * 5 > line.words or (line.words == 0 and not _is_address(text)):
        return True
    return any(found.match(text) for found in (_LOG, _STATEMENT, _COMMENT, _TABLE))


def _is_address(text: str) -> bool:
    """A line of digits and little else may be a postal code or a number of a house."""
    return len(text) < 16 and any(char.isdigit() for char in text) and all(char.isalnum() or char in " -,./" for char in text)


def _is_sentence(line: _Line) -> bool:
    return line.words >= 6 and not line.marks and line.text.lstrip()[:1].isalpha()


def _values(line: _Line) -> Iterator[tuple[int, int]]:
    comment = _COMMENT.match(line.text)
    if comment is not None:
        yield line.start + comment.end(), line.start + len(line.text)
        return
    for found in _QUOTED.finditer(line.text):
        first, last = found.span(1) if found[1] is not None else found.span(2)
        if " " in line.text[first:last]:
            yield line.start + first, line.start + last


def _cut(text: str, start: int, end: int) -> Iterator[Slice]:
    """A block as slices; each sees a little of the one before it."""
    first = start
    while first < end:
        last = end if end - first <= LONGEST else _border(text, first, first + LONGEST)
        begin = max(start, first - OVERLAP) if first > start else first
        stop = min(end, last + OVERLAP)
        if _may_name(text[first:last]):
            yield Slice(text[begin:stop], begin, first, last)
        first = last


def _border(text: str, first: int, last: int) -> int:
    """The end of the last line or sentence in the second half, else the last space, else the place itself."""
    for mark in ("\n", ". ", " "):
        at = text.rfind(mark, first + LONGEST // 2, last)
        if at >= 0:
            return at + len(mark)
    return last


def _may_name(text: str) -> bool:
    """A capital letter, a letter of a script without them, or words in small letters alone, as people chat."""
    return _CAPITAL.search(text) is not None or len(_WORD.findall(text)) >= 3
