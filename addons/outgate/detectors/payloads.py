"""Find and decode payloads in a text: base64, base32 and hexadecimal, nested at most three deep, bounded."""

import re
from base64 import b32decode
from binascii import Error, a2b_base64, unhexlify
from collections.abc import Iterable, Iterator
from string import ascii_lowercase, ascii_uppercase, digits, hexdigits
from typing import NamedTuple

from outgate.detectors.normalise import unescape
from outgate.detectors.regex_engines import Automaton

DEPTH = 3
BUDGET = 262_144
"""Characters decoded from one text, all payloads together; beyond it tokens are left as they are."""

SHORTEST = 16
_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_=])[A-Za-z0-9+/_-]{16,}={0,6}")
_SPACED_HEX = re.compile(r"\b(?:[0-9A-Fa-f]{2}[ :,]){7,}[0-9A-Fa-f]{2}")
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_BASE32 = re.compile(r"[A-Z2-7]+={0,6}\Z")
_SEPARATORS = str.maketrans("", "", " :,")
_WORDY = re.compile(r"[a-z]+(?:[_-][a-z]+)*\Z")
_ALPHABET, _URL_SAFE = ascii_uppercase + ascii_lowercase + digits + "+/", str.maketrans("+/", "-_")


def _letters(sextets: Iterable[int]) -> str:
    """The letters of base64, in both its alphabets, that stand for these six bits: as a class, in ranges."""
    letters = sorted({letter for bits in sextets for letter in (_ALPHABET[bits], _ALPHABET[bits].translate(_URL_SAFE))})
    runs: list[str] = []
    for letter in letters:
        if runs and ord(runs[-1][-1]) + 1 == ord(letter):
            runs[-1] = runs[-1][0] + letter
        else:
            runs.append(letter)
    return f"[{''.join('-'.join(map(re.escape, run)) for run in runs)}]" if runs else ""


def _readable(byte: int) -> bool:
    """Whether a byte can be part of UTF-8 text that is printable but for tabs and line ends."""
    return byte in b"\t\n\r" or 0x20 <= byte < 0x7F or 0x80 <= byte < 0xC0 or 0xC2 <= byte < 0xF5


def _quartet(*, begins: bool) -> str:
    """Four letters of base64 that stand for three readable bytes; the first of a text continues no character."""
    ways: dict[tuple[str, str], list[int]] = {}
    lasts = [_letters(last for last in range(64) if _readable(high * 64 + last)) for high in range(4)]
    for middle in range(64):
        first = _letters(bits for bits in range(64) if _readable(bits * 4 + middle // 16) and not (begins and bits // 16 == 2))
        ends: dict[str, list[int]] = {}
        for bits in range(64):
            if _readable(middle % 16 * 16 + bits // 4):
                ends.setdefault(lasts[bits % 4], []).append(bits)
        ways.setdefault((first, "|".join(_letters(bits) + last for last, bits in ends.items() if last)), []).append(middle)
    return f"(?:{'|'.join(f'{first}{_letters(bits)}(?:{end})' for (first, end), bits in ways.items() if first and end)})"


def _hex_text() -> str:
    """Eight bytes in hexadecimal that begin a readable text: all ASCII, or ASCII up to one whole longer character."""
    any_, more = "[0-9A-Fa-f]", "[89abAB][0-9A-Fa-f]"
    ascii_ = f"(?:[2-7]{any_}|0[9aAdD])"
    longer = f"(?:[cCdD]{any_}{more}|[eE]{any_}{more}{more}|[fF][0-4]{more}{more}{more})"
    return "|".join((f"{ascii_}{{8}}", *(f"{ascii_}{{{before}}}{longer}" for before in range(8))))


_BASE64_TEXT = f"{_quartet(begins=True)}{_quartet(begins=False)}{{{SHORTEST // 4 - 1}}}"
_HOLDS_TOKEN = Automaton(f"(?:^|[^A-Za-z0-9+/_=])(?:{_BASE64_TEXT}|{_hex_text()}|[A-Z2-7]{{{SHORTEST}}})")
"""What every token begins with that decodes to a readable text."""
_STRETCH = 1_000
"""Characters looked at together for a token."""
_SHAPES = bytes(
    ord("h" if chr(code) in hexdigits else "a" if chr(code) in f"{_ALPHABET}-_" else "s" if chr(code) in " :," else ".")
    for code in range(256)
)
"""Of each character what a token is made of: hexadecimal digits, other letters of base64, what stands between spaced digits."""
_PLAIN_SHAPES = _SHAPES.translate(bytes.maketrans(b"h", b"a"))
_RUN, _SPACED_RUN = b"a" * SHORTEST, b"hhs" * 7


class Payload(NamedTuple):
    """What `text[start:end]` decodes to, all layers undone and normalised."""

    start: int
    end: int
    text: str


def payloads(text: str) -> list[Payload]:
    """The readable texts that encoded tokens of 16 or more characters hold; each layer is listed with the outermost span."""
    found: list[Payload] = []
    budget = BUDGET
    for start, end in _tokens(text):
        for inner in _layers(text[start:end], DEPTH):
            budget -= len(inner)
            if budget < 0:
                return found
            found.append(Payload(start, end, inner))
    return found


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Spans that look encoded. Most stretches of a text hold none."""
    written = text.encode("ascii", "replace")
    runs = written.translate(_PLAIN_SHAPES)
    start = runs.find(_RUN)
    while start >= 0:
        start = text.rfind(" ", 0, start) + 1
        end = text.find(" ", start + _STRETCH) + 1 or len(text)
        if _HOLDS_TOKEN.search(text[start:end]):
            yield from _long(text[start:end], start)
        start = runs.find(_RUN, end)
    if _SPACED_RUN in written.translate(_SHAPES):
        for match in _SPACED_HEX.finditer(text):
            yield match.span()


def _long(stretch: str, offset: int) -> Iterator[tuple[int, int]]:
    position = 0
    for word in stretch.split():
        if len(word) >= SHORTEST:
            position = stretch.index(word, position)
            for match in _TOKEN.finditer(word) if _HOLDS_TOKEN.search(word) else ():
                yield offset + position + match.start(), offset + position + match.end()
            position += len(word)


def _layers(token: str, depth: int) -> Iterator[str]:
    for plain in _decoded(token):
        readable = unescape(plain)
        yield readable
        if depth > 1:
            for start, end in _tokens(readable):
                yield from _layers(readable[start:end], depth - 1)


def _decoded(token: str) -> list[str]:
    """The readable texts a token may stand for: usually none, one at most in practice."""
    compact = token.translate(_SEPARATORS) if token[2] in " :," else token
    if _WORDY.match(compact):
        return []
    readings = []
    if _HEX.match(compact) and len(compact) % 2 == 0:
        readings.append(_text(unhexlify(compact)))
    if _BASE32.match(compact):
        readings.append(_text(_maybe_base32(compact)))
    readings.append(_text(_maybe_base64(compact)))
    return [reading for reading in readings if reading]


def _maybe_base64(token: str) -> bytes:
    stem = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(stem) % 4 == 1:
        stem = stem[:-1]
    try:
        return a2b_base64(stem + "=" * (-len(stem) % 4))
    except (Error, ValueError):
        return b""


def _maybe_base32(token: str) -> bytes:
    stem = token.rstrip("=")
    try:
        return b32decode(stem + "=" * (-len(stem) % 8))
    except (Error, ValueError):
        return b""


def _text(raw: bytes) -> str:
    """The bytes as text, empty unless every one of them is readable."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if len(text) > 5 and text.replace("\n", " ").replace("\t", " ").replace("\r", " ").isprintable() else ""
