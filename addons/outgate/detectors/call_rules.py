"""Rules about tool calls: by name, kind, caller and model, by JSON Schema and by conditions on whole arguments.

A rule is about a call where all that it states is true. A call passes where no rule denies it and, if any allow, one allows it.
What cannot be read as one call with one object of arguments passes nowhere.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jsonschema_rs
from pydantic import Field, field_validator

from outgate.detectors.call_conditions import Condition
from outgate.dialects.json_body import Limits, decode_value
from outgate.errors import WireError
from outgate.inference.calls import Call, CallKind
from outgate.inference.principal import Principal
from outgate.net.patterns import covers
from outgate.pipeline.stage import Settings

type CallAct = Literal["deny", "withhold", "flag"]
MALFORMED, NOT_ALLOWED, ARGUMENTS = "malformed", "not_allowed", "arguments"
_LIMITS = Limits()
_PATTERNS = jsonschema_rs.RegexOptions()
"""Patterns of schemas run in linear time; those that cannot are refused with the policy."""


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
        self._allow = [_Compiled(rule, every=True) for rule in allow]
        self._deny = [_Compiled(rule, every=False) for rule in deny]
        self._actions = [rule.action for rule in deny]

    def judged(self, call: Call, caller: Caller) -> Refused | None:
        """Why a call does not pass; None where it does."""
        arguments = arguments_of(call)
        if arguments is None:
            return Refused(MALFORMED)
        for number, rule in enumerate(self._deny):
            if rule.names(call, caller) and rule.fits(arguments):
                return Refused(f"deny.{number + 1}", self._actions[number])
        named = [rule for rule in self._allow if rule.names(call, caller)]
        if not self._allow or any(rule.fits(arguments) for rule in named):
            return None
        return Refused(ARGUMENTS if named else NOT_ALLOWED)


class _Compiled:
    """One rule. What denies is told names in any case, and applies where it cannot be known whether it does."""

    def __init__(self, rule: CallRule, *, every: bool) -> None:
        self._rule, self._every = rule, every
        self._tools = rule.tools if every else tuple(name.casefold() for name in rule.tools)
        self._fits = [fitting(rule.arguments)] if rule.arguments is not None else []
        self._fits += [condition.compiled(every=every) for condition in rule.where]

    def names(self, call: Call, caller: Caller) -> bool:
        rule, model = self._rule, caller.model
        if call.kind not in rule.kinds or not covers(self._tools, call.name if self._every else call.name.casefold()):
            return False
        if rule.workloads and not covers(rule.workloads, caller.principal.name):
            return False
        if rule.models and not (covers(rule.models, model) if model else not self._every):
            return False
        claims = dict(caller.principal.claims)
        return all(name in claims and covers(patterns, claims[name]) for name, patterns in rule.claims.items())

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        return all(fits(arguments) for fits in self._fits)


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


def fitting(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value fits a JSON Schema. Raises ValueError for what is none."""
    try:
        validator = jsonschema_rs.validator_for(dict(schema), pattern_options=_PATTERNS, offline=True)
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"no JSON Schema: {str(error).splitlines()[0]}") from None
    fits: Callable[[Any], bool] = validator.is_valid
    return fits
