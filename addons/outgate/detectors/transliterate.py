"""Lossy one-to-one ASCII transliteration, for the prefilter, in a tenth of the time that folding takes.

Common letters and signs of each script go through a table of the codec machinery, which is C; only rare ones are folded one by one.
It is for the prefilter, never for a verdict: characters that stay foreign after folding all look alike in it.
"""
# ruff: noqa: RUF001

import re
from codecs import charmap_build, charmap_encode
from collections.abc import Iterable
from typing import NamedTuple

from outgate.detectors.folding import FOLD, fold_character

FOREIGN = "\x7f"
"""Stands in a transliteration for every letter or sign that is not ASCII after folding."""

_INERT = (
    (0x5D0, 0x5EA), (0x621, 0x621), (0x627, 0x63A), (0x641, 0x648), (0x904, 0x928), (0x92A, 0x930), (0xE01, 0xE30),
    (0x1100, 0x115E), (0x2190, 0x21FF), (0x2200, 0x2211), (0x2500, 0x27BF), (0x3001, 0x3001), (0x3003, 0x3020),
    (0x3041, 0x3096), (0x30A1, 0x30FA), (0x30FC, 0x30FD), (0x3105, 0x312F), (0x3400, 0x4DB5), (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3), (0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F900, 0x1F9FF),
)  # fmt: skip
"""Ranges of characters that hold nothing of ASCII when folded, and do not vanish."""
_SIGNS = "\u00a0“”‘’–—…«»°·•′″‐‑−€£©®→„‚¿¡×÷±"
_VANISHING = "\ufe0f\u200d\u200b\u200c\u00ad\ufeff\u2060"
"""Frequent invisible characters: taken out at once, where any is."""
_DOTS = {"…": "."}


_ASCII_FOLDED = [chr(code).translate(FOLD) for code in range(128)]
_ASCII = bytes(ord(folded or "\0") for folded in _ASCII_FOLDED) + bytes(128)
_GONE = b"\0"
"""Folding, as far as ASCII goes; and what becomes of characters that vanish."""


class _Script(NamedTuple):
    """`unusual` finds what the table does not know how to transliterate."""

    unusual: re.Pattern[str]
    runs: re.Pattern[str]
    codes: object
    letters: bytes


def transliterate(text: str) -> tuple[str, str]:
    """The text, folded where it must be, and its transliteration: as long, and all ASCII. Folding the first is folding the text."""
    if text.isascii():
        folded = text.encode().translate(_ASCII)
        plain = (folded.replace(_GONE, b"") if _GONE in folded else folded).decode()
        return plain, plain
    for sign in _VANISHING:
        if sign in text:
            text = text.replace(sign, "")
    if "\0" not in text and (drawn := _at_once(text, _SCRIPTS[0])):
        return text, drawn
    best, reach = _SCRIPTS[0], -1
    for script in _SCRIPTS:
        odd = script.unusual.search(text)
        if odd is None:
            return text, _drawn(text, script)
        if odd.start() > reach:
            best, reach = script, odd.start()
    text = best.runs.sub(lambda run: run[0].translate(FOLD), text)
    return text, _drawn(text, best)


def _at_once(text: str, script: _Script) -> str:
    """The transliteration of a text that has nothing but what stands in a script's table; empty for any other."""
    try:
        return charmap_encode(text, "strict", script.codes)[0].translate(script.letters).decode("ascii")  # type: ignore[arg-type]
    except UnicodeEncodeError:
        return ""


def _drawn(text: str, script: _Script) -> str:
    return charmap_encode(text, "replace", script.codes)[0].translate(script.letters).decode("ascii")  # type: ignore[arg-type]


def _script(characters: Iterable[str]) -> _Script:
    """A table for ASCII and as many of these characters as have one ASCII character to stand for them."""
    plain = {char: one for char in characters if len(one := _DOTS.get(char) or fold_character(char)) == 1 and one.isascii()}
    slots = [code for code in range(1, 256) if not (code in (9, 10) or 32 <= code < 128)]
    codes, letters = ["\ufffe"] * 256, bytearray(ord(FOREIGN) for _ in range(256))
    for code in (9, 10, *range(32, 127)):
        codes[code], letters[code] = chr(code), code
    for code, char in zip(slots, plain, strict=False):
        codes[code], letters[code] = char, ord(plain[char])
    # What the table lacks comes out as "?", as the question mark does.
    codes[0], codes[ord("?")], codes[ord(FOREIGN)] = "\0", "\ufffe", "?"
    known = "".join(map(re.escape, list(plain)[: len(slots)])) + "".join(f"{chr(first)}-{chr(last)}" for first, last in _INERT)
    foreign = "".join(
        re.escape(char) for char in characters if len(fold_character(char)) == 1 and not fold_character(char).isascii()
    )
    unusual = f"[^\t\n -~{known}{foreign}]"
    return _Script(re.compile(unusual), re.compile(f"{unusual}+"), charmap_build("".join(codes)), bytes(letters))


def _between(*ranges: tuple[int, int]) -> str:
    return _SIGNS + "".join(chr(code) for first, last in ranges for code in range(first, last + 1))


_SCRIPTS = (
    _script(_between((0xC0, 0xFF), (0xA1, 0xBF)) + "œŒıŁłŠšŽžŸğĞşŞ"),
    _script(_between((0x3000, 0x3002), (0xFF01, 0xFF5E), (0x2460, 0x2468))),
    _script(_between((0x400, 0x52F))),
    _script(_between((0x100, 0x17F)) + "éáóíúýöüäçëâîôÉÁÓÍÚÝÖÜÄÇËÂÎÔèêàûñõãßø"),
    _script(_between((0x370, 0x3FF))),
)
