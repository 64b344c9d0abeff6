"""Reference of policies: the meaning and repair of every diagnostic code, and the JSON Schema of policy files for editors."""

import sys
from typing import Any, NamedTuple

import orjson

from outgate.policy.schema import PolicySection
from outgate.policy.stage_types import stage_names, stage_type


class Diagnostic(NamedTuple):
    """A stable code in general terms; the problem itself names stage, fact and line."""

    meaning: str
    repair: str


_FILE: dict[str, tuple[str, str]] = {
    "E_UNREADABLE": ("the file cannot be read", "name a file that exists and that this user may read; `outgate init` writes one"),
    "E_YAML": (
        "the file is not the plain YAML that is read: a mistake in syntax, tabs, a key twice, anchors, tags, several documents",
        "mend the line that is named; write spaces for tabs, and values out in full",
    ),
    "E_POLICY": ("the file holds something other than a mapping of sections", "begin with `version: 1` and `providers:`"),
    "E_UNKNOWN_KEY": ("a key that does not exist at this place", "take the key that is proposed, or remove it"),
    "E_MISSING_KEY": ("a key that must be there is not", "add it, in the form that is named"),
    "E_VALUE": ("a value of another form than its key takes", "write the form that is named"),
    "E_SECRET_INLINE": (
        "something in the file looks like a credential; it is not shown",
        "name its variable or file under `credential`",
    ),
    "E_SETTINGS": ("settings of a stage that do not go together", "see the stage in the reference of stages"),
    "E_TEST": ("a behaviour test cannot be read, or its policy is not beside it", "mend the line that is named"),
    "E_LOAD": ("loading failed in a way that nobody foresaw", "see the error in the log, and report it"),
    "E_REVISION_PIN": (
        "the policy is another than the one the process is pinned to",
        "restore the policy, or restart with its revision",
    ),
    "E_STAGE_START": ("a stage of the policy could not be started", "mend the cause that the log gives"),
}


_NEAR = "take the name that is proposed, or define it"
_NAMES: dict[str, tuple[str, str]] = {
    "E_UNKNOWN_STAGE": ("a stage that does not exist", "take the name that is proposed; all are in the reference of stages"),
    "E_UNKNOWN_PROVIDER": ("a provider that is not under `providers`", _NEAR),
    "E_UNKNOWN_WORKLOAD": ("a workload that is not under `workloads`", _NEAR),
    "E_UNKNOWN_GROUP": ("a group that no workload is in", _NEAR),
    "E_UNTRANSLATABLE": (
        "a route maps a model to a provider whose dialect none of its requests can be translated to",
        "map the model to a provider of the same dialect, or of one that is translated",
    ),
    "E_REGION": (
        "a route with `regions` could send to a provider that is not in them",
        "take the provider off the route, or say its `region`",
    ),
    "E_ADDRESS_CLOSED": (
        "a provider's address stands in the policy, is not public, and may not be dialled",
        "add `allow_addresses` with it, or with its range",
    ),
    "E_UNKNOWN_ALIAS": (
        "`route` chooses a name that `model_map` does not know",
        "take the name that is proposed, or add it under `models`",
    ),
    "W_NEAR_ALIAS": (
        "`route` chooses a name that `model_map` passes on as it is, and an alias is spelt much like it",
        "take the alias that is proposed, or keep the name where it is the provider's own",
    ),
    "E_MISSING_FILE": (
        "a file that the policy names is not there",
        "write the path from the policy's folder; `--elsewhere` where it is on another machine",
    ),
    "W_MISSING_FILE": ("a file that will be needed is not there yet", "put it there before the first request"),
    "E_TLS_FILE": (
        "a PEM file under `tls` is torn, or key and certificate do not belong together",
        "give certificates in PEM, and the key of the client certificate, without a passphrase",
    ),
    "E_KEY_SET": ("a file under `jwks` is no JWK set", 'give a file like `{"keys": [...]}` (RFC 7517)'),
    "E_CLIENT_CA": ("`gateway.client_ca` holds no CA certificate", "give a PEM file of CA certificates"),
    "E_CREDENTIAL_MISSING": (
        "a provider's credential cannot be read here",
        "set the variable, or write the file, one line of printable ASCII",
    ),
    "E_PLACEHOLDER_WITHIN": (
        "the text of one placeholder holds that of another, so that a request would be taken for the wrong one",
        "take another text: `outgate placeholder` makes one",
    ),
    "W_KEY_MISSING": ("one of several keys of a provider cannot be read here", "mend its source, or leave it out under `keys`"),
    "E_SECRET": (
        "`gateway.secret` cannot be read here, or is too short",
        "give one line of at least 32 characters: `openssl rand -hex 32`",
    ),
    "E_TOKEN_URL": (
        "a `token_url` has another scheme than its host is called by",
        "write https; http only for a host that is a provider of the policy with `tls: {enabled: false}`",
    ),
    "E_ALIAS_TWICE": ("two providers claim one alias", "keep it at one of them"),
    "E_BACKEND_TWICE": ("two backends have one name", "rename one"),
    "E_ENDPOINTS": ("a provider has no endpoint, or two of one name", "give each endpoint a name of its own"),
    "W_NO_ROUTES": ("no route takes any request: all are denied", "add one under `routes`, `- name: all` for example"),
    "W_ROUTE_TWICE": ("two routes have one name", "rename one: metrics tell routes by name"),
    "W_MODEL_REFUSED": (
        "a route takes requests for a model that its `model_map` does not know: they are refused",
        "name the model under `models`, or set `passthrough: true`",
    ),
    "W_REDACTION_LEFT": (
        "a target of `model_map` gets as it came what the policy redacts for it elsewhere",
        "name under `raw_to` of `redact` whom the text may reach as it came, instead of `redact: false`",
    ),
    "W_NO_PRICE": (
        "a provider with a price list has no model of this name: it may be misspelt, and what it is asked has no cost",
        "spell it as its provider does, or write its price under `prices` of the provider (only `outgate check` looks)",
    ),
    "W_LANGUAGE_UNREAD": (
        "`redact.languages` names one whose numbers are not known, and whose script the model of names hardly reads",
        "name what must not leave in `deny_list` or `patterns`, or refuse what people write in it",
    ),
    "W_FEW_EXEMPLARS": (
        "a name of a semantic rule has so few phrases that little is known of what belongs to it",
        "write 5 phrases and more, 3 to 10 for each of its topics",
    ),
    "W_EXEMPLAR_TWICE": (
        "a semantic rule has one phrase under two names, so that it speaks for neither",
        "keep it where it belongs",
    ),
    "W_STAGES_DROPPED": (
        "a route leaves out stages or list items that the policy sets, without saying that it means to",
        "leave `inherit` out, add what is missing, or say `replace: [STAGE]` or `STAGE: false`",
    ),
    "W_STAGE_IDLE": (
        "a guard or `redact` stands on a route and does nothing, because its list is empty",
        "leave the list out, or write `STAGE: false`, which says so",
    ),
    "W_UNREAD": (
        "a route admits bodies that no dialect reads: no answer is judged, no token counted, no budget moves",
        "keep such a route to the `paths` and `groups` that need it",
    ),
    "W_NO_DISPATCH": ("a route sends nothing, so that what no stage answers by itself fails", "remove `dispatch: false`"),
    "W_WORKLOAD_LOCKED_OUT": (
        "a workload has no token, no JWT and no client certificate that is asked for: nobody can be it",
        "`outgate workload rotate NAME` gives it a token",
    ),
    "W_TOKEN_ENDS": (
        "the last token of a workload ends within 14 days, or has ended; told by `outgate check` alone",
        "`outgate workload rotate NAME --expires 90d` gives it another, with --keep-old beside the old one",
    ),
    "W_ROUTE_UNREACHABLE": ("a route before this one takes all its requests", "put the narrower route first, or remove one"),
}


_PLANS: dict[str, tuple[str, str]] = {
    "E_MISSING_STAGE": ("a stage that every policy must have is not configured", "add it under `stages`"),
    "E_DUPLICATE_STAGE": ("a stage is placed twice", "remove one"),
    "E_UNKNOWN_FACT": ("a stage names a fact that does not exist", "correct the name in its contract"),
    "E_NO_PRODUCER": ("a stage reads a fact that nothing in the plan gives", "add a stage that writes it, or remove the reader"),
    "E_OUTSIDE_WRITTEN": ("a stage writes a fact that only events write", "read it instead"),
    "E_FALLBACK_ARITY": ("a stage has not one fallback value for each fact it writes", "give one for each"),
    "E_CYCLE": ("stages wait for one another", "split one, or declare what the rewrite preserves"),
    "E_WAW_AMBIGUOUS": ("two stages write one fact, and nothing says which has the last word", "declare `after` on one"),
    "E_UNSET_ON_EXIT": ("a stage that runs after denials and early answers requires what is unset then", "read it as optional"),
    "E_DISPATCH_NOT_LAST": ("a stage of the request would run after it has left", "remove the pin or `after` that says so"),
    "E_NOT_YET_KNOWN": ("a stage would run before the answer that it reads", "remove the pin or `after` that says so"),
    "E_ORDER_DECLARED": ("a pin contradicts an `after`", "remove one of them"),
    "E_PIN_UNKNOWN": ("a pin names a stage that the plan lacks, or one twice", "remove it from the pin"),
    "E_PIN_PHASE": ("a pin puts a stage before one of an earlier phase", "turn the two round"),
    "W_AFTER_UNKNOWN": ("`after` names a stage that the plan lacks", "remove it"),
    "W_ORDER_COST": ("a pinned order costs much more than the one that would be taken", "remove the pin"),
}


_SAFETY: dict[str, tuple[str, str]] = {
    "E_BODY_BEFORE_ADMISSION": (
        "a stage would read a body before its sender is admitted",
        "remove the pin or `after` that says so",
    ),
    "E_JUDGES": (
        "a stage writes a verdict without saying which text it judges, or says it without writing one",
        "declare `judges` in its contract: raw, clean or released",
    ),
    "E_JUDGED_TEXT": (
        "a guard would judge another text than it declares: raw text that is cleared already, or clean text that is not yet",
        "let it run on the other side of the stage that clears, or declare the other word",
    ),
    "E_TWO_PASSES": (
        "a stage of the answer has to follow one that judges it as it passes, and runs before that pass",
        "make it a StreamStage",
    ),
    "E_RELEASE_BEFORE_GUARD": ("something would leave, or be answered, before its guard has judged it", "let the guard run first"),
    "E_STALE_VERDICT": (
        "what a guard judged is rewritten before it leaves",
        "let the guard read the final fact, or declare what the rewrite preserves",
    ),
    "E_STALE_READ": ("a stage would use a fact that is rewritten later", "let it run after the rewrite"),
    "E_STALE_PICK": ("an endpoint would be picked by a fact that is rewritten later", "let it be picked after the rewrite"),
    "E_STALE_CHARGE": ("a budget would be charged by a fact that is rewritten later", "let the budget run after the rewrite"),
    "E_STALE_CACHE_KEY": ("a cache key would be made of a fact that is rewritten later", "let the cache run after the rewrite"),
    "E_CACHE_KEY_INCOMPLETE": (
        "a cache key lacks something that the answer depends on: requests would share answers",
        "let its stage read it",
    ),
    "E_CACHE_BEFORE_OUTPUT_GUARD": ("an answer would be cached before an output guard has judged it", "let the guard run first"),
    "E_CHARGE_BEFORE_ANSWER": ("what the gateway answers itself would be charged", "let the budget run after what answers"),
    "E_UNCHARGED_RELEASE": ("a request would be sent before its budget is held", "let the budget run before `dispatch`"),
    "E_HOST_SNI": (
        "what is dialled would not come from the backend, or would be no fact",
        "let the stage that writes `wire.origination` read `backend`, and the dispatch read `wire.origination`",
    ),
    "E_SECRET_UNBOUND": (
        "a credential would be attached before its destination is settled",
        "let it run after the destination, and read `backend`",
    ),
    "E_SECRET_SCOPE": (
        "a secret would reach the cache, a third party or a log",
        "split the stage, or let it run before secrets are restored",
    ),
    "E_TAINT": ("personal data would reach a third party uncleared", "let it read what `redact` has cleared"),
    "E_OPEN_REQUIRED": ("when a stage fails open, what admits or is required is unset", "set its `on_error` to deny"),
    "W_RAW_RELEASE": ("a third party gets text with the personal data in it", "set `raw: false`, and add `redact`"),
    "W_FAIL_OPEN": ("requests pass a guard that fails", "set its `on_error` to deny"),
    "W_DEFAULT_MODEL": ("a model that the caller did not ask for may be called", "name the model, or deny"),
    "W_UNBOUNDED_HOLD": ("a budget is held without a bound on the output", "set `max_output_tokens`"),
    "W_LIMIT_BELOW_CEILING": (
        "a limit is smaller than one answer of a model may be, so that requests without a maximum of their own are refused",
        "set `max_output_tokens` of `token_budget`, or a larger limit",
    ),
    "W_BUFFERS_STREAM": ("a stage holds an answer up to its end, so that nothing streams", "judge within a window"),
    "W_NO_LIMIT": ("a stage may wait for ever", "declare a limit in its contract"),
}


DIAGNOSTICS = {code: Diagnostic(*each) for code, each in (_FILE | _NAMES | _PLANS | _SAFETY).items()}

_DEFS = "#/$defs/{model}"
_STAGES = {"$ref": "#/$defs/Stages"}


def policy_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    schema = PolicySection.model_json_schema(ref_template=_DEFS)
    definitions: dict[str, Any] = schema["$defs"]
    stages: dict[str, Any] = {}
    for name in sorted(stage_names()):
        kind = stage_type(name)
        settings = kind.settings_type.model_json_schema(ref_template=_DEFS)
        definitions |= settings.pop("$defs", {})
        definitions[f"stage:{name}"] = settings
        stages[name] = {
            "description": _first_line(kind),
            "anyOf": [{"$ref": f"#/$defs/stage:{name}"}, {"const": False}, {"type": "null"}],
        }
    definitions["Stages"] = {"type": "object", "properties": stages, "additionalProperties": False}
    for holder in (schema, definitions["ProviderSection"], definitions["RouteSection"]):
        described = holder["properties"]["stages"].get("description", "")
        holder["properties"]["stages"] = _STAGES | {"description": described}
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Outgate policy"}


def policy_schema_bytes() -> bytes:
    """What stands in policies/schema.json."""
    return orjson.dumps(policy_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _first_line(kind: type[Any]) -> str:
    return (sys.modules[kind.__module__].__doc__ or "").strip().partition("\n")[0]
