"""Judge whether a stored answer may be given to a question that was asked in other words.

Cheapest first: similarity and length, then the symbol checks, then the verifier, which reads both questions together. What one of
them does not affirm is not served. The verifier is not asked about the same words in another frame (`how can I`, `how do I`).
"""

import math
import struct
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from outgate.answers.calibration import Calibration, calibration
from outgate.detectors.paraphrase.checks import Differences, differences
from outgate.detectors.paraphrase.frames import same_but_for_frame
from outgate.model_server.engines import Encoder, EngineError, PairScorer

FAR, LENGTH = "similarity", "length"
"""Vetoes of what is not near enough, or of a text so much longer that it must say more."""
_LONGER = 3
_MOST = 4_000
"""Characters of both texts: the verifier reads no longer pair, so nobody need look for differences."""
_SHORT = 40
"""Characters below which a text may be many times as long as another: `capital peru`."""


class Verdict(NamedTuple):
    """What the judgement says of a candidate. `score` is how sure it is, None where the verifier was not asked;
    `needed` is the similarity or the score that it did not reach."""

    served: bool
    score: float | None
    vetoes: tuple[str, ...]
    needed: float | None = None


class Judgement:
    """The decision, by a verifier and the thresholds that were measured with it. The encoder is loaded to compare answers."""

    def __init__(self, scorer: PairScorer, measured: Calibration, encoder: Callable[[], Encoder]) -> None:
        self._scorer, self._measured, self._encoder = scorer, measured, cache(encoder)
        self.version = f"{scorer.version} {measured.version}"
        self.errors, self.least = measured.errors, measured.score

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict:
        """Whether the answer to `stored` is the answer to `asked`; `similarity` is the cosine of the two."""
        if similarity < self._measured.similarity:
            return Verdict(served=False, score=None, vetoes=(FAR,), needed=self._measured.similarity)
        found = against(asked, stored)
        if found.vetoes:
            return Verdict(served=False, score=None, vetoes=found.vetoes)
        if same_but_for_frame(asked, stored):
            return Verdict(served=True, score=1.0, vetoes=())
        score = self._measured.surety(self._verified(asked, stored), found.doubts)
        served = score >= self._measured.score
        return Verdict(served=served, score=score, vetoes=(), needed=None if served else self._measured.score)

    def same_answer(self, a: str, b: str) -> bool:
        """Whether two answers to one question say the same, however they say it."""
        return self._measured.answers.says_the_same(a, b, self._encoder(), self._scorer)

    def similarity(self, one: str, other: str) -> float:
        """The cosine of two texts, by the encoder that the thresholds were measured with."""
        return cosine(*self._encoder().embed([one, other]))

    def _verified(self, asked: str, stored: str) -> float:
        """The lower of the scores in both orders: neither text may say what the other does not."""
        return min(self._scorer.score([(asked, stored), (stored, asked)]))


def against(asked: str, stored: str) -> Differences:
    """What speaks against one answer for both, before any model is asked."""
    shorter, longer = sorted((len(asked), len(stored)))
    too_long = shorter + longer > _MOST or longer > _LONGER * max(shorter, _SHORT)
    return Differences((LENGTH,)) if too_long else differences(asked, stored)


def cosine(one: bytes, other: bytes) -> float:
    """Of two unit vectors of float32."""
    count = len(one) // 4
    return math.sumprod(struct.unpack(f"<{count}f", one), struct.unpack(f"<{count}f", other))


def load() -> Judgement:
    """The judgement with the packaged verifier. Raises EngineError where that is missing, or is not the one that was measured."""
    from outgate.model_server.engines.onnx import load_encoder, load_scorer

    scorer, measured = load_scorer(), calibration()
    if scorer.version != measured.verifier:
        raise EngineError(f"thresholds were measured with {measured.verifier}, and the verifier is {scorer.version}")
    return Judgement(scorer, measured, load_encoder)
