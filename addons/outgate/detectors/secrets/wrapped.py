"""Put together tokens that are written in pieces: wrapped at a line end, concatenated in code, set letter by letter.

Only what looks drawn when it is joined is read so, in four ways: words may stand in front of a token and behind it. Linear: each
run is found once, by RE2.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from outgate.detectors.normalise import Folded, normalise, rewritten
from outgate.detectors.regex_engines import Linear
from outgate.detectors.secrets.values import stir

_PIECE = r"[A-Za-z0-9_/+~.=-]+"
_LINE_END = r"[ \t?|]{0,16}\\?\n[ \t\n]{0,40}(?:(?:[>|#*%;!?]{1,4}|//)[ \t]{0,4}){0,3}"
"""With what a terminal, a shell, a mail or a comment puts around it; in ASCII, frames are question marks."""
_WRITTEN_END = r"\\{1,4}[nrt]"
_QUOTES = r"\\{0,3}[\"'`][ \t\n]{0,40}[+.&,;|~]{0,2}[ \t\n\\]{0,40}[frbu$@]{0,2}\\{0,3}[\"'`]"
_MARK_UP = r"\*{1,3}|</?[a-z]{1,8}[ \t]?/?>"
_GAP = f"(?:{_LINE_END}|{_WRITTEN_END}|{_QUOTES}|{_MARK_UP})"
_WRAPPED = Linear(f"{_PIECE}(?:{_GAP}{{1,3}}{_PIECE})+")
_APART = Linear(r"\b[A-Za-z0-9_+/=-](?:[ \t.,|*?]{1,2}[A-Za-z0-9_+/=-]){15,}\b")
_SPACED = Linear(r"\b[!-~](?: {1,2}[!-~]){15,}")
_BETWEEN = re.compile(f"=?(?:{_GAP}){{1,3}}", re.IGNORECASE)
_BETWEEN_LETTERS, _SPACES = re.compile(r"[ \t.,|*?]{1,2}"), re.compile(r" {1,2}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_NO_WORD = re.compile(r"[0-9_/+-]|.[A-Z]|.{20}", re.DOTALL)
AROUND = 512
"""Characters on each side of a place where something was put together, longer than most tokens."""
_MIXED = re.compile(r"[0-9]|[a-z][A-Z]")
_SHORTEST, _DRAWN, _DRAWN_OF_LETTERS = 16, 0.15, 0.35
"""Characters of what is joined, and the changes between kinds of characters that a token has at least, with digits and without."""


_TAGS = re.compile("[\U000e0020-\U000e007e]{8,}")
_LETTERS_OF_TAGS = {code: code - 0xE0000 for code in range(0xE0020, 0xE007F)}


def plain(text: str) -> Folded:
    """The text, normalised; what is written in tag characters stands there as words. A few within a word are left away."""
    if text.isascii() or _TAGS.search(text) is None:
        return normalise(text)
    spoken = ((run.start(), run.end(), f" {run[0].translate(_LETTERS_OF_TAGS)} ") for run in _TAGS.finditer(text))
    shown, rewrite = rewritten(text, spoken)
    folded = normalise(shown)
    return Folded(folded.text, (rewrite, *folded.rewrites))


class Run(NamedTuple):
    """Pieces from `start` to `end` of a text, and what stands between them."""

    start: int
    end: int
    gaps: Sequence[tuple[int, int]]


def runs(text: str) -> Iterator[Run]:
    """Runs of pieces that may be a token."""
    seen = text if text.isascii() else _NOT_ASCII.sub("?", text)
    written = seen.encode()
    for pattern, between in ((_WRAPPED, _BETWEEN), (_APART, _BETWEEN_LETTERS), (_SPACED, _SPACES)):
        for start, end in pattern.spans(written):
            if end - start < _SHORTEST or _MIXED.search(seen, start, end) is None:
                continue
            gaps = [gap.span() for gap in between.finditer(seen, start, end) if start < gap.start() and gap.end() < end]
            if _may_be_token("".join(_pieces(seen, Run(start, end, gaps)))):
                yield Run(start, end, gaps)


def joined(folded: Folded, found: Sequence[Run]) -> Iterator[Folded]:
    """The readings of a text with these runs, and the way back from each."""
    seen = set[str]()
    for goes_on in _WAYS:
        gaps = sorted(gap for run in found for gap in _gaps(folded.text, run, goes_on))
        text, rewrite = rewritten(folded.text, ((start, end, "") for start, end in _apart(gaps)))
        if text not in seen:
            seen.add(text)
            yield Folded(text, (*folded.rewrites, rewrite))


def windows(places: Sequence[int], length: int) -> Iterator[tuple[int, int]]:
    """What of a text of this length stands around these places, in order; those that are near each other together."""
    begin = end = 0
    for place in places:
        if place - AROUND > end:
            if end:
                yield begin, end
            begin = place - AROUND
        end = min(length, place + AROUND)
    if end:
        yield begin, end


def _gaps(text: str, run: Run, goes_on: Callable[[str, str], object]) -> Iterator[tuple[int, int]]:
    return (gap for gap, pieces in zip(run.gaps, pairwise(_pieces(text, run)), strict=True) if goes_on(*pieces))


def _apart(gaps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    done = 0
    for start, end in gaps:
        if start >= done:
            yield start, end
            done = end


def _pieces(text: str, run: Run) -> Iterator[str]:
    done = run.start
    for start, end in (*run.gaps, (run.end, run.end)):
        yield text[done:start]
        done = end


_WAYS: tuple[Callable[[str, str], object], ...] = (
    lambda _, __: True,
    lambda piece, _: _NO_WORD.search(piece),
    lambda _, following: _NO_WORD.search(following),
    lambda piece, following: _NO_WORD.search(piece) and _NO_WORD.search(following),
)
"""Which pieces are one token: all of a run; behind a piece that is no word; in front of one; between two."""


def _may_be_token(text: str) -> bool:
    few = sum(map(str.isdigit, text)) < 2
    return len(text) >= _SHORTEST and not text.isdigit() and stir(text) >= (_DRAWN_OF_LETTERS if few else _DRAWN)
