"""Every metric of the gateway: name, type, labels and meaning. The reference in docs/ is made from this table.

Names follow the OpenTelemetry GenAI metrics (`gen_ai.client.token.usage`, `gen_ai.server.request.duration`), spelt for Prometheus;
what OpenTelemetry does not name begins with `outgate_`. No label is taken from what a caller wrote:
a model is labelled by its name where the policy names it or a provider has answered for it, up to 64 such, and else as `other`;
rules and kinds are names of the gateway's own and of the policy.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple


class Type(StrEnum):
    """A gauge is summed over living workers and starts at zero with its worker. A summary is a count and a sum."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Metric(NamedTuple):
    """A declared metric; `buckets` are the upper bounds of a histogram, without +Inf."""

    name: str
    type: Type
    labels: tuple[str, ...]
    doc: str
    buckets: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """A histogram keeps one cell per bucket, one for +Inf, and the sum; a summary the count and the sum."""
        return len(self.buckets) + 2 if self.type in (Type.HISTOGRAM, Type.SUMMARY) else 1

    @property
    def kept_as(self) -> str:
        """The name of its series in the files of workers: counts go on while type, labels and buckets stay as they are."""
        shape = repr((self.type.value, self.labels, self.buckets)).encode()
        return f"{self.name}#{blake2b(shape, digest_size=4).hexdigest()}"


_TOKENS = tuple(float(4**n) for n in range(14))
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_OUTAGE = ("backend", "endpoint", "failure", "reason", "status")
_RATIO = (-0.5, -0.2, -0.1, -0.05, -0.02, -0.01, 0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

METRICS = (
    Metric(
        "gen_ai_client_token_usage",
        Type.HISTOGRAM,
        ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type", "workload"),
        "tokens per exchange as the provider reported them, or estimated where it reported none; token type is input or output",
        _TOKENS,
    ),
    Metric(
        "gen_ai_server_request_duration_seconds",
        Type.HISTOGRAM,
        ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "route"),
        "seconds from the request's head to the end of the exchange",
        _SECONDS,
    ),
    Metric(
        "outgate_exchanges_total",
        Type.COUNTER,
        ("route", "provider", "model", "workload", "outcome", "status", "revision"),
        "exchanges by how they ended; status is the class of the answer's, as `2xx`, and empty where there was none",
    ),
    Metric(
        "outgate_denials_total",
        Type.COUNTER,
        ("stage", "code", "rule", "workload", "revision"),
        "exchanges the gateway refused, by stage, reason, the first rule of a guard that did, and the policy's revision",
    ),
    Metric("outgate_tool_calls_total", Type.COUNTER, ("workload", "model"), "calls of tools in answers, those from the cache too"),
    Metric(
        "outgate_routed_total",
        Type.COUNTER,
        ("route", "method"),
        "requests that asked to be routed, by the name that was chosen and how: rule, semantic, difficulty, fallback (the router "
        "failed), and, without a name, none or failed",
    ),
    Metric(
        "outgate_attempts_total",
        Type.COUNTER,
        ("backend", "failure", "reason"),
        "upstream attempts; failure and reason are empty on success",
    ),
    Metric(
        "outgate_retries_total",
        Type.COUNTER,
        ("backend", "failure", "followed"),
        "failed attempts by what followed: same, endpoint, provider or model, where another attempt went; else why the failure "
        "stood: not_listed, attempts, sent, refreshed, budget, nowhere, or the code of the denial that kept it from another place",
    ),
    Metric(
        "outgate_backend_failing",
        Type.GAUGE,
        _OUTAGE,
        "1 while a place fails so and has answered nothing since, 0 for five minutes after it answers again; status is that of its "
        "answer, failure and reason are those of an attempt, or credential_unreadable and credential_not_renewed. The 200 latest",
    ),
    Metric(
        "outgate_backend_failing_seconds",
        Type.GAUGE,
        (*_OUTAGE, "at"),
        "when it failed first (since) and last, and when it answered again (0: not yet), in seconds since 1970",
    ),
    Metric("outgate_backend_failing_attempts", Type.GAUGE, (*_OUTAGE, "result"), "attempts there since then: failed, or answered"),
    Metric("outgate_answers_total", Type.COUNTER, ("source",), "answers by where they came from: upstream, cache or gateway"),
    Metric(
        "outgate_cost_total",
        Type.COUNTER,
        ("provider", "model", "workload", "basis"),
        "cost in US dollars of what is charged; basis is reported, estimated, or hold: the most that may have been billed",
    ),
    Metric(
        "outgate_credential_tokens_total",
        Type.COUNTER,
        ("provider", "credential", "gen_ai_token_type", "workload"),
        "tokens by whose credential went: gateway, placeholder, or workload, for a token of its own",
    ),
    Metric("outgate_unpriced_total", Type.COUNTER, ("provider", "model"), "charged exchanges for which a price is not known"),
    Metric("outgate_estimated_total", Type.COUNTER, ("provider",), "exchanges settled on an estimate of their usage"),
    Metric(
        "outgate_cached_tokens_total",
        Type.COUNTER,
        ("provider", "model", "workload", "kind"),
        "input tokens that a provider says it read from its prompt cache (`gen_ai.usage.cache_read.input_tokens`), or wrote to it "
        "(`gen_ai.usage.cache_creation.input_tokens`); kind is read or write",
    ),
    Metric("outgate_debt_tokens_total", Type.COUNTER, ("provider", "model"), "tokens used beyond what was held"),
    Metric(
        "outgate_token_count_error_ratio",
        Type.HISTOGRAM,
        ("provider", "model"),
        "(counted - reported) / reported input tokens",
        _RATIO,
    ),
    Metric("outgate_stage_seconds", Type.SUMMARY, ("stage", "verdict"), "runs of each stage: ok, denied, answered or error"),
    Metric(
        "outgate_verdicts_total",
        Type.COUNTER,
        ("guard", "action"),
        "verdicts of each guard: allowed, denied, answered, withheld, flagged, replaced, skipped (nothing was read) or failed",
    ),
    Metric(
        "outgate_verdict_matches_total",
        Type.COUNTER,
        ("guard", "rule", "channel", "action"),
        "rules that matched, by the channel of the text and what became of it; both are empty where a guard does not tell",
    ),
    Metric(
        "outgate_placeholders_total",
        Type.COUNTER,
        ("outcome",),
        "placeholders in answers: restored, withheld (in a URL of a host not in the request), unknown (invented or changed)",
    ),
    Metric("outgate_scanned_pieces_total", Type.COUNTER, ("guard", "kind"), "pieces of text that a guard has read, by channel"),
    Metric(
        "outgate_unjudged_pieces_total",
        Type.COUNTER,
        ("guard", "kind"),
        "pieces that were there and no guard of this name read: channels it leaves out, images, audio, files, opaque bodies",
    ),
    Metric("outgate_asked_total", Type.COUNTER, ("stage",), "questions of stages to the model server and to services outside"),
    Metric("outgate_asked_characters_total", Type.COUNTER, ("stage",), "characters of the texts in these questions"),
    Metric("outgate_asked_seconds_total", Type.COUNTER, ("stage",), "seconds that stages waited for these answers"),
    Metric(
        "outgate_guard_cost_total",
        Type.COUNTER,
        ("stage",),
        "cost in US dollars of questions to services outside, at the `price` of the policy; no part of `outgate_cost_total`",
    ),
    Metric("outgate_policy_info", Type.GAUGE, ("revision",), "workers under this revision of the policy"),
    Metric(
        "outgate_policy_refused",
        Type.GAUGE,
        (),
        "workers that refuse the policy file as it stands; they serve on under the one before, and would not start again",
    ),
    Metric("outgate_workers", Type.GAUGE, ("state",), "worker processes: configured, and those of them that are ready"),
    Metric("outgate_connections", Type.GAUGE, (), "open connections of clients"),
    Metric("outgate_exchanges_in_flight", Type.GAUGE, (), "exchanges that have begun and not ended"),
    Metric(
        "outgate_budget_tokens",
        Type.GAUGE,
        ("budget", "of", "state"),
        "tokens of each budget that is used in its present window: used, held (lent to workers for requests) and left, below "
        "zero in debt; of is whose it is, where each has one of its own. The 200 with the least share left; one that the "
        "policy in force has no more is left out",
    ),
    Metric("outgate_budget_warned", Type.GAUGE, ("budget", "of"), "the share of `warn_at` that a budget is past, or 0"),
    Metric(
        "outgate_certificate_expires_seconds",
        Type.GAUGE,
        ("certificate",),
        "when a certificate ends, in seconds since 1970: authority, the one that workloads trust",
    ),
    Metric("outgate_policy_reloads_total", Type.COUNTER, ("result",), "reloads of a worker's policy: applied or refused"),
    Metric(
        "outgate_model_server_seconds",
        Type.HISTOGRAM,
        ("model", "outcome"),
        "seconds that a worker waited for an answer of the model server, its queue included; outcome is ok, the code of an error, "
        "or abandoned, where the stage ran out of time or the caller had gone",
        (0.001, 0.002, 0.005, *_SECONDS[:11]),
    ),
    Metric("outgate_model_server_up", Type.GAUGE, (), "1 while the model server answers; 0 too where no policy asks it"),
    Metric(
        "outgate_model_server_restarts_total",
        Type.COUNTER,
        ("reason",),
        "ends of the model server, after each of which another is started: ended, silent (it did not answer and was killed) or "
        "unstartable",
    ),
    Metric(
        "outgate_model_batch_pieces",
        Type.HISTOGRAM,
        ("model",),
        "pieces of text in the batch of the model server that completed an answer; 0 is an answer without any work",
        (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    ),
    Metric(
        "outgate_model_queue_requests",
        Type.HISTOGRAM,
        ("model",),
        "requests, of all models, that waited in the model server when it gave an answer",
        (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0),
    ),
    Metric(
        "outgate_cache_lookups_total",
        Type.COUNTER,
        ("tier", "result"),
        "cache look-ups; result is hit, miss, bypass (the caller wants none), uncacheable, shadow (it would have been served), "
        "sampled (a hit that was asked of the provider all the same) or failed",
    ),
    Metric(
        "outgate_cache_comparisons_total",
        Type.COUNTER,
        ("result", "bound"),
        "fresh answers compared with the one that was or would have been given to a similar question: same, different or failed; "
        "bound is what holds the tenant's error since: calibrated (measured offline), proven, raised (to a higher score) or broken",
    ),
    Metric(
        "outgate_cache_unwritten_total",
        Type.COUNTER,
        ("reason",),
        "writes to the file of cached answers that were dropped: queue_full, failed (disk full, for example) or unwritable",
    ),
    Metric(
        "outgate_translations_total",
        Type.COUNTER,
        ("from", "to"),
        "exchanges whose request went to a provider in another dialect than the caller's",
    ),
    Metric(
        "outgate_translation_losses_total",
        Type.COUNTER,
        ("from", "to", "what"),
        "translated requests, and answers, that lost something on the way, by what: a noun of `translation.drop`, or one that is "
        "always dropped; of an answer, `from` is the provider's dialect",
    ),
    Metric(
        "outgate_picks_total",
        Type.COUNTER,
        ("backend", "endpoint", "strategy"),
        "picks of an endpoint, where the backend has several",
    ),
    Metric(
        "outgate_replica_ejections_total",
        Type.COUNTER,
        ("backend", "endpoint"),
        "ejections of a replica by this gateway's workers, after failures",
    ),
    Metric(
        "outgate_shed_total",
        Type.COUNTER,
        ("provider", "priority", "to"),
        "requests that left a crowded pool, by the provider that they went to instead, or `refused`",
    ),
    Metric(
        "outgate_replica_load_age_seconds",
        Type.HISTOGRAM,
        ("backend", "endpoint"),
        "seconds since a replica told its load, or was first asked for it, when it is asked again; above 2 it counts no more",
        (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
    ),
    Metric(
        "outgate_metrics_overflow_total",
        Type.COUNTER,
        ("metric",),
        "updates counted as `other`: too many series",
    ),
)
BY_NAME = {metric.name: metric for metric in METRICS}
LAYOUT = b"name#shape{label"
"""16 bytes that say how series are named in the files: in a file that says otherwise nothing is read."""
