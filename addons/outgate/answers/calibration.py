"""Thresholds of the judgement, measured once and kept with their origin in calibration.json. No setting lowers them."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

from outgate.answers.bound import EXACT, Errors
from outgate.answers.comparison import Features, Weights

FILE = "calibration.json"
_LEAST, _MOST = 1e-6, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What two questions, or two answers, must reach to count as the same; `verifier` is the model that was measured."""

    version: str
    verifier: str
    similarity: float
    score: float
    doubts: Mapping[str, float]
    answers: Weights
    errors: Errors = EXACT

    def surety(self, verified: float, doubts: Iterable[str]) -> float:
        """The verifier's score with what doubts take from its log-odds. A doubt without a weight denies."""
        if verified <= 0.0:
            return 0.0
        odds = math.log(verified / max(1.0 - verified, _LEAST))
        return 1.0 / (1.0 + math.exp(min(_MOST, sum((self.doubts.get(name, _MOST) for name in doubts), -odds))))


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
        errors=Errors(**answers["errors"]),
    )
