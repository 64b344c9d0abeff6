"""Synthetic contracts shaped like the standard stages, and the plans made of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from outgate.errors import PolicyError, Problem
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.contract import Contract, Effect, Judges, May, OnError, Release
from outgate.pipeline.plan import Plan, Step

_ENUMS = {"may": May, "releases": Release, "effect": Effect, "on_error": OnError}


def stage(name: str, reads: str = "", writes: str = "", **fields: Any) -> Placement:
    """A stage whose outputs name it and what it read; string fields are split where the contract wants tuples."""
    run = fields.pop("run", None)
    after = tuple(fields.pop("placed_after", "").split())
    source = fields.pop("source", "")
    ties = tuple(fields.pop("ties", "").split())
    for key in ("outside", "preserves", "after", "optional"):
        fields[key] = tuple(fields.get(key, "").split())
    written = tuple(writes.split())
    contract = Contract(reads=tuple(reads.split()), writes=written, **fields)
    return Placement(
        name, contract, run or (lambda facts: tuple((name, fact, tuple(facts)) for fact in written)), after, source, ties
    )


AUTHENTICATE = stage("authenticate", "conn headers", "principal", may=May.DENY, cost=0.02, passes=0.9)
AUTHORIZE = stage(
    "authorize",
    "principal destination path model.requested",
    "admitted",
    optional="model.requested",
    may=May.DENY,
    cost=0.003,
    passes=0.97,
)
HYDRATE = stage("hydrate", "prompt principal", "prompt", may=May.MUTATE, cost=2.0)
PROMPT_GUARD = stage("prompt_guard", "prompt", "verdict.prompt_guard", judges=Judges.RAW, may=May.DENY, cost=0.1, passes=0.95)
REDACT = stage(
    "redact",
    "prompt",
    "prompt placeholders",
    may=May.MUTATE,
    preserves="verdict.*",
    after="*",
    clears=True,
    cost=1.0,
)
MODEL_MAP = stage(
    "model_map",
    "model.requested prompt params",
    "model provider",
    outside="provider.state model.state",
    may=May.DENY,
    cost=0.01,
    passes=0.99,
)
AUTHORIZE_MODEL = stage("authorize_model", "principal model provider", "model.admitted", may=May.DENY, cost=0.002, passes=0.98)
CACHE = stage(
    "cache",
    "prompt model tools params principal operation",
    "cache.key",
    may=May.RESPOND,
    cost=0.02,
    passes=0.8,
    effect=Effect.IDEMPOTENT,
)
COUNT_TOKENS = stage("count_tokens", "prompt tools model", "tokens.in", cost=0.05)
TOKEN_BUDGET = stage(
    "token_budget",
    "principal model tokens.in params exchange.id",
    "hold",
    may=May.DENY,
    effect=Effect.CHARGE,
    cost=0.01,
    passes=0.95,
)
PICK_BACKEND = stage("pick_backend", "model provider", "backend", cost=0.005)
PICK_ENDPOINT = stage("pick_endpoint", "backend", "endpoint", outside="endpoint.state", may=May.DENY, cost=0.005)
ENCODE_REQUEST = stage(
    "encode_request",
    "operation headers backend prompt tools model params hold",
    "wire.body wire.path wire.headers",
    optional="hold",
    may=May.DENY,
    cost=0.03,
)
INJECT_CREDENTIALS = stage(
    "inject_credentials", "backend", "wire.auth", outside="credential.epoch", may=May.DENY, ties="encode_request", cost=0.005
)
ORIGINATE_TLS = stage("originate_tls", "backend endpoint", "wire.origination", ties="inject_credentials", cost=0.005)
DISPATCH = stage(
    "dispatch",
    "method operation params backend endpoint wire.body wire.path wire.headers wire.origination wire.auth hold",
    "r.status r.headers r.stream r.source",
    optional="hold wire.auth",
    may=May.DENY,
    releases=Release.UPSTREAM,
    effect=Effect.IDEMPOTENT,
    cost=0.2,
)
OUTPUT_GUARD = stage("output_guard", "r.stream", "r.stream verdict.out.output_guard", judges=Judges.CLEAN, may=May.DENY, cost=0.05)
RECORD = stage("record", "r.stream cache.key", "r.stream cache.recording", optional="cache.key", preserves="verdict.*", cost=0.01)
RESTORE = stage(
    "restore",
    "r.stream placeholders",
    "r.stream",
    optional="placeholders",
    preserves="verdict.out.* cache.recording",
    may=May.MUTATE,
    cost=0.01,
)
CLOSE_EXCHANGE = stage(
    "close_exchange",
    "exchange.id started principal model provider hold usage outcome attempts denial",
    "line",
    optional="principal model provider hold usage denial",
    cost=0.02,
)
CACHE_WRITE = stage(
    "cache_write",
    "cache.key cache.recording outcome r.client",
    "cache.entry",
    optional="cache.key cache.recording",
    effect=Effect.IDEMPOTENT,
    cost=0.1,
)

STANDARD = (
    *(AUTHENTICATE, AUTHORIZE, PROMPT_GUARD, REDACT, MODEL_MAP, AUTHORIZE_MODEL, CACHE, COUNT_TOKENS, TOKEN_BUDGET, PICK_BACKEND),
    *(
        PICK_ENDPOINT,
        ENCODE_REQUEST,
        INJECT_CREDENTIALS,
        ORIGINATE_TLS,
        DISPATCH,
        OUTPUT_GUARD,
        RECORD,
        RESTORE,
        CLOSE_EXCHANGE,
        CACHE_WRITE,
    ),
)


def swap(*changed: Placement, drop: str = "", base: tuple[Placement, ...] = STANDARD) -> tuple[Placement, ...]:
    """The standard stages with some replaced by name, added, or dropped."""
    names = {placement.name for placement in changed} | set(drop.split())
    return (*(placement for placement in base if placement.name not in names), *changed)


def vary(placement: Placement, **fields: Any) -> Placement:
    """A stage with some fields of its contract changed."""
    for key in ("reads", "writes", "outside", "preserves", "after", "optional"):
        if key in fields:
            fields[key] = tuple(fields[key].split())
    return placement._replace(contract=replace(placement.contract, **fields))


def problems_of(placements: tuple[Placement, ...], **how: Any) -> tuple[Problem, ...]:
    """The problems for which these stages are refused; empty where they compile."""
    try:
        compile_plan(placements, **how)
    except PolicyError as error:
        return error.problems
    return ()


def codes_of(placements: tuple[Placement, ...], **how: Any) -> set[str]:
    return {found.code for found in problems_of(placements, **how)}


def before(plan: Plan, *names: str) -> bool:
    """Whether these stages stand in this order in a plan."""
    order = plan.order
    places = [order.index(name) for name in names]
    return places == sorted(places)


def meaning(plan: Plan) -> dict[str, tuple[str, ...]]:
    """For every stage, who wrote each thing that it reads."""
    steps = (*plan.request, *plan.response, *plan.streams, *plan.close, *plan.after)
    writer = {slot: step.name for step in steps for slot in step.out}
    return {step.name: tuple(writer.get(slot, "given") for slot in slots_read(step, plan)) for step in steps}


def slots_read(step: Step, plan: Plan) -> list[int]:
    """The slots that a step reads, those of every verdict too where it reads them as one mapping."""
    read = step.get(list(range(plan.size)))
    return [slot for each in read for slot in (each.values() if isinstance(each, Mapping) else (each,))]


def repriced(placements: tuple[Placement, ...], name: str, factor: float) -> tuple[Placement, ...]:
    return tuple(
        p._replace(contract=replace(p.contract, cost=p.contract.cost * factor)) if p.name == name else p for p in placements
    )
