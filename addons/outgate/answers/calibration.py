"""Thresholds of the judgement, measured once and kept with their origin in calibration.json. No setting lowers them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from outgate.answers.comparison import Features, Weights

FILE = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What two questions, or two answers, must reach to count as the same; `verifier` is the model that was measured."""

    version: str
    verifier: str
    similarity: float
    score: float
    doubts: Mapping[str, float]
    answers: Weights

    def doubted(self, score: float, doubts: Iterable[str]) -> float:
        """The verifier's score after what speaks against it, each by its factor on the odds."""
        for name in doubts:
            factor = self.doubts.get(name, 0.0)
            score = score * factor / max(1.0 - score + score * factor, 1e-9)
        return score


@cache
def calibration() -> Calibration:
    """The shipped calibration."""
    data = files(__package__).joinpath(FILE).read_bytes()
    values = orjson.loads(data)
    answers = values["answers"]
    return Calibration(
        version=hashlib.sha256(data).hexdigest()[:12],
        verifier=values["verifier"],
        similarity=values["questions"]["similarity"],
        score=values["questions"]["score"],
        doubts=values["questions"]["doubts"],
        answers=Weights(Features(**answers["weights"]), answers["bias"], answers["same_from"]),
    )
