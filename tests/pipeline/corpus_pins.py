"""Pinned orders that must be refused, each with the code that says why."""

from typing import Any, NamedTuple

from outgate.pipeline.compiler import Placement
from outgate.pipeline.facts import Origin
from pipeline.more_stages import (
    CLEAN_GUARD,
    EMBED,
    REWRITE_PATH,
    TOOL_POLICY,
)
from pipeline.standard import (
    HYDRATE,
    STANDARD,
    stage,
    swap,
)

HEAD = frozenset({Origin.OUTSIDE, Origin.CONNECTION, Origin.HEAD})


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
    _pinned("raw text judged when it is cleared", "E_JUDGED_TEXT", "redact", "prompt_guard"),
    _pinned(
        "clean text judged when it is not cleared yet", "E_STALE_VERDICT", "clean_guard", "redact", placements=swap(CLEAN_GUARD)
    ),
    _pinned(
        "released text judged before it is restored",
        "E_STALE_VERDICT",
        "tool_policy",
        "restore",
        placements=swap(TOOL_POLICY),
    ),
    _pinned("judged before hydration", "E_STALE_VERDICT", "prompt_guard", "hydrate", placements=swap(HYDRATE)),
    _pinned(
        "authorized before the path is rewritten", "E_STALE_VERDICT", "authorize", "rewrite_path", placements=swap(REWRITE_PATH)
    ),
    _pinned("endpoint picked before the route", "E_STALE_PICK", "pick_endpoint", "pick_backend"),
    _pinned("translated before the model is known", "E_STALE_READ", "encode_request", "model_map"),
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
    _pinned(
        "a default order the other way round",
        "E_ORDER_DECLARED",
        "late",
        "early",
        placements=swap(stage("late", ties="early"), stage("early")),
    ),
    _pinned("behind the last writer", "E_ORDER_DECLARED", "redact", "hydrate", placements=swap(HYDRATE)),
    _pinned(
        "the end of the exchange before its dispatch",
        "E_NOT_YET_KNOWN",
        "tail",
        "dispatch",
        placements=swap(stage("tail", "outcome")),
    ),
    _pinned("the closing line before the answer", "E_PIN_PHASE", "close_exchange", "restore"),
    _pinned("a stage that is not there", "E_PIN_UNKNOWN", "cache", "rerank"),
    _pinned("a stage twice", "E_PIN_UNKNOWN", "redact", "cache", "redact"),
)
