"""Words of other gateways, and of hasty hands, for what a policy says, and for what is said elsewhere or not at all.

Words are those of LiteLLM, Envoy and Envoy AI Gateway, Gateway API, Kong, Portkey, agentgateway and nginx.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

_LIMITS = "stages.token_budget.limits"
_PLACES = {
    "providers": "upstream upstreams backend backends backendrefs cluster clusters services origins targets model_list",
    "routes": "rules virtual_hosts httproutes locations",
    "workloads": "clients consumers apps users teams virtual_keys api_keys callers tenants",
    "gateway.listen": "listeners binds bind address port server server_port",
    "gateway.limits.body_bytes": "max_body_size client_max_body_size",
    "providers.NAME.host": "url base_url api_base api_host target uri hostname",
    "providers.NAME.credential": "api_key key auth token api_key_env password",
    "providers.NAME.dialect": "type format schema api_type custom_llm_provider",
    "providers.NAME.endpoints": "hosts servers upstream upstreams instances targets load_balance load_balancer",
    "providers.NAME.timeouts": "timeout request_timeout",
    "providers.NAME.tls.ca": "ca_file ca_cert cacert ca_bundle certificate_authority",
    "providers.NAME.tls.client_certificate": "cert cert_file client_cert certificate",
    "providers.NAME.tls.client_key": "key key_file",
    "providers.NAME.tls.sni": "server_name",
    "providers.NAME.credential.env": "value variable env_var",
    "providers.NAME.credential.file": "path secret_file",
    "providers.NAME.endpoints.N.address": "url host target uri",
    "providers.NAME.max_in_flight": "max_parallel_requests concurrency max_connections",
    "providers.NAME.replicas.health": "health_check health_checks circuit_breaker outlier_detection cooldown_time",
    "providers.NAME.prices.NAME.input": "input_cost_per_token prompt",
    "providers.NAME.prices.NAME.output": "output_cost_per_token completion",
    "workloads.NAME.token_hashes": "token tokens api_key key password keys",
    "workloads.NAME.groups": "team teams role roles labels tags",
    "workloads.NAME.certificates": "spiffe spiffe_id subject",
    "routes.N.match": "matches",
    "routes.N.match.destinations": (
        "provider providers backend backends upstream upstreams to backendrefs target host hosts hostnames"
    ),
    "routes.N.match.paths": "prefix path_prefix uri url",
    "routes.N.retry": "retries",
    "routes.N.retry.attempts": "num_retries max_retries tries max_attempts",
    "routes.N.retry.on": "retry_on codes statuses",
    "routes.N.retry.per_try": "timeout per_try_timeout",
    "stages.authorize.allow": "allow_list permissions acl access allowed_providers",
    "stages.authorize.allow.N.providers": "destinations hosts destination",
    "stages.authorize.allow.N.groups": "team teams role",
    "stages.authorize_model.allow": "allowed_models model_access",
    "stages.authorize_model.allow.N.groups": "team teams role",
    "stages.model_map.models": "model_group_alias model_alias fallbacks fallback model_map_models",
    "stages.model_map.models.NAME.N.model": "name",
    "stages.model_map.models.NAME.N.weight": "weight weights",
    "stages.model_map.models.NAME.N.provider": "backend upstream",
    "stages.prompt_guard": "guard guards guardrails prompt_injection injection jailbreak moderation",
    "stages.redact": "pii mask masking anonymize presidio dlp sanitize",
    "stages.redact.entities": "kinds types detectors",
    "stages.secret_guard": "secrets secret_detection",
    "stages.cache": "caching semantic_cache response_cache",
    "stages.route": "router model_router routing",
    "stages.authenticate": "authn auth jwt_auth basic_auth",
    "stages.authorize": "authz rbac",
    "stages.token_budget": "quota quotas",
    _LIMITS: "budget budgets quota quotas",
    f"{_LIMITS}.N.tokens": "amount limit max max_tokens budget tokens",
    f"{_LIMITS}.N.window": "window period reset duration interval every budget_duration",
    f"{_LIMITS}.N.per": "by key descriptors",
}
"""Where it is said here, and the words for it; one word may mean several things, each at its place."""
_COUNTED = "`stages.token_budget.limits`: `{name: minute, tokens: 90000, window: minute}`"
_SAYINGS = {
    "what may be called stands in `stages.authorize_model.allow`, other names for models in `stages.model_map.models`": (
        "model models"
    ),
    "who is called stands in `providers` at the top, whom a workload may call in `stages.authorize.allow`": "providers",
    "budgets stand in `stages.token_budget.limits`, bounds on bodies and connections in `gateway.limits`": "limits",
    "it is an option of `outgate run` (see `--help`), or its variable: `OUTGATE_RUN_WORKERS` for example": (
        "workers log log_level logging admin metrics state certs audit drain pin telemetry"
    ),
    f"requests are not counted; tokens are, in {_COUNTED}": (
        "requests calls rate_limit rate_limits ratelimit rate_limiting rpm rps rpm_limit limit_req requests_per_minute tpm"
    ),
    f"budgets are counted in tokens, not in money: {_COUNTED}": "max_budget soft_budget dollars usd cost spend money max_cost",
    "certificates are always verified: `tls.ca` names a private authority; `tls: {enabled: false}` is plain HTTP": (
        "verify insecure skip_verify insecure_skip_verify verify_ssl ssl_verify ssl_verify_mode tls_verify reject_unauthorized"
    ),
    "remove it: there are no global settings; at the top stand gateway, providers, workloads, stages and routes": (
        "litellm_settings general_settings router_settings global globals settings config plugins policies filters admin_api"
    ),
    "the end of a token is given to `outgate workload rotate NAME --expires 90d`, which writes it beside the digest": (
        "expires expires_at expiry ttl valid_until"
    ),
}
"""What is said otherwise, or not at all, in a sentence."""
_SAYINGS_AT = {
    "providers.NAME": {
        "who may call a provider stands in `stages.authorize.allow`: `{groups: [TEAM], providers: [NAME]}`": (
            "groups group workloads workload tenants users teams team roles access permissions rules allow"
        ),
        "no field is added: those of callers go on by `stages.select_headers.also`, the key's is `credential.header`": (
            "headers header extra_headers default_headers custom_headers request_headers organization project"
        ),
        "a provider's name is the key under which it stands": "name id",
        "TLS is spoken unless it says `tls: {enabled: false}`": "scheme protocol",
        "who is asked first stands in `stages.model_map.models`, by the order of targets or their `weight`": "priority weight",
    },
    "providers.NAME.credential": {"write `env`, with the name of the variable that holds the key": "name key token secret"},
    "stages.token_budget.limits.N": {
        "a limit is not for one provider: write it in `stages.token_budget` of the provider, or narrow it by `model`": (
            "provider providers destination destinations backend host"
        ),
        "a limit is not for one route: write it in `stages.token_budget` of the route": "route routes path paths",
        "a limit is for workloads, a tenant or models: `tenant` stands in the workload, `per: [tenant]` gives each its own": (
            "group groups team teams user users role roles customer"
        ),
        "what is beyond the limit is refused; `warn_at` tells before": "action on_exceed on_exceeded mode soft",
    },
    "workloads.NAME": {
        "a workload's name is the key under which it stands": "name id",
        "whom a workload may call stands in `stages.authorize.allow`: `{workloads: [NAME], providers: [PROVIDER]}`": (
            "provider providers destinations allow access permissions paths"
        ),
        "budgets stand in `stages.token_budget.limits`: `{name: day, tokens: 90000, window: day, workload: NAME}`": (
            "budget budgets limit limits quota"
        ),
    },
    "routes.N": {
        "a route is not chosen by header fields; the target of a model may be, by `when` in `stages.model_map.models`": (
            "headers header"
        ),
    },
}
"""What is said of a word at one place; before all others."""


def _turned(table: Mapping[str, str]) -> Mapping[str, list[str]]:
    turned: dict[str, list[str]] = defaultdict(list)
    for meaning, words in table.items():
        for word in words.split():
            turned[word].append(meaning)
    return turned


MEANT: Mapping[str, Iterable[str]] = _turned(_PLACES)
"""Word to the places where it is said here, steps divided by dots."""
SAID_AT: Mapping[tuple[str, ...], Mapping[str, str]] = {
    tuple(place.split(".")): {word: meanings[0] for word, meanings in _turned(sayings).items()}
    for place, sayings in _SAYINGS_AT.items()
}
"""Place to words to a sentence."""
SAID: Mapping[str, str] = {word: meanings[0] for word, meanings in _turned(_SAYINGS).items()}
"""Word to a sentence."""
