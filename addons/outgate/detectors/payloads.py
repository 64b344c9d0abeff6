"""Which pieces of a text are other texts in disguise: base64, base32 and hexadecimal, nested at most three deep, bounded."""

import re
from base64 import b32decode, b64decode
from binascii import Error, unhexlify
from collections.abc import Iterator
from typing import NamedTuple

from outgate.detectors.automaton import Automaton
from outgate.detectors.normalise import unescape

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
_LETTER, _BORDER = "[A-Za-z0-9+/_-]", "[^A-Za-z0-9+/_-]"
MAY_BE_TOKEN = (
    "|".join(f"{_LETTER}{{{n}}}[A-Z0-9+/]{_LETTER}{{{SHORTEST - 1 - n}}}" for n in range(SHORTEST))
    + "".join(f"|{_LETTER}{{{n}}}[_-][_-]{_LETTER}{{{SHORTEST - 2 - n}}}" for n in range(SHORTEST - 1))
    + f"|(?:^|{_BORDER})[_-]{_LETTER}{{{SHORTEST - 1}}}|{_LETTER}{{{SHORTEST - 1}}}[_-](?:{_BORDER}|$)|{_LETTER}{{{SHORTEST}}}="
)
"""What every token holds that is long enough and not made of lower-case words (`_WORDY`)."""
MAY_BE_SPACED_HEX = "(?:[0-9A-Fa-f]{2}[ :,]){7}[0-9A-Fa-f]{2}"
_HOLDS_TOKEN, _HOLDS_SPACED_HEX = Automaton(MAY_BE_TOKEN), Automaton(MAY_BE_SPACED_HEX)
_STRETCH = 1_000
"""Characters looked at together for a token."""


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
    start = 0
    while start < len(text):
        end = text.find(" ", start + _STRETCH) + 1 or len(text)
        if _HOLDS_TOKEN.search(text[start:end]):
            yield from _long(text[start:end], start)
        start = end
    if not _HOLDS_SPACED_HEX.search(text):
        return
    for match in _SPACED_HEX.finditer(text):
        yield match.span()


def _long(stretch: str, offset: int) -> Iterator[tuple[int, int]]:
    position = 0
    for word in stretch.split():
        if len(word) >= SHORTEST:
            position = stretch.index(word, position)
            for match in _TOKEN.finditer(word):
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
    compact = token.translate(_SEPARATORS)
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
        return b64decode(stem + "=" * (-len(stem) % 4))
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
