"""Rules about tool calls: by name, kind, caller and model, by JSON Schema and by conditions on whole arguments.

A rule is about a call where all that it states is true. A call passes where no rule denies it and, if any allow, one allows it.
What cannot be read as one call with one object of arguments passes nowhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator

from outgate.detectors.call_conditions import Condition
from outgate.detectors.call_readings import name_patterns, names_of, respelt
from outgate.detectors.call_schemas import fitting, fitting_somehow, members_of
from outgate.dialects.json_body import Limits, decode_value
from outgate.errors import WireError
from outgate.inference.calls import Call, CallKind
from outgate.inference.principal import Principal
from outgate.net.patterns import covers
from outgate.pipeline.stage import Settings

type CallAct = Literal["deny", "withhold", "flag"]
MALFORMED, NOT_ALLOWED, ARGUMENTS = "malformed", "not_allowed", "arguments"
_LIMITS = Limits()
_LONGEST_NAME = 512
"""Characters of a name that are looked at in a call which passes nowhere anyway."""


class CallRule(Settings):
    """Which calls a rule is about. What it does not state is true of every call."""

    tools: tuple[str, ...] = Field(min_length=1, examples=[["read_*", "github/**"]])
    """Names; `*` stands for anything but a slash, `**` for anything. A tool of an MCP server is `server/tool`, one that the
    provider runs has the name of its kind: `web_search`, `code_interpreter`.
    """
    kinds: tuple[CallKind, ...] = tuple(CallKind)
    """Who runs it."""
    workloads: tuple[str, ...] = ()
    """Names of workloads, as patterns."""
    models: tuple[str, ...] = ()
    """Models that are called, as patterns."""
    claims: dict[str, tuple[str, ...]] = {}
    """Claims of the workload's token, each with patterns of its value."""
    arguments: dict[str, Any] | None = None
    """A JSON Schema (2020-12 unless it says another) that the arguments fit. References outside it are refused. The input of a
    custom tool is `{"input": text}`.
    """
    where: tuple[Condition, ...] = ()
    """Conditions on the arguments, all of which hold."""

    @field_validator("arguments")
    @classmethod
    def _schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            fitting(schema)
        return schema


class DenyRule(CallRule):
    """Which calls are refused."""

    action: CallAct | None = None
    """What happens then; else what the stage says."""


class Caller(NamedTuple):
    """Who asks, and of which model."""

    principal: Principal
    model: str | None


class Refused(NamedTuple):
    """Why a call does not pass: the rule, and what it says to do."""

    rule: str
    action: CallAct | None = None


class CallRules:
    """The rules of a policy, compiled."""

    def __init__(self, allow: Sequence[CallRule], deny: Sequence[DenyRule]) -> None:
        self._allow = [_Allows(rule) for rule in allow]
        self._deny = [_Denies(rule) for rule in deny]
        self._actions = [rule.action for rule in deny]

    def judged(self, call: Call, caller: Caller) -> Refused | None:
        """Why a call does not pass; None where it does."""
        arguments = arguments_of(call)
        if arguments is None:
            return Refused(MALFORMED, "deny" if self._ends(call, caller) else None)
        for number, rule in enumerate(self._deny):
            if rule.names(call, caller) and rule.fits(arguments):
                return Refused(f"deny.{number + 1}", self._actions[number])
        named = [rule for rule in self._allow if rule.names(call, caller)]
        if not self._allow or any(rule.fits(arguments) for rule in named):
            return None
        return Refused(ARGUMENTS if named else NOT_ALLOWED)

    def _ends(self, call: Call, caller: Caller) -> bool:
        """Whether a rule that denies names the tool of a call that cannot be read, and ends the answer."""
        acts = zip(self._deny, self._actions, strict=True)
        return len(call.name) <= _LONGEST_NAME and any(act == "deny" and rule.names(call, caller) for rule, act in acts)


class _Allows:
    """A rule that allows, compiled. It goes by what was told, and by no member that can be taken for one that it knows."""

    def __init__(self, rule: CallRule) -> None:
        self._rule = rule
        self._fits = [fitting(rule.arguments)] if rule.arguments is not None else []
        self._fits += [condition.compiled(every=True) for condition in rule.where]
        self._members = frozenset(
            {*members_of(rule.arguments), *(step for condition in rule.where for step in condition.members())}
        )

    def names(self, call: Call, caller: Caller) -> bool:
        return covers(self._rule.tools, call.name) and _is_about(self._rule, call, caller, unknown=False)

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        return not respelt(arguments, self._members) and all(fits(arguments) for fits in self._fits)


class _Denies:
    """A rule that denies, compiled. It applies where it may be about the call, and where it cannot be known whether it does."""

    def __init__(self, rule: CallRule) -> None:
        self._rule = rule
        self._tools, self._whole = name_patterns(rule.tools)
        self._fits = [fitting_somehow(rule.arguments)] if rule.arguments is not None else []
        self._fits += [condition.compiled(every=False) for condition in rule.where]

    def names(self, call: Call, caller: Caller) -> bool:
        named = covers(self._whole, call.name) or any(covers(self._tools, name) for name in names_of(call.name))
        return named and _is_about(self._rule, call, caller, unknown=True)

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        return all(fits(arguments) for fits in self._fits)


def _is_about(rule: CallRule, call: Call, caller: Caller, *, unknown: bool) -> bool:
    """Whether a rule is about such a call of this caller; `unknown` is the answer for a model that is not known."""
    if call.kind not in rule.kinds or (rule.workloads and not covers(rule.workloads, caller.principal.name)):
        return False
    if rule.models and not (covers(rule.models, caller.model) if caller.model else unknown):
        return False
    claims = dict(caller.principal.claims)
    return all(name in claims and covers(patterns, claims[name]) for name, patterns in rule.claims.items())


def arguments_of(call: Call) -> dict[str, Any] | None:
    """The arguments as an object; None for what is none, or may be read as several."""
    if call.fault:
        return None
    if call.kind is CallKind.CUSTOM:
        return {"input": call.arguments}
    try:
        arguments = decode_value(call.arguments.encode() or b"{}", _LIMITS)
    except (WireError, UnicodeEncodeError):
        return None
    return arguments if isinstance(arguments, dict) else None
