"""Screen for secrets: the places of a text that may hold one, each with the surroundings it is judged by.

The worker asks the model server about nothing else. A secret is a long run of letters with digits among them, or stands behind a
word such as `password`, in the user part of a URL, or in a block of PEM; tests hold the screen against every example of every rule.
"""

import re
from collections.abc import Iterator

from outgate.detectors.pii.prefilter import cut
from outgate.detectors.pii.slices import Slice
from outgate.detectors.regex_engines import Linear
from outgate.detectors.secrets.encodings import encoded
from outgate.detectors.secrets.wrapped import plain, runs

REACH = 160
"""Characters of surroundings on each side: more than any rule reads in front of a secret."""
PEM = 8_192
"""Characters of a block of PEM: 4096 bits of RSA take 3,300."""
_BACK = 120
_WORD_BEFORE = re.compile(r"\S+\Z")
"""Of a URL, say."""
_RUN = re.compile(r"[A-Za-z0-9_+=~-]{16,}")
_SPACED_HEX = re.compile(r"[0-9A-Fa-f]{2}(?:[ :,][0-9A-Fa-f]{2}){11,}")
_DIGIT, _LETTER, _SHOUTED = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]"), re.compile(r"[A-Z].*[a-z]|[a-z].*[A-Z]")
_NAMES = "passw(?:or)?d|passphrase|passwd|pwd|pass|secret|token|key|auth|credentials?|bearer|basic|license"
_VALUE = r"(?:[^\s]{0,60}[0-9]|(?-i:[^\s]{0,40}[a-z][A-Z]))"
_SPOKEN = Linear(
    rf"(?:{_NAMES})[a-z0-9_\"'\]`*-]{{0,40}}[\t >]{{0,4}}(?::?=|:|=>|\bis\b:?|\bwas\b:?|\bto\b:?)[\t ]{{0,4}}{_VALUE}"
    rf"|(?:bearer|basic|token)[\t ]{_VALUE}"
    r"|://[^\s/@:\"'<>]{0,64}:[^\s/@\"'<>]{3,256}@"
    r"|(?:-u|--user)[ =]{0,2}[\"']?[^\s:\"']{1,64}:[^\s\"']{4}"
)
_MARK, _PRIVATE = "-----", Linear(r"-----(?:begin|end) [a-z0-9 ]{0,30}private key")


def candidates(text: str) -> tuple[Slice, ...]:
    """The places to ask about, none overlapping; empty where the text holds no secret. `slices.merge` brings findings back."""
    folded = plain(text)
    places = [*_whole(folded.text), *((run.start, run.end) for run in runs(folded.text))]
    places += [(one.start, one.end) for one in encoded(folded.text) if next(_places(one.text), None) is not None]
    return tuple(cut(text, folded, sorted(places), REACH))


def _whole(text: str) -> Iterator[tuple[int, int]]:
    """The places from the beginning of the word on that they stand in: what a rule finds may begin there."""
    for start, end in _places(text):
        word = _WORD_BEFORE.search(text, max(0, start - _BACK), start)
        yield word.start() if word is not None else start, end


def _places(text: str) -> Iterator[tuple[int, int]]:
    for run in _RUN.finditer(text):
        token = run[0]
        if _LETTER.search(token) and (_DIGIT.search(token) or (len(token) >= 24 and _SHOUTED.search(token))):
            yield run.span()
    for run in _SPACED_HEX.finditer(text):
        yield run.span()
    raw = text.encode("ascii", "replace")
    yield from _SPOKEN.spans(raw)
    if _MARK in text:
        for start, end in _PRIVATE.spans(raw):
            yield max(0, start - PEM), min(len(text), end + PEM)
