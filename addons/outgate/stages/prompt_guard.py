"""Refuse, or answer with a fixed text, a prompt that tries to take the model over.

Rules and phrases are matched after normalisation, in each leaf of the chosen channels and across neighbouring ones. What was judged
before is looked up. It decides on wording alone: attempts it has no rule for pass, so it is one guard among several.
"""

from asyncio import sleep
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator

from outgate.detectors.injection.guard import Guard, Judged
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.rules import RULES
from outgate.dialects.registry import dialect
from outgate.dialects.spec import Canned
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import EventStream
from outgate.inference.verdict import SKIPPED, Action
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, Judges, May
from outgate.pipeline.facts import fact_of_field
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Outcome, Stage, TimedSettings
from outgate.stores.memo import Memo

_JUDGED = ("user", "tool_result", "tool_arguments", "tool_definition", "parameter", "key")


_TURN = 0.002
"""Seconds of work after which others get their turn; between two looks at the clock lies one stretch of text."""


class PromptGuardSettings(TimedSettings):
    """What is looked for, where, and what happens when it is found."""

    action: Literal["deny", "answer"] = "deny"
    """`deny` refuses the request; `answer` gives `answer` as if the model had said it."""
    answer: str = Field(default="I can't help with that request.", min_length=1, max_length=4_000)
    """The fixed text."""
    channels: tuple[Channel, ...] = tuple(map(Channel, _JUDGED))
    """Where is looked. The system prompt and the assistant's own words are left out: defences and refusals quote attacks."""
    disabled_rules: frozenset[str] = frozenset()
    """Ids of built-in rules that are not applied."""
    phrases: tuple[str, ...] = Field(default=(), max_length=1_000)
    """More wordings, found as whole words in any disguise."""
    patterns: tuple[str, ...] = Field(default=(), max_length=50)
    """More regular expressions, over normalised lower-case words; every repeat needs an upper bound."""
    per_model: bool = False
    """Judge only requests for some models; the stage then runs after the model is chosen."""
    models: tuple[str, ...] = ("*",)
    """Which models, as shell patterns, where `per_model` is set."""

    @field_validator("patterns")
    @classmethod
    def _bounded(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            bounded(pattern)
        return patterns

    @field_validator("disabled_rules")
    @classmethod
    def _known(cls, disabled: frozenset[str]) -> frozenset[str]:
        unknown = sorted(disabled - {rule.id for rule in RULES})
        if unknown:
            raise ValueError(f"no such rule: {', '.join(unknown)}")
        return disabled


class Reads(NamedTuple):
    """What a guard that denies sees."""

    prompt: Prompt
    principal: Principal


class AnswerReads(NamedTuple):
    """What a guard that answers sees: with what its answer needs."""

    prompt: Prompt
    principal: Principal
    operation: Operation
    params: Params
    model_requested: str
    exchange_id: str
    started: float


class PromptGuard(Stage):
    """The prompt to a verdict: the ids of the rules it matches, and how much text of which channels was read."""

    name = "prompt_guard"
    settings_type = PromptGuardSettings

    def __init__(self, settings: PromptGuardSettings, memo: Memo, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        answers = settings.action == "answer"
        self._guard = Guard(settings.channels, settings.disabled_rules, settings.phrases, settings.patterns, memo)
        self._models = settings.models if settings.per_model else ("*",)
        self._text = settings.answer
        self._outcome: Callable[[Any, Judged], Outcome] = self._answered if answers else _denied
        view = AnswerReads if answers else Reads
        self.contract = Contract(
            reads=tuple(map(fact_of_field, (*view._fields, *(["model"] if settings.per_model else [])))),
            writes=("verdict.prompt_guard",),
            judges=Judges.RAW,
            may=May.RESPOND | May.DENY if answers else May.DENY,
            limit=settings.limit,
            cost=0.1,
            passes=0.97,
        )

    async def run(self, facts: Any, /) -> Outcome:
        if self._models != ("*",) and not any(fnmatchcase(facts.model, model) for model in self._models):
            return (SKIPPED,)
        turn = self._monotonic()
        for judged in self._guard.judge(facts.prompt, facts.principal.tenant):
            if judged is not None:
                return self._outcome(facts, judged) if judged.ids else (judged.verdict(Action.ALLOWED),)
            if self._monotonic() - turn > _TURN:
                await sleep(0)  # other exchanges get their turn
                turn = self._monotonic()
        raise AssertionError("a guard ends with what it found")

    def _answered(self, facts: AnswerReads, judged: Judged) -> Answer | Denial:
        if facts.operation.kind is not Kind.CHAT:
            return _denied(facts, judged)  # nothing but a conversation has an answer in words
        speaker, params = dialect(facts.operation.dialect), facts.params
        reply = Canned(self._text, facts.model_requested, facts.exchange_id, int(facts.started))
        events = speaker.canned(facts.operation, reply, params.stream, params.include_usage)
        headers = Headers([("content-type", speaker.content_type(params.stream))])
        return Answer(200, headers, EventStream.of(events), "gateway", outputs=(judged.verdict(Action.ANSWERED),))


def _denied(_: Reads | AnswerReads, judged: Judged) -> Denial:
    message = f"The prompt was refused by policy ({', '.join(judged.ids)})."
    return Denial(code="prompt_refused", status=403, message=message, outputs=(judged.verdict(Action.DENIED),))
