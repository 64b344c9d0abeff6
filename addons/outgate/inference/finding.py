"""Finding: a place in a text, its kind and score, exchanged by detectors, model server and stages."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`entity` names what it is, `start` and `end` are code point offsets (end exclusive), `score` is confidence in 0..1."""

    entity: str
    start: int
    end: int
    score: float
