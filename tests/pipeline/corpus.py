"""Pipelines that must be refused, each with the code that says why, and pipelines that must not be."""

from typing import Any, NamedTuple

from outgate.pipeline.compiler import Placement
from outgate.pipeline.contract import Effect, May, OnError, Release
from outgate.pipeline.facts import Origin
from pipeline.standard import (
    AUTHENTICATE,
    AUTHORIZE,
    CACHE,
    COUNT_TOKENS,
    DISPATCH,
    HYDRATE,
    INJECT_CREDENTIALS,
    METER,
    MODEL_MAP,
    ORIGINATE_TLS,
    OUTPUT_GUARD,
    PICK_ENDPOINT,
    PROMPT_GUARD,
    RECORD,
    REDACT,
    RESTORE,
    ROUTE,
    STANDARD,
    TRANSLATE,
    stage,
    swap,
    vary,
)

HEAD = frozenset({Origin.OUTSIDE, Origin.CONNECTION, Origin.HEAD})
ROUTER = stage("router", "prompt", "model", cost=0.1)
DECORATOR = stage("decorator", "model prompt", "prompt", may=May.MUTATE, cost=0.1)
REMOTE_GUARD = stage(
    "remote_guard", "prompt", "verdict.remote_guard", may=May.DENY, releases=Release.THIRD_PARTY, limit=1.0, cost=20.0, passes=0.9
)
EMBED = stage("embed", "prompt", "", releases=Release.THIRD_PARTY, effect=Effect.IDEMPOTENT, cost=5.0)
REWRITE_PATH = stage("rewrite_path", "path headers", "path", may=May.MUTATE, cost=0.01)
REDACT_OUTPUT = stage("redact_output", "r.stream", "r.stream verdict.out.redact_output", may=May.MUTATE, cost=0.05)
CANNED = vary(PROMPT_GUARD, may=May.RESPOND)
GUARD_REDACTS = vary(PROMPT_GUARD, writes="prompt verdict.prompt_guard", may=May.MUTATE)
MODEL_GUARD = vary(PROMPT_GUARD, reads="prompt model")
SIGV4 = stage(
    "inject_credentials", "backend wire.body wire.path wire.origination", "wire.auth", outside="credential.epoch", cost=0.01
)


class Case(NamedTuple):
    """A pipeline, the code it must be refused with (empty for a good one), and how it is compiled."""

    name: str
    placements: tuple[Placement, ...]
    code: str = ""
    how: dict[str, Any] = {}


def _pinned(name: str, code: str, *pin: str, placements: tuple[Placement, ...] = STANDARD) -> Case:
    return Case(name, placements, code, {"pin": pin})


PINNED = (
    _pinned("cache, limits, then routing: the key", "E_STALE_CACHE_KEY", "cache", "token_budget", "model_map"),
    _pinned("cache, limits, then routing: the charge", "E_STALE_CHARGE", "cache", "token_budget", "model_map"),
    _pinned("cache before the guard", "E_RELEASE_BEFORE_GUARD", "cache", "prompt_guard"),
    _pinned("cache before authorization", "E_RELEASE_BEFORE_GUARD", "cache", "authorize"),
    _pinned(
        "dispatch before the guard",
        "E_RELEASE_BEFORE_GUARD",
        "dispatch",
        "prompt_guard",
        placements=swap(drop="cache record cache_write"),
    ),
    _pinned("dispatch before the routed model is admitted", "E_RELEASE_BEFORE_GUARD", "dispatch", "authorize_model"),
    _pinned("a body judged before its sender is admitted", "E_BODY_BEFORE_ADMISSION", "prompt_guard", "authorize"),
    _pinned("dispatch before the hold", "E_UNCHARGED_RELEASE", "dispatch", "token_budget"),
    _pinned(
        "dispatch before a stage it does not read", "E_DISPATCH_NOT_LAST", "dispatch", "tag", placements=swap(stage("tag", "conn"))
    ),
    _pinned("tokens counted before redaction", "E_STALE_CHARGE", "count_tokens", "redact"),
    _pinned("charged before it may be answered", "E_CHARGE_BEFORE_ANSWER", "token_budget", "cache"),
    _pinned("judged before hydration", "E_STALE_VERDICT", "prompt_guard", "hydrate", placements=swap(HYDRATE)),
    _pinned(
        "authorized before the path is rewritten", "E_STALE_VERDICT", "authorize", "rewrite_path", placements=swap(REWRITE_PATH)
    ),
    _pinned("endpoint picked before the route", "E_STALE_PICK", "pick_endpoint", "route"),
    _pinned("translated before the model is known", "E_STALE_READ", "translate", "model_map"),
    _pinned("credential before the endpoint", "E_SECRET_UNBOUND", "inject_credentials", "pick_endpoint"),
    _pinned("recorded before it is judged", "E_CACHE_BEFORE_OUTPUT_GUARD", "record", "output_guard"),
    _pinned("recorded after secrets are restored", "E_SECRET_SCOPE", "restore", "record"),
    _pinned("judged by its own preservation after secrets are restored", "E_SECRET_SCOPE", "restore", "output_guard"),
    _pinned("third party before redaction", "E_TAINT", "embed", "redact", placements=swap(EMBED)),
    _pinned(
        "an order that a contract forbids",
        "E_ORDER_DECLARED",
        "late",
        "early",
        placements=swap(stage("late", after="early"), stage("early")),
    ),
    _pinned("behind the last writer", "E_ORDER_DECLARED", "redact", "hydrate", placements=swap(HYDRATE)),
    _pinned(
        "the end of the exchange before its dispatch",
        "E_NOT_YET_KNOWN",
        "tail",
        "dispatch",
        placements=swap(stage("tail", "outcome")),
    ),
    _pinned("the closing line before the answer", "E_PIN_PHASE", "meter", "restore"),
    _pinned("a stage that is not there", "E_PIN_UNKNOWN", "cache", "rerank"),
    _pinned("a stage twice", "E_PIN_UNKNOWN", "redact", "cache", "redact"),
)

UNPINNED = (
    Case(
        "guard asks for the client's version of a hydrated prompt",
        swap(HYDRATE, vary(PROMPT_GUARD, reads="prompt@initial")),
        "E_STALE_VERDICT",
    ),
    Case("count asks for the client's version", swap(vary(COUNT_TOKENS, reads="prompt@initial tools model")), "E_STALE_CHARGE"),
    Case(
        "cache asks for the client's version",
        swap(vary(CACHE, reads="prompt@initial model tools params principal operation")),
        "E_STALE_CACHE_KEY",
    ),
    Case("a rewrite behind a guard that rewrites", swap(vary(HYDRATE, after="prompt_guard"), GUARD_REDACTS), "E_STALE_VERDICT"),
    Case(
        "restored text that nobody judged",
        swap(vary(RESTORE, preserves="cache.recording", after="output_guard")),
        "E_STALE_VERDICT",
    ),
    Case("a recording that spoils a verdict", swap(vary(RECORD, preserves="")), "E_STALE_VERDICT"),
    Case("two rewrites without an order", swap(HYDRATE, vary(REDACT, after="")), "E_WAW_AMBIGUOUS"),
    Case("two that both want to be last", swap(vary(HYDRATE, after="*")), "E_WAW_AMBIGUOUS"),
    Case("two output rewrites without an order", swap(REDACT_OUTPUT), "E_WAW_AMBIGUOUS"),
    Case("two dispatches", swap(DISPATCH._replace(name="dispatch_again")), "E_WAW_AMBIGUOUS"),
    Case("decorator and router", swap(ROUTER, DECORATOR, drop="model_map redact"), "E_CYCLE"),
    Case("declared in a circle", swap(stage("one", after="two"), stage("two", after="one")), "E_CYCLE"),
    Case("a request made of its own response", swap(vary(ROUTE, reads="model provider r.status")), "E_CYCLE"),
    Case("a request made of how it ended", swap(vary(ROUTE, reads="model provider usage")), "E_CYCLE"),
    *(
        Case(
            f"cache key without {name}",
            swap(vary(CACHE, reads=" ".join(r for r in CACHE.contract.reads if r != name))),
            "E_CACHE_KEY_INCOMPLETE",
        )
        for name in ("prompt", "model", "tools", "params", "principal")
    ),
    Case("a fact that does not exist", swap(vary(ROUTE, reads="model provider weather")), "E_UNKNOWN_FACT"),
    Case("nobody routes", swap(drop="route"), "E_NO_PRODUCER"),
    Case("its own only source", swap(vary(ROUTE, reads="model provider backend")), "E_NO_PRODUCER"),
    Case("the initial version of a derived fact", swap(vary(ROUTE, reads="model@initial provider")), "E_NO_PRODUCER"),
    Case("body read before there is one", (AUTHENTICATE, PROMPT_GUARD), "E_NO_PRODUCER", {"given": HEAD, "closing": False}),
    Case("the end of an exchange that is not told", (AUTHENTICATE, stage("tail", "outcome")), "E_NO_PRODUCER", {"closing": False}),
    Case("model unset when routing fails", swap(vary(MODEL_MAP, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("prompt unset when redaction fails", swap(vary(REDACT, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("admitted by a failure", swap(vary(AUTHORIZE, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("anybody by a failure", swap(vary(AUTHENTICATE, on_error=OnError.FALLBACK, fallback=("guest",))), "E_OPEN_REQUIRED"),
    Case("a guard that sees personal text elsewhere", swap(REMOTE_GUARD, drop="redact restore"), "E_TAINT"),
    Case("a third party that asks for the client's version", swap(vary(EMBED, reads="prompt@initial")), "E_TAINT"),
    Case("text brought in behind the redaction", swap(vary(HYDRATE, after="redact"), vary(REDACT, after=""), EMBED), "E_TAINT"),
    Case(
        "translation around the redaction",
        swap(vary(TRANSLATE, reads="operation headers backend prompt@initial tools model params hold")),
        "E_TAINT",
    ),
    Case("a third party reads the client's headers", swap(vary(REMOTE_GUARD, reads="prompt headers")), "E_SECRET_SCOPE"),
    Case(
        "the client's headers go upstream",
        swap(vary(DISPATCH, reads=" ".join((*DISPATCH.contract.reads, "headers")))),
        "E_SECRET_SCOPE",
    ),
    Case("a recording of what was redacted", swap(vary(RECORD, reads="r.stream cache.key placeholders")), "E_SECRET_SCOPE"),
    Case(
        "a key made of the client's credentials",
        swap(vary(CACHE, reads=" ".join((*CACHE.contract.reads, "headers")))),
        "E_SECRET_SCOPE",
    ),
    Case(
        "an entry made of restored text",
        swap(stage("keep", "r.stream r.client", "cache.entry", optional="r.stream"), drop="cache_write record"),
        "E_SECRET_SCOPE",
    ),
    Case("a credential for any destination", swap(vary(INJECT_CREDENTIALS, reads="provider")), "E_SECRET_UNBOUND"),
    Case("a server name from elsewhere", swap(vary(ORIGINATE_TLS, reads="destination endpoint")), "E_HOST_SNI"),
    Case(
        "dialled by names that are no fact",
        swap(vary(DISPATCH, reads=" ".join(name for name in DISPATCH.contract.reads if name != "wire.origination"))),
        "E_HOST_SNI",
    ),
    Case(
        "recorded as the provider sent it",
        swap(
            REDACT_OUTPUT,
            stage("keep", "r.stream@initial", "cache.recording"),
            vary(RESTORE, preserves="verdict.out.* cache.recording"),
            drop="output_guard record",
        ),
        "E_CACHE_BEFORE_OUTPUT_GUARD",
    ),
    Case(
        "judged when it has left",
        swap(vary(OUTPUT_GUARD, reads="r.stream usage", writes="verdict.out.output_guard")),
        "E_RELEASE_BEFORE_GUARD",
    ),
    Case(
        "rewritten when it has left",
        swap(stage("stamp", "outcome r.status", "r.status", optional="r.status")),
        "E_RELEASE_BEFORE_GUARD",
    ),
    Case("a closing line that needs the caller", swap(vary(METER, optional="model provider hold usage denial")), "E_UNSET_ON_EXIT"),
    Case(
        "an output limit that needs the hold",
        swap(stage("limit", "r.status hold", "r.headers", placed_after="dispatch")),
        "E_UNSET_ON_EXIT",
    ),
    Case("a stage that writes health", swap(stage("probe", "conn", "endpoint.state")), "E_OUTSIDE_WRITTEN"),
    Case("too few fallbacks", swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=("small",))), "E_FALLBACK_ARITY"),
    Case("a stage placed twice", (*STANDARD, REDACT), "E_DUPLICATE_STAGE"),
)

BAD = PINNED + UNPINNED

GOOD = (
    Case("standard", STANDARD),
    Case("nothing but the way", (MODEL_MAP, ROUTE, PICK_ENDPOINT, TRANSLATE, INJECT_CREDENTIALS, ORIGINATE_TLS, DISPATCH)),
    Case("no stages at all", ()),
    Case("connection", (AUTHENTICATE, AUTHORIZE), how={"given": HEAD, "closing": False}),
    Case("hydrated first", swap(HYDRATE)),
    Case("canned refusal", swap(CANNED)),
    Case("guard that redacts", swap(vary(GUARD_REDACTS, after=""))),
    Case("guard that needs the model", swap(MODEL_GUARD)),
    Case("remote guard behind redaction", swap(REMOTE_GUARD)),
    Case("remote embedding behind guard and redaction", swap(EMBED)),
    Case("guard that fails open", swap(vary(PROMPT_GUARD, on_error=OnError.OPEN))),
    Case("model with a declared fallback", swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=("small", "local")))),
    Case("signed requests", swap(SIGV4)),
    Case("no cache", swap(drop="cache record cache_write")),
    Case("no redaction", swap(drop="redact restore")),
    Case("path rewritten before it is authorized", swap(REWRITE_PATH)),
    Case(
        "two output guards",
        swap(
            vary(REDACT_OUTPUT, after="output_guard", preserves="verdict.out.*"),
            vary(RESTORE, preserves="verdict.* cache.recording"),
        ),
    ),
    Case("tool policy on restored text", swap(stage("tool_policy", "r.stream tools", "verdict.out.tool_policy", may=May.DENY))),
    Case(
        "router reads the client's prompt",
        swap(vary(ROUTER, reads="prompt@initial", writes="model provider"), DECORATOR, drop="model_map"),
    ),
    Case("caller known from the connection", swap(drop="authenticate"), how={"known": frozenset({"principal"})}),
    Case(
        "pinned as compiled",
        STANDARD,
        how={"pin": ("authenticate", "prompt_guard", "redact", "model_map", "cache", "token_budget", "route")},
    ),
    Case(
        "only a canned answer",
        (AUTHENTICATE, stage("maintenance", "principal", "", may=May.RESPOND), stage("tail", "r.status outcome")),
    ),
)
