"""Declare every fact of an exchange: its name, its origin, and its label.

A fact is a named, immutable piece of one exchange, written once per version. `Origin` says who writes its first version and so
in which phase it can first be read; a stage belongs to the latest phase among the facts it reads.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Origin(IntEnum):
    """The writer of a fact's first version. Ordered: a later origin is known later in the life of an exchange."""

    OUTSIDE = 0
    """State outside the exchange (health, a token's lifetime); written by events, readable in every phase."""
    CONNECTION = 1
    """Known when the client has connected."""
    HEAD = 2
    """Known from the request head."""
    BODY = 3
    """Known once the body is decoded."""
    STAGE = 4
    """Written by a stage."""
    RESPONSE = 5
    """Written by `dispatch`, or by the stage that answered."""
    CLOSE = 6
    """Known when the answer has been judged whole, before its last byte goes to the client."""
    AFTER = 7
    """Known when the last byte has gone."""


class Label(StrEnum):
    """The kind of sensitive data that a fact may carry."""

    NONE = "none"
    PERSONAL = "personal"
    SECRET = "secret"  # noqa: S105


class Fact(NamedTuple):
    """A declared fact."""

    name: str
    origin: Origin
    doc: str
    label: Label = Label.NONE
    repeats: str = ""
    """The fact whose text this one holds as it came: what is made from both says no more than that one."""


_TABLE = (
    Fact("endpoint.state", Origin.OUTSIDE, "endpoints that failed in this exchange"),
    Fact("provider.state", Origin.OUTSIDE, "providers that failed or refused in this exchange"),
    Fact("model.state", Origin.OUTSIDE, "models that failed in this exchange, each with its provider"),
    Fact("patience", Origin.OUTSIDE, "seconds that one attempt may take until its answer begins; None leaves it to the provider"),
    Fact("via", Origin.HEAD, "the field Via of the request as it goes on: the gateways that it has passed, and this one"),
    Fact("credential.epoch", Origin.OUTSIDE, "changes when a provider credential is renewed or refused"),
    Fact("policy.revision", Origin.OUTSIDE, "the revision of the policy this exchange runs under"),
    Fact("policy.rules", Origin.OUTSIDE, "the same without workloads and `gateway`: what answers may depend on"),
    Fact("conn", Origin.CONNECTION, "the client's connection: net.connection.Connection"),
    Fact("destination", Origin.HEAD, "the authority the client addressed, `host:port`, all its spellings agreeing"),
    Fact("method", Origin.HEAD, "request method"),
    Fact("path", Origin.HEAD, "request target, origin form"),
    Fact("operation", Origin.HEAD, "dialect and kind of work: inference.operation.Operation"),
    Fact("headers", Origin.HEAD, "request header fields: net.headers.Headers", Label.SECRET),
    Fact("route", Origin.HEAD, "name of the matched route"),
    Fact("exchange.id", Origin.HEAD, "the request id shown to the caller and in the closing line"),
    Fact("started", Origin.HEAD, "wall-clock time the exchange began, seconds since the epoch"),
    Fact("prompt", Origin.BODY, "all text of the request: inference.prompt.Prompt", Label.PERSONAL),
    Fact("prompt.vector", Origin.STAGE, "the question as a unit vector, float32: what is similar is near", Label.PERSONAL),
    Fact("tools", Origin.BODY, "tools offered: inference.params.Tools", Label.PERSONAL, "prompt"),
    Fact("params", Origin.BODY, "inference.params.Params", Label.PERSONAL, "prompt"),
    Fact("answer.form", Origin.BODY, "the form of the answer that is asked for, nothing personal: inference.params.Form"),
    Fact("model.requested", Origin.BODY, "the model name the caller asked for"),
    Fact("hosted.dropped", Origin.STAGE, "whether the tools that the provider runs are taken out of the request"),
    Fact("state.admitted", Origin.STAGE, "names of state at the provider that the policy admits"),
    Fact("upload", Origin.BODY, "a body that is sent on as it comes, unread: upstreams.upload.Upload; None where it is held"),
    Fact("principal", Origin.STAGE, "inference.principal.Principal"),
    Fact("admitted", Origin.STAGE, "the caller may use this destination, path and requested model"),
    Fact("model.routed", Origin.STAGE, "the name that `route` chose, or that was asked for where it had nothing to choose"),
    Fact("routing", Origin.STAGE, "how `route` decided: inference.routing.Routing; None where the caller chose a model"),
    Fact("model", Origin.STAGE, "the model that will really be called"),
    Fact("model.passed", Origin.STAGE, "targets that were passed over for the state of their pools, each with why"),
    Fact("provider", Origin.STAGE, "name of the provider that will be called"),
    Fact("model.admitted", Origin.STAGE, "the caller may use the routed model"),
    Fact("backend", Origin.STAGE, "upstreams.catalog.Backend: SNI, verified name, Host, credential, endpoints"),
    Fact("endpoint", Origin.STAGE, "upstreams.catalog.Endpoint to dial"),
    Fact("placeholders", Origin.STAGE, "what redaction replaced, by placeholder", Label.SECRET),
    Fact("secrets", Origin.STAGE, "what `secret_guard` replaced, by placeholder", Label.SECRET),
    Fact("redacted", Origin.STAGE, "how many values of each entity redaction replaced"),
    Fact("tokens.in", Origin.STAGE, "input tokens of the prompt for the routed model: inference.input_tokens.InputTokens"),
    Fact("hold", Origin.STAGE, "the budget reservation of this exchange"),
    Fact("headers.out", Origin.STAGE, "the caller's header fields that go on to the provider, no credential among them"),
    Fact("cache.control", Origin.STAGE, "what the caller wants of the cache: net.cache_control.CacheControl"),
    Fact("cache.key", Origin.STAGE, "exact partition key of the answer"),
    Fact("cache.names", Origin.STAGE, "placeholders of the prompt by kind and order: detectors.pii.canonical.Names"),
    Fact("cache.partition", Origin.STAGE, "where similar questions are looked for: answers.keys.Partition", Label.PERSONAL),
    Fact("cache.vector", Origin.STAGE, "the vector that an answer to the question is kept with; empty without one", Label.PERSONAL),
    Fact("cache.similar", Origin.STAGE, "what the look-up of similar questions found: inference.cached.CacheStatus"),
    Fact("cache.candidate", Origin.STAGE, "a kept answer that the fresh one is to be compared with: inference.cached.Candidate"),
    Fact("cache.status", Origin.STAGE, "what the look-up by key found: inference.cached.CacheStatus"),
    Fact("cache.joined", Origin.STAGE, "what came of waiting for the same request: inference.cached.CacheStatus"),
    Fact("cache.recording", Origin.STAGE, "the answer as it was judged, recorded before placeholders are restored"),
    Fact("wire.body", Origin.STAGE, "the bytes for the provider", Label.PERSONAL),
    Fact("wire.path", Origin.STAGE, "the request target for the provider"),
    Fact("wire.headers", Origin.STAGE, "header fields for the provider, without credentials"),
    Fact("wire.asked", Origin.STAGE, "what a translated request asks: inference.conversation.Conversation", Label.PERSONAL),
    Fact("translation", Origin.STAGE, "dialects between which the request was translated: inference.conversation.Translation"),
    Fact("wire.auth", Origin.STAGE, "credential header fields, bound to one backend", Label.SECRET),
    Fact("wire.origination", Origin.STAGE, "Host, SNI, verified names, ALPN and TLS of the dial: upstreams.catalog.Origination"),
    Fact("r.status", Origin.RESPONSE, "HTTP status of the answer"),
    Fact("r.headers", Origin.RESPONSE, "header fields of the answer"),
    Fact("r.stream", Origin.RESPONSE, "the answer as events: inference.stream.EventStream", Label.PERSONAL),
    Fact("r.source", Origin.RESPONSE, "upstream, cache or gateway"),
    Fact("usage", Origin.CLOSE, "inference.usage.Usage"),
    Fact("tool_calls", Origin.CLOSE, "how many calls of tools the answer holds"),
    Fact("outcome", Origin.CLOSE, "how the exchange ended: answered, denied, failed, client_gone, killed"),
    Fact("attempts", Origin.CLOSE, "every upstream attempt of this exchange: inference.attempt.AttemptRecord"),
    Fact("denial", Origin.CLOSE, "the denial that ended the exchange, if one did"),
    Fact("spent", Origin.CLOSE, "what stages asked models and services, by stage: inference.spending.Spent"),
    Fact("trace", Origin.CLOSE, "what every stage decided and how long it took"),
    Fact("line", Origin.CLOSE, "the closing line: settlement and audit record"),
    Fact("r.client", Origin.AFTER, "the last byte has gone to the client"),
    Fact("cache.compared", Origin.AFTER, "whether the fresh answer is being compared with a kept one"),
    Fact("cache.entry", Origin.AFTER, "what was written to the cache"),
)
FACTS = {fact.name: fact for fact in _TABLE}
_FIELDS = {fact.name.replace(".", "_"): fact.name for fact in _TABLE}
VERDICTS = "verdict.*"
"""Read as a fact, every verdict of the plan: a mapping from guard (`out.<guard>` for one of the answer) to its Verdict."""
_VERDICTS_FIELD = "verdicts"
_FAMILIES = {"verdict.out.": Origin.RESPONSE, "verdict.": Origin.STAGE}


def fact(name: str) -> Fact:
    """The declared fact of this name; `verdict.<guard>` and `verdict.out.<guard>` are families.

    Raises KeyError for a name that is not declared.
    """
    known = FACTS.get(name)
    if known is not None:
        return known
    for prefix, origin in _FAMILIES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return Fact(name, origin, f"what the guard {name.removeprefix(prefix)} found")
    raise KeyError(name)


def field_of(name: str) -> str:
    """The identifier under which a view shows a fact: `tokens.in` is `tokens_in`."""
    return _VERDICTS_FIELD if name == VERDICTS else name.replace(".", "_")


def fact_of_field(field: str) -> str:
    """Inverse of `field_of`. Raises KeyError where no fact has that field name."""
    known = VERDICTS if field == _VERDICTS_FIELD else _FIELDS.get(field)
    if known is not None:
        return known
    for prefix in _FAMILIES:
        stem = field_of(prefix)
        if field.startswith(stem):
            return prefix + field.removeprefix(stem)
    raise KeyError(field)
