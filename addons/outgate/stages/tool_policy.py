"""Say which tools a model may call, with which arguments: calls are judged whole, as the client will read them, in every dialect.

The text before a call streams on; a call is held until its arguments are whole. What is refused is taken out of the answer, with a
sentence in its place, so that an agent's turn goes on; or it ends the answer, or is written down only. Calls that the provider runs
are judged too, but may have been made by the time that it tells of them: what must not run is better not offered (`hosted`).
"""

import re
from collections import Counter
from typing import ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from outgate.detectors.call_rules import MALFORMED, CallAct, Caller, CallRule, CallRules, DenyRule, Refused
from outgate.errors import Denial
from outgate.inference.calls import Call
from outgate.inference.judge import CallJudge, Cut
from outgate.inference.operation import Operation
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.pipeline.contract import Contract, Holds, Judges, May
from outgate.pipeline.stage import Settings, StreamStage

_PLAIN = re.compile(r"[A-Za-z0-9_./:-]{1,64}")
_BECAME = {"deny": Action.DENIED, "withhold": Action.WITHHELD, "flag": Action.FLAGGED}


class ToolPolicySettings(Settings):
    """Which calls pass, and what happens to the others."""

    allow: tuple[CallRule, ...] = ()
    """Calls that pass. Where there are any, no other does."""
    deny: tuple[DenyRule, ...] = ()
    """Calls that do not pass, whatever allows them; the first that is about a call counts."""
    action: CallAct = "withhold"
    """`withhold` puts a sentence in the place of the call, and the answer goes on; `deny` ends the answer; `flag` writes the
    verdict down. A call whose arguments are not one JSON object, or are told in two ways, is withheld even then.
    """
    longest: int = Field(default=1024 * 1024, gt=0, le=16 * 1024 * 1024)
    """Characters of arguments, and bytes of other events behind them, that are held; a stream with more is denied."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.allow and not self.deny:
            raise ValueError("it needs `allow` or `deny`")
        return self


class Reads(NamedTuple):
    """In which dialect who asks, which model answers, and the answer."""

    operation: Operation
    principal: Principal
    model: str | None
    r_stream: EventStream


class ToolPolicy(StreamStage):
    """Opens a judge of tool calls."""

    name = "tool_policy"
    settings_type: ClassVar[type[Settings]] = ToolPolicySettings

    def __init__(self, settings: ToolPolicySettings) -> None:
        self._settings = settings
        self._rules = CallRules(settings.allow, settings.deny)
        acts = {settings.action, *(rule.action for rule in settings.deny)}
        self.contract = Contract.of(
            Reads,
            writes=("r.stream", "verdict.out.tool_policy"),
            may=May.MUTATE | (May.DENY if "deny" in acts else May.NOTHING),
            judges=Judges.RELEASED,
            preserves=("verdict.out.*",),
            optional=("model",),
            holds=Holds("tool calls until they are whole", settings.longest),
            cost=0.1,
        )

    def open(self, facts: Reads, /) -> "ToolJudge":
        return ToolJudge(self._rules, facts, self._settings)


class ToolJudge(CallJudge):
    """Judges the calls of one answer."""

    def __init__(self, rules: CallRules, facts: Reads, settings: ToolPolicySettings) -> None:
        self._rules, self._action = rules, settings.action
        self._caller = Caller(facts.principal, facts.model)
        self.operation, self.most = facts.operation, settings.longest
        self._matches: Counter[tuple[str, Action]] = Counter()
        self._calls = self._characters = 0

    def call(self, call: Call, /) -> str | Cut | None:
        self._calls += 1
        self._characters += len(call.arguments)
        refused = self._rules.judged(call, self._caller)
        if refused is None:
            return None
        action = refused.action or self._action
        if refused.rule == MALFORMED and action == "flag":
            action = "withhold"
        self._matches[refused.rule, _BECAME[action]] += 1
        if action == "deny":
            return Cut(_denial(call, refused))
        return None if action == "flag" else f"[{_sentence(call, refused)} It was not passed on; asking again gives the same.]"

    def verdict(self) -> Verdict:
        strongest = next((each for each in _BECAME.values() if any(each is action for _, action in self._matches)), Action.ALLOWED)
        return Verdict(
            action=strongest,
            matches=tuple(
                Match(rule, "tool_call", count, Channel.TOOL_ARGUMENTS.value, action.value)
                for (rule, action), count in sorted(self._matches.items())
            ),
            scanned=(Extent("tool_call", self._calls, self._characters),) if self._calls else (),
        )


def _sentence(call: Call, refused: Refused) -> str:
    name = f" `{call.name}`" if _PLAIN.fullmatch(call.name) else ""
    return f"The gateway's policy refused a call of the tool{name} ({refused.rule})."


def _denial(call: Call, refused: Refused) -> Denial:
    return Denial(code="tool_call_refused", status=403, message=_sentence(call, refused))
