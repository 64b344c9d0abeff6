"""Views of a text for the rules: as it reads, and what is hidden in it (tag characters, encodings, words turned round)."""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from outgate.detectors.normalise import hidden_tags, holds_escape, unescape
from outgate.detectors.payloads import payloads
from outgate.detectors.regex_engines import Linear
from outgate.detectors.transliterate import transliterate

SHORT = 2_048
"""Characters of a text that is always read in all ways; a longer one only where something in it looks disguised."""
_SIGNS = str.maketrans("013457@$!|", "oieastasil")
_READ = {code: chr(_SIGNS.get(code, code)).lower() for code in range(128)}
LETTERS = bytes(ord(_READ[code]) if code < 128 and _READ[code].isalpha() else 0 for code in range(256))
"""Letters in lower case, the digits and signs that stand for letters as these, and 0 for all else."""
_NO_LETTERS = bytes(code for code in range(256) if not LETTERS[code])


def _turned(words: Sequence[str]) -> str:
    return "|".join(turned for word in words for turned in (word[::-1], codecs.encode(word, "rot13")))


_HEX_LETTER = "(?:20|5c|[46][1-9a-f]|[57][0-9a])"
_ESCAPE = (
    rf"%(?:25|{_HEX_LETTER})|&(?:amp|#x{_HEX_LETTER}|#(?:32|6[5-9]|[78][0-9]|9[0789]|1[01][0-9]|12[0-2]));"
    rf"|\\(?:u00{_HEX_LETTER}|u(?:0[345]|ff)[0-9a-f]{{2}}|u200[b-f]|ud835|u\{{[0-9a-f]{{1,6}}\}}|x{_HEX_LETTER})"
)
"""Escapes of letters, of what looks like letters or vanishes, of spaces, and of what escapes begin with."""
_WORDS = (
    "instructions", "previous", "prompt", "disregard", "restrictions", "guidelines", "system", "ignore", "reveal", "anything",
    "everything", "developer", "forget", "bypass", "override", "safety", "unfiltered",
)  # fmt: skip
_MARKS = frozenset(bytes([code]) for code in b"-*#>|/;%")
_QUOTE, _UNQUOTE = re.compile(rb"(?<![A-Za-z0-9])'(?=\w)"), re.compile(rb"(?<=[A-Za-z0-9.!?])'(?!\w)")
_LONGEST_LINE = 2_000
_LINE = re.compile(rb"\n|\\[nr]")
_LINE_END = re.compile(rb"\\+[nrt]")
_HOLDS_TURNED = Linear(_turned(_WORDS))
_ENCODED = "[a-z0-9]{28}|(?:[0-9a-f]{2}[ :,]){8}"
_SPELLED = (
    rf"\b(?:{_turned(_WORDS[:3])})|(?:[^a-z0-9]{{1,3}}[a-z]){{8}}[^a-z0-9]"
    r"|[g-z][013457@$][a-z]{1,3} ?[a-z]{0,3}[013457@$]"
)
"""Words turned round, words letter by letter, digits and signs for letters."""
_DISGUISED = Linear(f"{_ESCAPE}|{_ENCODED}|{_SPELLED}")
_HOLDS_ESCAPE, _HOLDS_ENCODED, _HOLDS_SPELLED = Linear(_ESCAPE), Linear(_ENCODED), Linear(_SPELLED)
_LEET = re.compile(r"(?<=[a-z])[013457@$!|]|[013457@$!|](?=[a-z])", re.IGNORECASE)
_RUN = re.compile("[a-z]+", re.IGNORECASE)


class View(NamedTuple):
    """One way to read a text: `folded` to plain characters, `written` in ASCII, as long, and `letters`, nothing but its letters.

    `joined` is what the letters were taken from. `hidden` says that nobody writes so by chance. A view without `letters` holds no
    disguise.
    """

    folded: str
    written: bytes
    joined: bytes = b""
    letters: bytes = b""
    hidden: bool = False

    def places(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Where runs of letters stand in the text as it is written."""
        if not spans:
            return []
        places = [at for at, code in enumerate(self.joined) if LETTERS[code]]
        return [(places[start], places[end - 1] + 1) for start, end in spans]

    def whole(self, start: int, end: int) -> bool:
        """Whether neither end of a stretch is inside a word."""
        return not (self.joined[start - 1 : start].isalpha() or self.joined[end : end + 1].isalpha())

    def disguised(self, start: int, end: int) -> bool:
        """Whether a stretch is spelled with digits and signs, or letter by letter: nobody writes so by chance."""
        text = self.written[start:end].decode()
        runs = _RUN.findall(text)
        return len(_LEET.findall(text)) > 1 or sum(map(len, runs)) < 3 * len(runs)


def views(text: str, *, thorough: bool = False) -> Iterator[View]:
    """The ways to read a text: all of them where it is short, or `thorough` says so; else those that it looks made for."""
    folded, plain = transliterate(text)
    written, tags = plain.encode(), hidden_tags(text)
    thorough = thorough or len(text) <= SHORT
    if not (tags or thorough or _DISGUISED.search(written)):
        yield View(folded, written)
        return
    if (thorough or _HOLDS_ESCAPE.search(written)) and holds_escape(plain):
        folded, plain = transliterate(unescape(folded))
        written = plain.encode()
    if thorough or _HOLDS_SPELLED.search(written):
        yield from _with_turned(_view(folded, plain))
    else:
        yield View(folded, written)
    hidden = [tags] if tags else []
    if thorough or _HOLDS_ENCODED.search(written):
        hidden.extend(payload.text for payload in payloads(plain))
    if hidden:
        yield from _with_turned(_view(*transliterate("\n".join(hidden)), hidden=True))


def quoted(written: bytes, at: int) -> bool:
    """Whether what begins here stands in a quote, a list, a table or a comment, as its line has it so far."""
    line = _LINE.split(written[max(0, at - _LONGEST_LINE) : at])[-1] if written[at : at + 1] not in (b"\n", b"\\") else b""
    signs = line.count(b'"') % 2 or line.count(b"`") % 2 or line.lstrip()[:1] in _MARKS
    return bool(signs) or len(_QUOTE.findall(line)) > len(_UNQUOTE.findall(line))


def _view(folded: str, plain: str, *, hidden: bool = False) -> View:
    written = plain.encode()
    joined = _LINE_END.sub(lambda end: b" " * len(end[0]), written) if b"\\" in written else written
    return View(folded, written, joined, joined.translate(LETTERS, _NO_LETTERS), hidden)


def _with_turned(view: View) -> Iterator[View]:
    """A view, and it turned round where words turned round stand in it."""
    yield view
    found = {view.letters[start:end] for start, end in _HOLDS_TURNED.spans(view.letters)}
    if len(found) > 1:
        plain = view.written.decode()
        yield _view(view.folded[::-1], plain[::-1], hidden=True)
        yield _view(*2 * (codecs.encode(plain, "rot13"),), hidden=True)
