"""A normalised text as the recognisers of personal data read it: with its shape, in which a compiled search costs next to nothing.

The shape has one byte for each character: `0` for a digit, `a` for a letter, the sign itself for any other.
"""

from collections.abc import Iterator
from string import ascii_letters, digits
from typing import NamedTuple

_SHAPES = bytes(48 if chr(code) in digits else 97 if chr(code) in ascii_letters else code for code in range(256))


class Reading(NamedTuple):
    """Three views of one length: the text, its shape, and the text in lower-case ASCII, where any other character is a `?`."""

    text: str
    shape: bytes
    lower: str


class Found(NamedTuple):
    """A span of the text that is an entity, and how sure that is without a word that speaks for it."""

    start: int
    end: int
    score: float = 1.0


def read(text: str) -> Reading:
    r"""The views of a text normalised before. Escapes of white space (`\n` of JSON inside a string) become white space."""
    if "\\" in text:
        for escape in ("\\n", "\\t", "\\r"):
            text = text.replace(escape, "  ")
    plain = text.encode("ascii", "replace")
    return Reading(text, plain.translate(_SHAPES), plain.decode().lower())


def places(shape: bytes, wanted: bytes) -> Iterator[int]:
    """Where these bytes stand, none overlapping."""
    at = shape.find(wanted)
    while at >= 0:
        yield at
        at = shape.find(wanted, at + len(wanted))
