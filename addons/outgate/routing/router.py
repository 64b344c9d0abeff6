"""Decide about one request by the rules of a policy, in their order; the model server is asked only where a rule needs it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.inference.routing import Routing
from outgate.model_server.embedders import DEFAULT
from outgate.model_server.vectors import Vectors
from outgate.model_server.wire import Models
from outgate.net.headers import Headers
from outgate.routing.conditions import Size
from outgate.routing.difficulty import Difficulty
from outgate.routing.rules import DifficultyRule, RouteRule
from outgate.routing.semantic import Semantic


class Question(NamedTuple):
    """The parts of a request that rules decide by; `text` is the last question. `is_elsewhere` says that the request goes on with a
    tool loop whose question it does not hold, because the provider keeps it.
    """

    text: str
    size: Size
    principal: Principal
    headers: Headers | None
    is_elsewhere: bool = False


class Router:
    """The rules at work. `embedder` gives the options of the model `embed` for a name of the policy."""

    def __init__(
        self, rules: Sequence[RouteRule], models: Models, memo: Memory, embedder: Callable[[str], tuple[str, ...]]
    ) -> None:
        self._rules = tuple(rules)
        self.semantic: Mapping[int, Semantic] = {
            index: Semantic(rule.semantic, models, memo, embedder(rule.semantic.model))
            for index, rule in enumerate(rules)
            if rule.semantic is not None
        }
        by_difficulty = any(rule.difficulty is not None for rule in rules)
        self._difficulty = (Difficulty(), Vectors(models, memo, embedder(DEFAULT))) if by_difficulty else None

    async def decide(self, question: Question) -> Routing:
        """The decision; without a name where no rule decides. Raises ModelServerError."""
        undecided = Routing(name="", method="none", rule=-1)
        for index, rule in enumerate(self._rules):
            if not (rule.when.fits(question.size) and rule.when.holds(question.principal, question.headers)):
                continue
            if rule.to is not None:
                return Routing(
                    name=rule.to,
                    method="rule",
                    rule=index,
                    score=undecided.score,
                    scores=undecided.scores,
                    nearest=undecided.nearest,
                )
            if question.is_elsewhere:
                break
            if not question.text.strip():
                continue
            if rule.difficulty is not None:
                return await self._by_difficulty(index, rule.difficulty, question)
            found = await self._by_meaning(index, question)
            if found.name:
                return found
            undecided = found
        return undecided

    async def fitted(self) -> None:
        """Wait until the topics are fitted. Raises ModelServerError; who stops waiting does not end the work."""
        for each in self.semantic.values():
            await each.exemplars.scorer()

    def end(self) -> None:
        for each in self.semantic.values():
            each.exemplars.end()

    async def _by_meaning(self, index: int, question: Question) -> Routing:
        scores, decided = await self.semantic[index].judge(question.text, question.principal)
        name = scores.name if decided else ""
        return Routing(name=name, method="semantic", rule=index, score=scores.score, scores=scores.probable, nearest=scores.nearest)

    async def _by_difficulty(self, index: int, rule: DifficultyRule, question: Question) -> Routing:
        assert self._difficulty is not None
        difficulty, vectors = self._difficulty
        hard = difficulty.probability(question.text, await vectors.of(question.text, question.principal))
        name = rule.hard if hard >= rule.threshold else rule.easy
        return Routing(name=name, method="difficulty", rule=index, score=round(hard, 4))
