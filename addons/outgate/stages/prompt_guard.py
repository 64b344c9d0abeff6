"""Judge a prompt that tries to take the model over: refuse it, answer it, withhold the text at fault, or write the verdict down.

Rules and phrases are matched after normalisation, in each leaf of the chosen channels and across neighbouring ones. What was judged
before is looked up. It decides on wording alone: attempts it has no rule for pass, so it is one guard among several.
"""

from asyncio import sleep
from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field, field_validator

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.guard_settings import GuardSettings, refuse_unknown
from outgate.detectors.injection.guard import Guard, Judged
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.rules import IDS
from outgate.inference.prompt import Channel
from outgate.inference.verdict import SKIPPED, Verdict
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.memo import Memo

_JUDGED = ("user", "tool_result", "tool_arguments", "tool_definition", "parameter", "key")


_TURN = 0.002
"""Seconds of work after which others get their turn; between two looks at the clock lies one stretch of text."""


class PromptGuardSettings(GuardSettings):
    """What is looked for, where, and what happens when it is found."""

    channels: tuple[Channel, ...] = tuple(map(Channel, _JUDGED))
    """Where is looked. The system prompt and the assistant's own words are left out: defences and refusals quote attacks."""
    disabled_rules: frozenset[str] = frozenset()
    """Ids of built-in rules that are not applied."""
    phrases: tuple[str, ...] = Field(default=(), max_length=1_000)
    """More wordings, found as whole words in any disguise, and reported as `phrase.1` and so on."""
    patterns: tuple[str, ...] = Field(default=(), max_length=50)
    """More regular expressions, in RE2's syntax over normalised lower-case words, reported as `pattern.1` and so on."""
    per_model: bool = False
    """Judge only requests for some models; the stage then runs after the model is chosen."""
    models: tuple[str, ...] = ("*",)
    """Which models, as shell patterns, where `per_model` is set."""

    def rule_ids(self) -> Collection[str]:
        own = [f"phrase.{n}" for n in range(1, len(self.phrases) + 1)] + [f"pattern.{n}" for n in range(1, len(self.patterns) + 1)]
        return (*IDS, *own)

    @field_validator("patterns")
    @classmethod
    def _bounded(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            bounded(pattern)
        return patterns

    @field_validator("disabled_rules")
    @classmethod
    def _built_in(cls, disabled: frozenset[str]) -> frozenset[str]:
        for name in disabled:
            refuse_unknown("rule", name, IDS)
        return disabled


class PromptGuard(Stage):
    """The prompt to a verdict, and to the prompt that goes on."""

    name = "prompt_guard"
    settings_type = PromptGuardSettings

    def __init__(
        self,
        settings: PromptGuardSettings,
        memo: Memo,
        monotonic: Callable[[], float],
        state_secret: Keys,
        refused: RefusedTexts,
    ) -> None:
        self._monotonic = monotonic
        self._guard = Guard(settings.channels, settings.disabled_rules, settings.phrases, settings.patterns, memo)
        self._actions = Actions(settings, state_secret, refused)
        self._models = settings.models if settings.per_model else ("*",)
        self.contract = guard_contract(self.name, settings, *["model"] * settings.per_model, cost=0.1, passes=0.97)

    async def run(self, facts: Any, /) -> Outcome:
        if self._models != ("*",) and not any(fnmatchcase(facts.model, model) for model in self._models):
            return SKIPPED, facts.prompt
        judged = await self._judged(facts)
        read = Verdict(scanned=judged.scanned, unjudged=judged.unjudged, revision=judged.revision)
        return await self._actions.outcome(facts, judged.findings, read) if judged.findings else (read, facts.prompt)

    async def _judged(self, facts: Any) -> Judged:
        turn = self._monotonic()
        for judged in self._guard.judge(facts.prompt, facts.principal.tenant):
            if judged is not None:
                return judged
            if self._monotonic() - turn > _TURN:
                await sleep(0)  # other exchanges get their turn
                turn = self._monotonic()
        raise AssertionError("a guard ends with what it found")
