"""Normalised variants of a text (leetspeak, rot13, reversed) that rules are matched against."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from outgate.detectors.folding import FOLD
from outgate.detectors.normalise import fold, holds_escape, unescape
from outgate.detectors.pii.ibans import ibans
from outgate.detectors.pii.reading import read
from outgate.detectors.regex_engines import Automaton
from outgate.detectors.transliterate import FOREIGN, transliterate

_LEET = str.maketrans("013457@$!|", "oieastasil")
_SIGNS = "013457@$!|"
_SPELLS = {letter: "".join(sign for sign in _SIGNS if _LEET[ord(sign)] == ord(letter)) for letter in "oieastl"}
_WORD = re.compile("[a-z]+")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
SPACED = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256))
"""Letters in lower case, digits, and spaces for all else."""
UNLEET = bytes(_LEET.get(code, SPACED[code]) for code in range(256))
"""The same, digits and signs read as letters."""
LETTERS = bytes(32 if 48 <= code < 58 else SPACED[code] for code in range(256))
"""Letters only."""
LEET_LETTERS = bytes(32 if 48 <= code < 58 else code for code in UNLEET)
"""Letters only, digits and signs read as letters where they may be."""
_FOREIGN_RUN = re.compile(r"[^\x00-\x7f]+")
_PLACEHOLDER = re.compile(r"[A-Z]{2,5}_[bcdfghjkmnpqrstvwxyz]{12,}")
_AT, _COLONS = re.compile("@"), re.compile(":[^ ]*:")
_WRITTEN_END = re.compile(r"\\[nrt](?:\\+[nrt]|[ >*#-])*(?=[A-Za-z0-9@$!|])")
_HOLDS_ADDRESS = Automaton("@|:[^ \t\n]*:")

type Words = list[str]


class Variant(NamedTuple):
    """One way to read a text: `raw` as it is written, `plain` its transliteration, `reading` what the prefilter sees; all as long.

    It differs from the first way only in `spots`, if there are any.
    """

    raw: str
    plain: str
    reading: str
    letters: bytes
    spots: Sequence[tuple[int, int]] = ()

    def without_digits(self) -> "Variant":
        """The same, with spaces for digits."""
        return variant(self.raw, self.plain, LEET_LETTERS if self.letters is UNLEET else LETTERS)

    @property
    def holds_digits(self) -> bool:
        """Whether there may be digits in it: what is shown as a question mark may be one."""
        return "?" in self.reading

    def exactly(self, start: int = 0, end: int | None = None) -> str:
        """What a stretch reads, exactly."""
        return self.reading[start:end] if self.raw.isascii() else spaced(fold(self.raw[start:end]), self.letters)

    def words(self, start: int = 0, end: int | None = None) -> Words:
        """The words of a stretch. What holds a digit is no word: it says nothing, and must not part two words."""
        return list(filter(str.isalpha, self.exactly(start, end).split()))


def rot13(text: str) -> str:
    """The text with each letter moved by thirteen; its own inverse."""
    return text.translate(_ROT13)


def backwards(text: str) -> str:
    """The text from its end to its beginning."""
    return text[::-1]


TURNS: tuple[Callable[[str], str], ...] = (rot13, backwards)
"""Ways to turn words round that readers and models undo."""


def first_variant(text: str) -> Variant:
    """A text as it reads, its escapes undone."""
    if text.isascii():
        shown = text.encode().translate(_AS_IT_IS)
        if _FOLDED not in shown and not holds_escape(text):
            return Variant(text, text, shown.decode(), SPACED)
    return variant(*opened(text))


def opened(text: str) -> tuple[str, str]:
    """A text with its escapes undone, and its transliteration."""
    raw, plain = transliterate(text)
    return transliterate(unescape(raw)) if holds_escape(plain) else (raw, plain)


def variants(first: Variant, ends: list[tuple[int, int]]) -> Iterator[Variant]:
    """A text as it reads; with the line ends written in it (`written_ends`) as such; without addresses and placeholders."""
    yield first
    if ends:
        yield variant(_blanked(first.raw, ends), _blanked(first.plain, ends), spots=ends)
    if names := _names(first):
        yield variant(_blanked(first.raw, names), _blanked(first.plain, names), spots=names)


def disguised(first: Variant, ends: list[tuple[int, int]], *, silent: bool) -> Iterator[Variant]:
    """A text as it reads, then with digits and signs as letters; spaces for the line ends written in it.

    What it reads as it stands is left out where that is known to say nothing.
    """
    raw, plain, whole = first.raw, first.plain, first
    if ends:
        raw, plain = _blanked(raw, ends), _blanked(plain, ends)
        whole = variant(raw, plain)
    if not silent or whole is not first:
        yield whole
    if any(sign in plain for sign in _SIGNS):
        yield variant(raw, plain, UNLEET)


def variant(raw: str, plain: str, letters: bytes = SPACED, spots: Sequence[tuple[int, int]] = ()) -> Variant:
    """One way to read a text whose transliteration is `plain`."""
    return Variant(raw, plain, plain.encode().translate(_SHOWN[letters]).decode(), letters, spots)


def words(text: str) -> Words:
    """The words of a normalised text in lower case."""
    return list(filter(str.isalpha, spaced(text).split()))


def spaced(text: str, letters: bytes = SPACED) -> str:
    """A normalised text in lower case, with spaces for whatever is neither letter nor digit."""
    if text.isascii():
        return text.encode().translate(letters).decode()
    lower = _FOREIGN_RUN.sub(_letters, text).lower()
    if lower.isascii():
        return lower.encode().translate(letters).decode()
    return "".join(chr(letters[ord(char)]) if char.isascii() else char if char.isalnum() else " " for char in lower)


def spelled(plain: str, reading: str) -> Words:
    """The words of a text, read with digits and signs as letters, that hold such digits and signs."""
    return [match[0] for match in _WORD.finditer(reading) if not plain[match.start() : match.end()].isalpha()]


def spelling(word: str) -> Iterator[str]:
    """Expressions for a word of which at least one letter is a digit or a sign."""
    for at, letter in enumerate(word):
        if signs := _SPELLS.get(letter):
            yield f"{word[:at]}[{signs}]" + "".join(f"[{char}{_SPELLS.get(char, '')}]" for char in word[at + 1 :])


def _letters(match: re.Match[str]) -> str:
    run = match[0]
    return run if run.isalnum() else "".join(char if char.isalnum() else " " for char in run)


def written_ends(plain: str) -> list[tuple[int, int]]:
    """Where line ends and tabs are written as in a string of JSON, in front of a word."""
    return [match.span() for match in _WRITTEN_END.finditer(plain)] if "\\" in plain else []


def _names(one: Variant) -> list[tuple[int, int]]:
    """Where that stands which redaction takes out of a text or puts into it."""
    plain = one.plain
    found = [(iban.start, iban.end) for iban in ibans(read(plain))] if one.holds_digits else []
    if "_" in plain:
        found.extend(match.span() for match in _PLACEHOLDER.finditer(plain))
    if ("@" in plain or plain.find(":") != plain.rfind(":")) and _HOLDS_ADDRESS.search(plain):
        found.extend(_addresses(plain))
    return found


def _addresses(plain: str) -> Iterator[tuple[int, int]]:
    """The words that are addresses: with an at-sign, or two colons."""
    flat = f" {plain.replace('\n', ' ').replace('\t', ' ')} "
    for sign in (_AT, _COLONS):
        end = 0
        while found := sign.search(flat, end):
            start = flat.rfind(" ", end, found.start())
            end = flat.find(" ", found.start())
            yield start, end - 1


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with spaces in these places."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end > done:
            pieces += (text[done : max(start, done)], " " * (end - max(start, done)))
            done = end
    return "".join((*pieces, text[done:]))


_SHOWN = {
    letters: (letters[: ord(FOREIGN)] + b"?" + letters[ord(FOREIGN) + 1 :]).translate(bytes.maketrans(b"0123456789", b"?" * 10))
    for letters in (SPACED, UNLEET, LETTERS, LEET_LETTERS)
}
"""What the prefilter sees: a question mark for what is foreign, or a digit."""
_FOLDED = b"\0"
_AS_IT_IS = bytes(_SHOWN[SPACED][code] if chr(code).translate(FOLD) == chr(code) else ord(_FOLDED) for code in range(128)) + bytes(
    128
)
"""The same for ASCII that folding leaves alone, and for all other characters what tells that it does not."""
