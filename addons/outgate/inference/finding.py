"""A place in a text where something was found: what detectors, encoders and stages say to each other."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`entity` names what it is, `start` and `end` are code point offsets (end exclusive), `score` is confidence in 0..1."""

    entity: str
    start: int
    end: int
    score: float
