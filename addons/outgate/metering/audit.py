"""Audit record of an exchange: caller, destination, usage, verdicts and each stage's decision; never prompt or answer text.

Names follow the OpenTelemetry GenAI attributes; what OpenTelemetry does not name begins with `outgate.`. A path, or a model's name
that policy did not admit, is the caller's own text: it stands here as far as `inference.shown` lets it.
"""

from typing import Any

import orjson

from outgate.inference.attempt import NotAsked
from outgate.inference.cached import CacheStatus
from outgate.inference.conversation import Translation
from outgate.inference.routing import Routing
from outgate.inference.shown import shown, shown_method, shown_path
from outgate.inference.spending import Spent
from outgate.inference.usage import Usage
from outgate.inference.verdict import Extent, Match, Verdict
from outgate.metering.charge import Basis
from outgate.metering.cost import Costs
from outgate.metering.events import Closed


def record(closed: Closed) -> bytes:
    """One JSON object; what is unknown is null rather than wrong. Times are epoch seconds, stage timings microseconds."""
    denial = closed.denial
    nobody = not closed.workload and closed.outcome != "answered"
    told = {
        "time": round(closed.started, 3),
        "outgate.seconds": round(closed.seconds, 6),
        "outcome": closed.outcome,
        "outgate.denial.code": denial.code if denial is not None else None,
        "outgate.denial.stage": denial.stage if denial is not None else None,
        "http.response.status_code": closed.status if denial is None else denial.status,
        **(_asked(closed) if denial is not None or nobody else {}),
        "client.address": closed.peer or None,
        "outgate.workload": closed.workload,
        "outgate.tenant": closed.tenant,
        **({"outgate.groups": sorted(closed.principal.groups)} if closed.principal.groups else {}),
        "outgate.route": closed.route,
        "outgate.policy.revision": closed.revision,
        "server.address": closed.destination,
        "gen_ai.operation.name": closed.operation.value if closed.operation is not None else None,
        "gen_ai.provider.name": closed.provider,
        "gen_ai.request.model": shown(closed.model, admitted=closed.admitted),
        "outgate.model.requested": shown(closed.model_requested),
        **({"outgate.routing": _routing(closed.routing)} if closed.routing is not None else {}),
        **({"outgate.translation": _translation(closed.translation)} if closed.translation is not None else {}),
        "outgate.backend": closed.backend,
        "outgate.endpoint": closed.endpoint,
        **({"outgate.credential": closed.credential} if closed.credential else {}),
        "outgate.source": closed.source,
        **({"outgate.cache": [_cached(status) for status in closed.cache]} if closed.cache else {}),
        **_amounts(closed),
        **({"outgate.tool_calls": closed.tool_calls} if closed.tool_calls else {}),
        **({"outgate.spent": {stage: _spent(each) for stage, each in closed.spent.items()}} if closed.spent else {}),
        "outgate.attempts": _attempts(closed),
        "outgate.redacted": closed.redacted,
        "outgate.verdicts": {guard: _verdict(verdict) for guard, verdict in closed.verdicts.items()},
        "outgate.stages": [_ran(*run) for run in closed.trace],
    }
    if nobody:  # a stranger's refusals are many: nothing is said of what is not known
        told = {name: value for name, value in told.items() if value not in (None, [], {})}
    return orjson.dumps(told)


def _ran(stage: str, ns: int, verdict: str, ahead: int) -> list[str | int]:
    """Stage, microseconds and verdict; and of a stage that began before its turn, the microseconds that it had run by then."""
    return [stage, ns // 1000, verdict, ahead // 1000] if ahead else [stage, ns // 1000, verdict]


def _asked(closed: Closed) -> dict[str, str | None]:
    """Who was refused, and what was asked for: enough to write the rule that would allow it."""
    denial = closed.denial
    return {
        "outgate.denial.cause": (denial.cause or None) if denial is not None else None,
        "presented.name": shown(denial.presented) if denial is not None else None,
        "http.request.method": shown_method(closed.method),
        "url.path": shown_path(closed.path),
    }


def _cached(status: CacheStatus) -> dict[str, Any]:
    """One look-up; what is not known of it is left out."""
    near = {"age": status.age, "similarity": status.similarity, "score": status.score, "needed": status.needed}
    words = {"reason": status.reason, "checks": status.checks, "entry": status.entry}
    told = {name: value for name, value in words.items() if value}
    figures = {name: round(value, 4) for name, value in near.items() if value is not None}
    return {"tier": status.tier, "result": status.result, **told, **figures}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """What was found, read, and not read: what is empty is left out, but for the action."""
    told = {
        "matches": [_match(match) for match in verdict.matches],
        "scanned": [_extent(extent) for extent in verdict.scanned],
        "unjudged": [_extent(extent) for extent in verdict.unjudged],
        "revision": verdict.revision,
        "reason": verdict.reason,
    }
    return {"action": verdict.action.value, **{name: value for name, value in told.items() if value}}


def _spent(spent: Spent) -> dict[str, Any]:
    """What a stage asked of models and services: no part of what inference cost."""
    asked, texts, characters, seconds, dollars = spent
    told = {"asked": asked, "texts": texts, "characters": characters, "ms": round(seconds * 1000, 3)}
    return told | ({"cost.usd": f"{dollars:.9f}".rstrip("0").rstrip(".")} if dollars else {})


def _translation(translation: Translation) -> dict[str, Any]:
    return {**translation._asdict(), "answer_lost": sorted(translation.answer_lost)}


def _routing(routing: Routing) -> dict[str, Any]:
    """How the name was chosen: names and phrases of the policy, never of the prompt. Rules are counted from one."""
    told = {
        "rule": routing.rule + 1 or None,
        "score": routing.score,
        "scores": dict(routing.scores),
        "nearest": [near._asdict() for near in routing.nearest],
    }
    decided = {"name": routing.name, "method": routing.method}
    return decided | {name: value for name, value in told.items() if value not in (None, {}, [])}


def _match(match: Match) -> dict[str, str | int]:
    told = {"channel": match.channel, "action": match.action, "text": match.text}
    return {"rule": match.rule, "kind": match.kind, "count": match.count, **{name: value for name, value in told.items() if value}}


def _extent(extent: Extent) -> dict[str, str | int]:
    told: dict[str, str | int] = {"kind": extent.kind, "count": extent.count}
    if extent.characters:
        told["characters"] = extent.characters
    if extent.bytes:
        told["bytes"] = extent.bytes
    return told


def _not_asked(target: NotAsked) -> dict[str, str | None]:
    return {"provider": target.provider, "model": shown(target.model), "code": target.code}


_UNKNOWN = Usage()


def _amounts(closed: Closed) -> dict[str, int | str | bool | None]:
    usage = closed.usage or _UNKNOWN
    return {
        "outgate.tokens.counted": closed.tokens.counted if closed.tokens is not None else None,
        "outgate.tokens.at_most": closed.tokens.bound if closed.tokens is not None else None,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "outgate.usage.estimated": usage.estimated,
        "outgate.charged.input_tokens": closed.charge.tokens_in,
        "outgate.charged.output_tokens": closed.charge.tokens_out,
        "outgate.charged": closed.charge.basis.value,
        "outgate.cost.usd": _dollars(closed.costs, Basis.REPORTED, Basis.ESTIMATED),
        "outgate.cost.hold.usd": _dollars(closed.costs, Basis.HOLD),
    }


def _dollars(costs: Costs | None, *bases: Basis) -> str | None:
    """Those that rest on any of these; None where none do, or no price is known."""
    found = [costs[basis] for basis in bases if basis in costs] if costs is not None else []
    return str(sum(found[1:], found[0])) if found else None


def _attempts(closed: Closed) -> list[dict[str, Any]]:
    shares = closed.charge.attempts or ((0, 0),) * len(closed.attempts)
    return [
        {
            "number": attempt.number,
            "backend": attempt.backend,
            "endpoint": attempt.endpoint,
            "status": attempt.status,
            "failure": attempt.failure,
            "phase": attempt.reason.partition(".")[0] if attempt.reason is not None else None,
            "reason": attempt.reason.partition(".")[2] if attempt.reason is not None else None,
            "sent": attempt.sent,
            **({"credential": attempt.credential} if attempt.credential else {}),
            "seconds": round(attempt.seconds, 6),
            "charged.input_tokens": tokens_in,
            "charged.output_tokens": tokens_out,
            **({"not_asked": [_not_asked(each) for each in attempt.not_asked]} if attempt.not_asked else {}),
            **({"passed_over": [each._asdict() for each in attempt.passed_over]} if attempt.passed_over else {}),
            **({"followed": attempt.followed} if attempt.followed else {}),
            **({"waited": round(attempt.waited, 6)} if attempt.waited else {}),
            **({"fault": attempt.fault} if attempt.fault else {}),
            **({"events.dropped": dict(attempt.dropped)} if attempt.dropped else {}),
        }
        for attempt, (tokens_in, tokens_out) in zip(closed.attempts, shares, strict=True)
    ]
