"""Base class of all stages: settings in, contract out, one `run`.

A stage file `stages/<name>.py` holds one class named `Stage` subclass with `name` equal to the file's name, its settings, and the
view its `run` reads. Constructor parameters are given by name by the policy compiler: `settings`, where there are any, and ports.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from outgate.errors import Denial
from outgate.inference.judge import Judge
from outgate.pipeline.contract import Contract
from outgate.pipeline.plan import Answer

type Outcome = tuple[Any, ...] | Denial | Answer


class Settings(BaseModel):
    """Settings of a stage in policies/*.yaml: frozen, unknown keys refused; field descriptions become the reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)


class TimedSettings(Settings):
    """Settings of a stage that waits."""

    limit: Annotated[float, Field(gt=0)] = 5.0
    """Seconds after which the stage counts as failed."""


class Stage:
    """One policy. `run` is `def` when it never waits and `async def` when it does; only then does `contract.limit` apply.

    `run(facts)` returns a tuple of its outputs in the contract's order, or a Denial, or an Answer.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Settings]] = Settings
    companions: ClassVar[tuple[str, ...]] = ()
    """Stages that come with this one (`restore` with `redact`), from its settings where they have the same `settings_type`."""
    streams: ClassVar[bool] = False
    """Whether `run` opens a judge on an answer (StreamStage)."""
    contract: Contract
    asks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Models of the model server that it asks, each with its options: they are loaded before the first request."""

    @classmethod
    def companions_for(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG003
        """Those that come with it under these settings, as the policy states them."""
        return cls.companions

    async def start(self) -> None:
        """Open what the stage holds; called before its plan is swapped in."""

    async def stop(self) -> None:
        """Close it; called when the last exchange of its plan has ended."""

    def explained(self) -> tuple[str, ...]:
        """Lines for `outgate plan` on what its settings decide, where that is more than its contract says."""
        return ()

    def run(self, facts: Any, /) -> Any:
        """An Outcome, or an awaitable of one."""
        raise NotImplementedError


class StreamStage(Stage):
    """One policy of the answer, streamed and not: it reads `r.stream`, and opens a judge on each answer.

    Its contract writes `verdict.out.<name>`, which is what the judge found when the answer ended, and `r.stream` too where the
    judge may replace text. `limit` bounds each time that the judge waits, `on_error` says what becomes of the answer when it fails.
    """

    streams = True

    def open(self, facts: Any, /) -> Judge | None:
        """The judge of one answer; None where there is nothing to judge. Called before the head of the answer has left."""
        raise NotImplementedError

    def run(self, facts: Any, /) -> Judge | None:
        return self.open(facts)
