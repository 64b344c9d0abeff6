"""The mitmweb content view of an exchange: stages, verdicts, timings, tokens and cost."""

from collections.abc import Iterator
from typing import Any

import orjson
from mitmproxy import contentviews, http

from outgate.exchange.exchange import Exchange
from outgate.stores.accounts import ClosingLine


class ExchangeView(contentviews.Contentview):
    """The content view `outgate`: rendered from plain values on the flow, so that saved flows keep it."""

    name = "outgate"
    syntax_highlight = "yaml"

    def prettify(self, data: bytes, metadata: contentviews.Metadata) -> str:  # noqa: ARG002
        flow = metadata.flow
        seen = flow.metadata.get("outgate") if flow is not None else None
        return "# no exchange\n" if seen is None else "".join(f"{line}\n" for line in _lines(seen))

    def render_priority(self, data: bytes, metadata: contentviews.Metadata) -> float:  # noqa: ARG002
        return -1


def record(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """Keep what the exchange did on its flow, and one line of it as the flow's comment."""
    execution, denial = exchange.execution, exchange.denial
    flow.metadata["outgate"] = {
        "request_id": exchange.id,
        "outcome": exchange.outcome or "denied",
        "denial": {"code": denial.code, "stage": denial.stage or "gateway", "message": denial.message}
        if denial is not None
        else None,
        "stages": [[ran.stage, ran.verdict, round(ran.ns / 1000, 1)] for ran in (execution.trace if execution is not None else ())],
        "line": _told(execution.get("line")) if execution is not None else {},
    }
    flow.comment = _comment(flow.metadata["outgate"])


def _told(line: ClosingLine | None) -> dict[str, Any]:
    """The closing line's record, as values. It holds no secret and no text of a prompt."""
    told = orjson.loads(line.record) if line is not None else {}
    return told if isinstance(told, dict) else {}


def _comment(seen: dict[str, Any]) -> str:
    denial, line = seen["denial"], seen["line"]
    if denial is not None:
        return f"outgate: {seen['outcome']} ({denial['code']} by {denial['stage']})"
    figures = [text.format(line[key]) for key, text in _FIGURES.items() if line.get(key) is not None]
    return ", ".join([f"outgate: {seen['outcome']}", *figures])


def _lines(seen: dict[str, Any]) -> Iterator[str]:
    yield f"request_id: {seen['request_id']}"
    yield f"outcome: {seen['outcome']}"
    if seen["denial"] is not None:
        yield "denial:"
        yield from (f"  {name}: {_scalar(value)}" for name, value in seen["denial"].items())
    yield "stages:  # outcome, microseconds"
    yield from (f"  - {name + ':':<20} [{verdict}, {micros}]" for name, verdict, micros in seen["stages"])
    verdicts = seen["line"].get("outgate.verdicts")
    if verdicts:
        yield "verdicts:"
        yield from (f"  {guard}: {_scalar(verdict)}" for guard, verdict in verdicts.items())
    for name, value in seen["line"].items():
        if name not in _ALREADY_SAID and value is not None:
            yield f"{name.removeprefix('outgate.')}: {_scalar(value)}"


_ALREADY_SAID = frozenset({"outcome", "outgate.denial.code", "outgate.denial.stage", "outgate.stages", "outgate.verdicts"})
_FIGURES = {
    "gen_ai.usage.input_tokens": "{} tokens in",
    "gen_ai.usage.output_tokens": "{} tokens out",
    "outgate.cost.usd": "{} USD",
    "outgate.cost.hold.usd": "at most {} USD",
    "outgate.source": "from {}",
}


def _scalar(value: Any) -> str:
    """JSON is YAML."""
    return orjson.dumps(value, default=str).decode()
