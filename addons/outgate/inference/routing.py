"""The decision of `route` about one request, as the closing line tells it. Names and phrases of the policy only, no prompt text."""

from dataclasses import dataclass
from typing import NamedTuple


class Near(NamedTuple):
    """An exemplar near the prompt: the name it speaks for, its topic where that has a name, the phrase, and its similarity."""

    name: str
    topic: str
    phrase: str
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """`name` is what the request is called with from now on, `method` the kind of rule that decided, `rule` its place in the policy
    (-1 for the fallback). `score` and `scores` are those of the rule that decided, or of the last that could not; `nearest` are the
    exemplars behind them, the nearest first.
    """

    name: str
    method: str
    rule: int
    score: float | None = None
    scores: tuple[tuple[str, float], ...] = ()
    nearest: tuple[Near, ...] = ()
