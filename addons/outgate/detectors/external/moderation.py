"""OpenAI's moderation API, and those that speak it: a flag and a score for each category, for each text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.detectors.external.shapes import Asker, Findings, Piece, member, number
from outgate.detectors.injection.finding import Found

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
_OTHER = "moderation.other"


class Moderation:
    """Rules are `moderation.<category>`, and `moderation.other` for a category that is neither known here nor has a threshold.

    A category with a threshold is found from that score on, any other where the service flags it.
    """

    path = "/v1/moderations"
    most = 32

    def __init__(self, model: str, thresholds: Mapping[str, float]) -> None:
        self._model, self._thresholds = model, thresholds
        self._names = frozenset({*CATEGORIES, *thresholds})
        self.rules = (*(f"moderation.{name}" for name in sorted(self._names)), _OTHER)

    def question(self, pieces: Sequence[Piece], asker: Asker) -> Any:  # noqa: ARG002 - it is not told who asks
        return {"model": self._model, "input": [piece.text for piece in pieces]}

    def findings(self, answer: dict[str, Any], pieces: Sequence[Piece]) -> list[Findings]:
        results = member(answer.get("results"), list)
        if len(results) != len(pieces):
            raise ValueError("not one result for each text")
        return [tuple(self._found(member(result, dict))) for result in results]

    def _found(self, result: dict[str, Any]) -> Iterator[Found]:
        flagged = member(result.get("flagged"), bool)
        flags = {name: member(flag, bool) for name, flag in member(result.get("categories"), dict).items()}
        scores = {name: number(score) for name, score in member(result.get("category_scores"), dict).items()}
        missing = self._thresholds.keys() - scores.keys()
        if missing or (flagged and not any(flags.values())):
            raise ValueError("a category is missing")
        others = 0.0
        for name in dict.fromkeys((*flags, *self._thresholds)):
            score, least = scores.get(name, 1.0), self._thresholds.get(name)
            if not (flags[name] if least is None else score >= least):
                continue
            if name in self._names:
                yield Found(f"moderation.{name}", score=score)
            else:
                others = max(others, score, 1e-9)
        if others:
            yield Found(_OTHER, score=others)
