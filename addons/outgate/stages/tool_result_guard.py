"""Withhold what tools and documents return where it gives the model orders: indirect injection.

A trained classifier reads what is new of it, by itself and across neighbours, however long. The rules of `prompt_guard`, which runs
before, read it too; users' texts and system prompts are that guard's. By default a sentence takes the place of a result, and the
turn goes on. It decides on wording alone, so it is one guard of several.
"""

from asyncio import timeout
from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.guard_settings import ModelGuardSettings
from outgate.detectors.injection.finding import Weight
from outgate.errors import told_by
from outgate.guards.classifier import MODEL, Classifier
from outgate.inference.prompt import Channel
from outgate.inference.verdict import SKIPPED, Verdict
from outgate.model_server.wire import Models, ModelServerError
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.memo import Memo

_NAME, _SLACK = "tool", 1.0


class ToolResultGuardSettings(ModelGuardSettings):
    """Where is looked, how sure the classifier must be, and what happens then."""

    channels: tuple[Literal["tool_result", "tool_arguments", "tool_definition"], ...] = ("tool_result",)
    """Where is looked. Descriptions of tools cannot be withheld: where they are judged, what is found in them is denied."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Score from which a text counts as an attempt, as `classifier.tool`."""
    on_error: Literal["deny", "open"] = "deny"
    """Where the classifier does not answer in time: `open` goes on, and the verdict says that nothing was read."""

    def rule_ids(self) -> Collection[str]:
        return (f"classifier.{_NAME}",)


class ToolResultGuard(Stage):
    """What tools returned to a verdict, and to the prompt that goes on."""

    name = "tool_result_guard"
    settings_type = ToolResultGuardSettings
    asks = ((MODEL, (_NAME,)),)

    def __init__(
        self, settings: ToolResultGuardSettings, memo: Memo, state_secret: Keys, refused: RefusedTexts, model_server: Models
    ) -> None:
        self._settings = settings
        self._actions = Actions(settings, state_secret, refused)
        channels = tuple(map(Channel, settings.channels))
        self._classifier = Classifier(_NAME, channels, settings.threshold, Weight.CERTAIN, model_server, memo)
        contract = guard_contract(self.name, settings, *settings.reads, after=("prompt_guard",), cost=1.0, passes=0.98)
        self.contract = replace(contract, limit=settings.limit + _SLACK)

    def explained(self) -> tuple[str, ...]:
        return (f"asks the classifier about {', '.join(self._settings.channels)}; prompt_guard reads the same with its rules",)

    async def run(self, facts: Any, /) -> Outcome:
        if self._settings.leaves_out(facts):
            return SKIPPED, facts.prompt
        read = tuple(self._classifier.extent(facts.prompt))
        try:
            async with timeout(self._settings.limit):
                found = await self._classifier.find(facts.prompt, facts.principal)
        except (ModelServerError, TimeoutError) as error:
            if self._settings.on_error == "deny":
                raise
            return Verdict(unjudged=read, reason=told_by(error) or "no answer in time"), facts.prompt
        return await self._actions.outcome(facts, found, Verdict(scanned=read))
