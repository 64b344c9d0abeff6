"""Pipelines that must be refused, each with the code that says why, and pipelines that must not be."""

from outgate.pipeline.contract import Judges, May, OnError
from outgate.pipeline.facts import Origin
from pipeline.corpus_pins import PINNED, Case
from pipeline.more_stages import (
    CANNED,
    DECORATOR,
    EMBED,
    GUARD_REDACTS,
    MODEL_GUARD,
    PASS,
    REDACT_OUTPUT,
    REMOTE_GUARD,
    REWRITE_PATH,
    ROUTER,
    SECRET_GUARD,
    SIGV4,
    TOOL_POLICY,
)
from pipeline.standard import (
    AUTHENTICATE,
    AUTHORIZE,
    CACHE,
    CLOSE_EXCHANGE,
    COUNT_TOKENS,
    DISPATCH,
    ENCODE_REQUEST,
    HYDRATE,
    INJECT_CREDENTIALS,
    MODEL_MAP,
    ORIGINATE_TLS,
    OUTPUT_GUARD,
    PICK_BACKEND,
    PICK_ENDPOINT,
    PROMPT_GUARD,
    RECORD,
    REDACT,
    RESTORE,
    STANDARD,
    stage,
    swap,
    vary,
)

HEAD = frozenset({Origin.OUTSIDE, Origin.CONNECTION, Origin.HEAD})


UNPINNED = (
    Case("a rewrite behind a guard that rewrites", swap(vary(HYDRATE, after="prompt_guard"), GUARD_REDACTS), "E_STALE_VERDICT"),
    Case(
        "restored text that nobody judged",
        swap(vary(RESTORE, preserves="cache.recording", after="output_guard")),
        "E_STALE_VERDICT",
    ),
    Case("a recording that spoils a verdict", swap(vary(RECORD, preserves="")), "E_STALE_VERDICT"),
    Case("two rewrites without an order", swap(HYDRATE, vary(REDACT, after=""), drop="prompt_guard"), "E_WAW_AMBIGUOUS"),
    Case("two that both want to be last", swap(vary(HYDRATE, after="*"), drop="prompt_guard"), "E_WAW_AMBIGUOUS"),
    Case("two output rewrites without an order", swap(REDACT_OUTPUT), "E_WAW_AMBIGUOUS"),
    Case("two dispatches", swap(DISPATCH._replace(name="dispatch_again")), "E_WAW_AMBIGUOUS"),
    Case("decorator and router", swap(ROUTER, DECORATOR, drop="model_map redact"), "E_CYCLE"),
    Case("declared in a circle", swap(stage("one", after="two"), stage("two", after="one")), "E_CYCLE"),
    Case("a request made of its own response", swap(vary(PICK_BACKEND, reads="model provider r.status")), "E_CYCLE"),
    Case("a request made of how it ended", swap(vary(PICK_BACKEND, reads="model provider usage")), "E_CYCLE"),
    *(
        Case(
            f"cache key without {name}",
            swap(vary(CACHE, reads=" ".join(r for r in CACHE.contract.reads if r != name))),
            "E_CACHE_KEY_INCOMPLETE",
        )
        for name in ("prompt", "model", "tools", "params", "principal")
    ),
    Case("a fact that does not exist", swap(vary(PICK_BACKEND, reads="model provider weather")), "E_UNKNOWN_FACT"),
    Case("nobody routes", swap(drop="pick_backend"), "E_NO_PRODUCER"),
    Case("its own only source", swap(vary(PICK_BACKEND, reads="model provider backend")), "E_NO_PRODUCER"),
    Case("body read before there is one", (AUTHENTICATE, PROMPT_GUARD), "E_NO_PRODUCER", {"given": HEAD, "closing": False}),
    Case("the end of an exchange that is not told", (AUTHENTICATE, stage("tail", "outcome")), "E_NO_PRODUCER", {"closing": False}),
    Case("model unset when routing fails", swap(vary(MODEL_MAP, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("prompt unset when redaction fails", swap(vary(REDACT, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("admitted by a failure", swap(vary(AUTHORIZE, on_error=OnError.OPEN)), "E_OPEN_REQUIRED"),
    Case("anybody by a failure", swap(vary(AUTHENTICATE, on_error=OnError.FALLBACK, fallback=("guest",))), "E_OPEN_REQUIRED"),
    Case("a guard that sees personal text elsewhere", swap(REMOTE_GUARD, drop="redact restore"), "E_TAINT"),
    Case(
        "text brought in behind the redaction",
        swap(vary(HYDRATE, after="redact"), vary(REDACT, after=""), EMBED, drop="prompt_guard"),
        "E_TAINT",
    ),
    Case(
        "a clean judge of tools, which nothing clears",
        swap(stage("tool_guard", "tools", "verdict.tool_guard", judges=Judges.CLEAN, may=May.DENY)),
        "E_JUDGED_TEXT",
    ),
    Case("a third party that judges raw text", swap(vary(REMOTE_GUARD, judges=Judges.RAW)), "E_TAINT"),
    Case("a verdict about nothing that is said", swap(vary(PROMPT_GUARD, judges=None)), "E_JUDGES"),
    Case("a released guard that runs before the answer is restored", swap(*PASS, TOOL_POLICY), "E_TWO_PASSES"),
    Case("an answer rewritten beside its judges", swap(OUTPUT_GUARD._replace(streams=True)), "E_TWO_PASSES"),
    Case("a judge without a verdict", swap(vary(COUNT_TOKENS, judges=Judges.CLEAN)), "E_JUDGES"),
    Case("a redaction that spoils raw verdicts", swap(vary(REDACT, preserves="")), "E_STALE_VERDICT"),
    Case("a raw guard that needs a model picked on cleared text", swap(vary(MODEL_GUARD, judges=Judges.RAW)), "E_CYCLE"),
    Case(
        "a raw guard of what was made of cleared text",
        swap(vary(SECRET_GUARD, reads="wire.body"), drop="cache record cache_write"),
        "E_JUDGED_TEXT",
    ),
    Case(
        "two raw guards that both clear",
        swap(vary(GUARD_REDACTS, clears=True), vary(SECRET_GUARD, writes="prompt verdict.secret_guard", clears=True)),
        "E_CYCLE",
    ),
    Case(
        "a raw rewrite behind a clean one",
        swap(
            vary(GUARD_REDACTS, after="late"),
            stage("late", "prompt", "prompt verdict.late", judges=Judges.CLEAN, preserves="verdict.*"),
            drop="redact restore",
        ),
        "E_CYCLE",
    ),
    Case("a redaction that claims to spare what is sent", swap(vary(REDACT, preserves="*")), "E_TAINT"),
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
        "judged when it has left",
        swap(vary(OUTPUT_GUARD, reads="r.stream usage", writes="verdict.out.output_guard")),
        "E_RELEASE_BEFORE_GUARD",
    ),
    Case(
        "rewritten when it has left",
        swap(stage("stamp", "outcome r.status", "r.status", optional="r.status")),
        "E_RELEASE_BEFORE_GUARD",
    ),
    Case(
        "a closing line that needs the caller",
        swap(vary(CLOSE_EXCHANGE, optional="model provider hold usage denial")),
        "E_UNSET_ON_EXIT",
    ),
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
    Case(
        "nothing but the way", (MODEL_MAP, PICK_BACKEND, PICK_ENDPOINT, ENCODE_REQUEST, INJECT_CREDENTIALS, ORIGINATE_TLS, DISPATCH)
    ),
    Case("no stages at all", ()),
    Case("connection", (AUTHENTICATE, AUTHORIZE), how={"given": HEAD, "closing": False}),
    Case("hydrated first", swap(HYDRATE)),
    Case("canned refusal", swap(CANNED)),
    Case("guard that redacts", swap(vary(GUARD_REDACTS, after=""))),
    Case("guard that needs the model", swap(MODEL_GUARD)),
    Case(
        "raw guard that needs a model picked by name",
        swap(vary(MODEL_GUARD, judges=Judges.RAW), vary(MODEL_MAP, reads="model.requested params")._replace(ties=("redact",))),
    ),
    Case("raw guard of any cost", swap(SECRET_GUARD)),
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
    Case("tool policy on restored text", swap(TOOL_POLICY)),
    Case("tool policy as the last judge of the pass", swap(*PASS, TOOL_POLICY._replace(streams=True))),
    Case("caller known from the connection", swap(drop="authenticate"), how={"known": frozenset({"principal"})}),
    Case(
        "pinned as compiled",
        STANDARD,
        how={"pin": ("authenticate", "prompt_guard", "redact", "model_map", "cache", "token_budget", "pick_backend")},
    ),
    Case(
        "only a canned answer",
        (AUTHENTICATE, stage("maintenance", "principal", "", may=May.RESPOND), stage("tail", "r.status outcome")),
    ),
)
