"""Rules of `route`, in the order of the policy: the first that decides names the model."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outgate.model_server.embedders import DEFAULT
from outgate.pipeline.stage import Settings, TimedSettings
from outgate.routing.conditions import RequestWhen
from outgate.routing.topics import SemanticRule, topics_of


class DifficultyRule(Settings):
    """Send hard questions to one name and all others to another. It always decides."""

    hard: str
    """Name for a question at which a small model often fails."""
    easy: str
    """Name for any other."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.3
    """A question is hard from this probability that a small model fails at it; a lower one sends more to `hard`."""


class RouteRule(Settings):
    """One rule: exactly one of `to`, `semantic` and `difficulty`, where `when` holds."""

    when: RequestWhen = RequestWhen()
    """Conditions; a rule whose conditions do not hold is passed over."""
    to: str | None = None
    """Name of `model_map` that is taken."""
    semantic: SemanticRule | None = None
    """Decide by the meaning of the last question."""
    difficulty: DifficultyRule | None = None
    """Decide by how hard the last question is."""

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if sum(each is not None for each in (self.to, self.semantic, self.difficulty)) != 1:
            raise ValueError("a rule has exactly one of `to`, `semantic` and `difficulty`")
        return self

    @property
    def method(self) -> str:
        return "semantic" if self.semantic is not None else "difficulty" if self.difficulty is not None else "rule"

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it may choose."""
        if self.semantic is not None:
            return tuple(self.semantic.names)
        return (self.difficulty.hard, self.difficulty.easy) if self.difficulty is not None else (self.to or "",)

    def told(self) -> str:
        """The rule in words."""
        when = self.when.model_dump(exclude_defaults=True)
        conditions = f"when {', '.join(f'{name}: {value}' for name, value in when.items())}, " if when else ""
        if self.semantic is not None:
            topics = topics_of(self.semantic)
            named = ", ".join(
                f"{name} ({sum(len(topic.phrases) for topic in topics if topic.name == name)} phrases)"
                for name in self.semantic.names
            )
            least = f"score {self.semantic.threshold:g}, margin {self.semantic.margin:g}"
            return f"{conditions}semantic: {named}; {len(self.semantic.none_of_these)} of none; from {least}"
        if self.difficulty is not None:
            return f"{conditions}difficulty: {self.difficulty.hard} from {self.difficulty.threshold:g}, else {self.difficulty.easy}"
        return f"{conditions}to {self.to}"


class Fallback(Settings):
    """The name that is taken, instead of a refusal, where the router cannot work."""

    to: str
    """Name of `model_map`."""


class RouteSettings(TimedSettings):
    """Requests that are routed, and the rules by which."""

    models: tuple[str, ...] = Field(default=("auto",), min_length=1)
    """Names that ask to be routed. Any other name is the caller's own choice, and stays."""
    rules: tuple[RouteRule, ...] = Field(min_length=1)
    """The first rule that decides is taken; where none does, the request is refused."""
    on_error: Literal["deny"] | Fallback = "deny"
    """Where the model server does not answer: refuse (503 `router_unavailable`), or take a name. The latter is warned of at every
    load, and counted."""

    @property
    def embedders(self) -> tuple[str, ...]:
        """Names of the embedders that are asked; difficulty was learned on the default one."""
        named = [rule.semantic.model if rule.semantic is not None else DEFAULT for rule in self.rules if rule.to is None]
        return tuple(dict.fromkeys(named))

    def told(self) -> tuple[str, ...]:
        """The rules in words, and what happens where none decides or none can."""
        last = f"the router down: {self.on_error.to}" if isinstance(self.on_error, Fallback) else "the router down: refused (503)"
        rules = (f"{number}. {rule.told()}" for number, rule in enumerate(self.rules, 1))
        return (f"asked for as {', '.join(self.models)}; any other name stays", *rules, "no rule decides: refused (400)", last)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a request may be given."""
        last = (self.on_error.to,) if isinstance(self.on_error, Fallback) else ()
        return tuple(dict.fromkeys((*(name for rule in self.rules for name in rule.names), *last)))
