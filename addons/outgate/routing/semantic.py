"""Say which name a text belongs to, by the topics of a policy. `outgate evaluate routing` and the stage `route` ask here."""

from asyncio import sleep
from collections.abc import Sequence
from typing import NamedTuple

from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.model_server.vectors import Vectors
from outgate.model_server.wire import Models
from outgate.routing.exemplars import Exemplars
from outgate.routing.scoring import Scores
from outgate.routing.topics import SemanticRule


class Judged(NamedTuple):
    """The scores of a text, and whether they are enough to decide."""

    scores: Scores
    decided: bool


class Semantic:
    """One semantic rule at work."""

    def __init__(self, rule: SemanticRule, models: Models, memo: Memory, embedder: tuple[str, ...] = ()) -> None:
        self.rule, self._vectors = rule, Vectors(models, memo, embedder)
        self.exemplars = Exemplars(rule, models, embedder)

    async def judge(self, text: str, principal: Principal) -> Judged:
        """Raises ModelServerError."""
        (judged,) = await self.judge_all([text], principal)
        return judged

    async def judge_all(self, texts: Sequence[str], principal: Principal) -> list[Judged]:
        """Raises ModelServerError."""
        scorer = await self.exemplars.scorer()
        judged: list[Judged] = []
        for vector in await self._vectors.all(texts, principal):
            if judged:
                await sleep(0)  # other exchanges get their turn
            scores = scorer.score(vector)
            judged.append(Judged(scores, scores.score >= self.rule.threshold and scores.margin >= self.rule.margin))
        return judged
