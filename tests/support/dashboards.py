"""Grafana dashboards as tables of panels: docs/monitoring/*.json is made from them, and every query is run against a Prometheus.

`reference.py --write` writes them.
"""

import json
from typing import NamedTuple

RANGE = "$__rate_interval"


class Panel(NamedTuple):
    """One panel. `queries` are pairs of a legend and PromQL; `kind` is Grafana's name of the panel."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _sum(metric: str, *by: str, rate: str = "rate", window: str = RANGE) -> str:
    return f"sum by ({', '.join(by)}) ({rate}({metric}[{window}]))"


def _by(title: str, unit: str, metric: str, *by: str) -> Panel:
    """What a counter gains in a second, by labels."""
    return Panel(title, unit, ((" ".join(f"{{{{{label}}}}}" for label in by), _sum(metric, *by)),))


def _an_hour(title: str, metric: str, by: str) -> Panel:
    return Panel(title, "currencyUSD", ((f"{{{{{by}}}}}", _sum(metric, by, rate="increase", window="1h")),))


def _total(title: str, metric: str, *by: str) -> Panel:
    return Panel(title, "short", ((" ".join(f"{{{{{label}}}}}" for label in by), f"sum by ({', '.join(by)}) ({metric})"),))


def _quantiles(title: str, metric: str, by: str = "") -> Panel:
    labels, legend = (("le", by), f"{{{{{by}}}}} ") if by else (("le",), "")
    parts = ((percent, f"histogram_quantile({percent / 100}, {_sum(f'{metric}_bucket', *labels)})") for percent in (50, 95, 99))
    return Panel(title, "s", tuple((f"{legend}p{percent}", query) for percent, query in parts))


_READ = _sum('outgate_cached_tokens_total{kind="read"}', "workload")
_INPUT = _sum('gen_ai_client_token_usage_sum{gen_ai_token_type="input"}', "workload")
_DAYS = "(outgate_certificate_expires_seconds - time()) / 86400"
_DURATION, _EXCHANGES = "gen_ai_server_request_duration_seconds", "outgate_exchanges_total"
_DENIALS, _MATCHES = "outgate_denials_total", "outgate_verdict_matches_total"
BOARDS: dict[str, tuple[Panel, ...]] = {
    "overview": (
        _by("Requests by outcome", "reqps", _EXCHANGES, "outcome"),
        _by("Requests by status", "reqps", _EXCHANGES, "status"),
        _by("Requests by workload", "reqps", _EXCHANGES, "workload"),
        _quantiles("Duration of a request", _DURATION),
        Panel("In flight", "short", (("requests", "outgate_exchanges_in_flight"), ("connections", "outgate_connections"))),
        Panel("Time in stages", "s", (("{{stage}}", f"topk(10, {_sum('outgate_stage_seconds_sum', 'stage')})"),)),
        Panel("Workers", "short", (("{{state}}", "outgate_workers"), ("model server", "outgate_model_server_up"))),
        Panel("Policy", "short", (("{{revision}}", "outgate_policy_info"), ("refused", "outgate_policy_refused"))),
        Panel("Days until the authority ends", "d", (("{{certificate}}", _DAYS),), "stat"),
    ),
    "cost": (
        _an_hour("Dollars an hour, by workload", "outgate_cost_total", "workload"),
        _an_hour("Dollars an hour, by model", "outgate_cost_total", "model"),
        _by("Tokens by workload", "short", "gen_ai_client_token_usage_sum", "workload", "gen_ai_token_type"),
        Panel("Input tokens read from the provider's cache", "percentunit", (("{{workload}}", f"{_READ} / {_INPUT}"),)),
        Panel("Budgets: tokens left", "short", (("{{budget}} {{of}}", 'outgate_budget_tokens{state="left"}'),)),
        Panel("Budgets past their warn_at", "percentunit", (("{{budget}} {{of}}", "max by (budget, of) (outgate_budget_warned)"),)),
        _by("Answers by source", "reqps", "outgate_answers_total", "source"),
        _by("Look-ups in the gateway's cache", "reqps", "outgate_cache_lookups_total", "tier", "result"),
        _total("Requests without a known price", "outgate_unpriced_total", "provider", "model"),
    ),
    "policies": (
        _by("Refused, by stage and code", "reqps", _DENIALS, "stage", "code"),
        _by("Refused, by rule", "reqps", _DENIALS, "rule"),
        _by("Refused, by revision of the policy", "reqps", _DENIALS, "revision"),
        _by("Verdicts of guards", "reqps", "outgate_verdicts_total", "guard", "action"),
        _by("What matched", "reqps", _MATCHES, "guard", "rule", "action"),
        _by("Texts that guards read", "short", "outgate_scanned_pieces_total", "guard", "kind"),
        _by("Pieces that nobody read", "short", "outgate_unjudged_pieces_total", "guard", "kind"),
        _by("Placeholders in answers", "short", "outgate_placeholders_total", "outcome"),
        _by("Tool calls by workload", "short", "outgate_tool_calls_total", "workload"),
        _quantiles("Model server", "outgate_model_server_seconds", "model"),
    ),
    "upstreams": (
        _by("Attempts by provider and failure", "reqps", "outgate_attempts_total", "backend", "failure"),
        _total(
            "What fails and answers nothing (1), or again (0)", "outgate_backend_failing", "backend", "endpoint", "reason", "status"
        ),
        _by("What followed a failure", "reqps", "outgate_retries_total", "backend", "followed"),
        _by("Requests by provider", "reqps", _EXCHANGES, "provider"),
        _quantiles("Duration by provider", _DURATION, "gen_ai_provider_name"),
        _by("Picks of replicas", "reqps", "outgate_picks_total", "backend", "endpoint"),
        _total("Replicas ejected", "outgate_replica_ejections_total", "backend", "endpoint"),
        _by("Translated requests", "reqps", "outgate_translations_total", "from", "to"),
        _by("Lost in translation", "short", "outgate_translation_losses_total", "what"),
    ),
}


def boards() -> dict[str, str]:
    """File name to text of every dashboard."""
    return {f"{name}.json": json.dumps(_board(name, panels), indent=1) + "\n" for name, panels in BOARDS.items()}


def queries() -> list[tuple[str, str]]:
    """Board with panel, and PromQL with a range in the place of Grafana's variable."""
    return [
        (f"{name}: {panel.title}", query.replace(RANGE, "5m"))
        for name, panels in BOARDS.items()
        for panel in panels
        for _, query in panel.queries
    ]


def _board(name: str, panels: tuple[Panel, ...]) -> dict:
    return {
        "uid": f"outgate-{name}",
        "title": f"Outgate: {name}",
        "tags": ["outgate"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": source,
        "gridPos": {"x": number % 3 * 8, "y": number // 3 * 8, "w": 8, "h": 8},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": query, "legendFormat": legend, "datasource": source}
            for at, (legend, query) in enumerate(panel.queries)
        ],
    }
