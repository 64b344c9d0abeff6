"""Judge a prompt that tries to take the model over: refuse it, answer it, withhold the text at fault, or write the verdict down.

Rules and phrases are matched after normalisation, in each leaf of the chosen channels and across neighbouring ones. Where nothing
ends the request, a trained classifier is asked about users' texts, if policy says so; those of tools are `tool_result_guard`'s.
What was judged before is looked up. Both decide on wording alone: what is unlike all they know passes.
"""

from asyncio import gather, sleep, timeout
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.guard_settings import ModelGuardSettings, refuse_unknown
from outgate.detectors.injection.finding import Placed, Weight
from outgate.detectors.injection.guard import Guard, Judged
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.rules import IDS
from outgate.errors import told_by
from outgate.guards.classifier import MODEL, Classifier
from outgate.inference.prompt import Channel
from outgate.inference.verdict import SKIPPED, Verdict
from outgate.model_server.wire import Models, ModelServerError
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.stores.memo import Memo

_JUDGED = ("user", "tool_result", "tool_arguments", "tool_definition", "parameter", "key")

_CLASSIFIED = {"user": (Channel.USER,), "system": (Channel.SYSTEM,)}
_TURN, _SLACK = 0.002, 1.0
"""Seconds of work after which others get their turn (between two looks at the clock lies one stretch of text), and beyond the limit
of the classifier, so that its own failure mode is what counts.
"""


class ClassifierSettings(Settings):
    """The trained classifier. What it finds is `classifier.user` or `classifier.system`: flagged unless `rules` says otherwise."""

    user: Annotated[float, Field(gt=0, lt=1)] | None = 0.5
    """Score from which a user's text counts as an attempt; null leaves users' texts out."""
    system: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The same for system prompts, which are left out by default: they are the operator's own, and quote attacks."""
    limit: Annotated[float, Field(gt=0)] = 3.0
    """Seconds to wait for its scores."""
    on_error: Literal["deny", "open"] = "deny"
    """Where there are none in time: `open` goes on with what the rules found, and the verdict says that it did not read."""


class PromptGuardSettings(ModelGuardSettings):
    """What is looked for, where, and what happens when it is found."""

    channels: tuple[Channel, ...] = tuple(map(Channel, _JUDGED))
    """Where is looked. The system prompt and the assistant's own words are left out: defences and refusals quote attacks."""
    disabled_rules: frozenset[str] = frozenset()
    """Ids of built-in rules that are not applied."""
    phrases: tuple[str, ...] = Field(default=(), max_length=1_000)
    """More wordings, found as whole words in any disguise, and reported as `phrase.1` and so on."""
    patterns: tuple[str, ...] = Field(default=(), max_length=50)
    """More regular expressions, in RE2's syntax over normalised lower-case words, reported as `pattern.1` and so on."""
    classifier: ClassifierSettings | None = None
    """Ask a trained classifier, too, about what is new: `{}` does with its defaults. Left away, rules alone judge."""

    def rule_ids(self) -> Collection[str]:
        own = [f"phrase.{n}" for n in range(1, len(self.phrases) + 1)] + [f"pattern.{n}" for n in range(1, len(self.patterns) + 1)]
        return (*IDS, *own, *(f"classifier.{name}" for name in _CLASSIFIED))

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
        model_server: Models,
    ) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._guard = Guard(settings.channels, settings.disabled_rules, settings.phrases, settings.patterns, memo)
        self._actions = Actions(settings, state_secret, refused)
        asked = settings.classifier or ClassifierSettings(user=None)
        thresholds = {name: getattr(asked, name) for name in _CLASSIFIED}
        self._classifiers = [
            Classifier(name, _CLASSIFIED[name], threshold, Weight.SIGNAL, model_server, memo)
            for name, threshold in thresholds.items()
            if threshold is not None
        ]
        self._limit, self._open = asked.limit, asked.on_error == "open"
        self.asks = tuple((MODEL, (name,)) for name, threshold in thresholds.items() if threshold is not None)
        contract = guard_contract(self.name, settings, *settings.reads, cost=0.1, passes=0.97)
        self.contract = replace(contract, limit=max(settings.limit, asked.limit + _SLACK))

    async def run(self, facts: Any, /) -> Outcome:
        if self._settings.leaves_out(facts):
            return SKIPPED, facts.prompt
        judged = await self._judged(facts)
        read = Verdict(scanned=judged.scanned, unjudged=judged.unjudged, revision=judged.revision)
        unasked = tuple(extent for one in self._classifiers for extent in one.extent(facts.prompt))
        asked = replace(read, unjudged=(*read.unjudged, *unasked)) if unasked else read
        outcome = await self._outcome(facts, judged.findings, asked)
        if not unasked or not isinstance(outcome, tuple):
            return outcome
        try:
            found = await self._classified(facts)
        except (ModelServerError, TimeoutError) as error:
            if not self._open:
                raise
            return replace(outcome[0], reason=told_by(error) or "no answer in time"), outcome[1]
        return await self._outcome(facts, (*judged.findings, *found), replace(read, scanned=(*read.scanned, *unasked)))

    async def _outcome(self, facts: Any, found: Collection[Placed], read: Verdict) -> Outcome:
        return await self._actions.outcome(facts, found, read) if found else (read, facts.prompt)

    async def _classified(self, facts: Any) -> list[Placed]:
        async with timeout(self._limit):
            found = await gather(*(one.find(facts.prompt, facts.principal) for one in self._classifiers))
        return [one for some in found for one in some]

    async def _judged(self, facts: Any) -> Judged:
        turn = self._monotonic()
        for judged in self._guard.judge(facts.prompt, facts.principal.tenant):
            if judged is not None:
                return judged
            if self._monotonic() - turn > _TURN:
                await sleep(0)  # other exchanges get their turn
                turn = self._monotonic()
        raise AssertionError("a guard ends with what it found")
