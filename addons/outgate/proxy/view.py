"""How an operator sees an exchange in mitmweb: its stages, verdicts, timings, tokens and cost."""

from typing import Any

from mitmproxy import contentviews, http

from outgate.proxy.exchange import Exchange


class ExchangeView(contentviews.Contentview):
    """The content view `outgate`: rendered from plain values on the flow, so that saved flows keep it."""

    name = "outgate"
    syntax_highlight = "yaml"

    def prettify(self, data: bytes, metadata: contentviews.Metadata) -> str:  # noqa: ARG002
        flow = metadata.flow
        seen = flow.metadata.get("outgate") if flow is not None else None
        return "no exchange\n" if seen is None else "\n".join(_lines(seen)) + "\n"

    def render_priority(self, data: bytes, metadata: contentviews.Metadata) -> float:  # noqa: ARG002
        return -1


def record(flow: http.HTTPFlow, exchange: Exchange) -> None:
    """Keep what the exchange did on its flow, and one line of it as the flow's comment."""
    execution = exchange.execution
    denial = exchange.denial
    flow.metadata["outgate"] = {
        "request_id": exchange.id,
        "outcome": exchange.outcome,
        "denial": {"code": denial.code, "stage": denial.stage, "message": denial.message} if denial is not None else None,
        "stages": [[ran.stage, ran.verdict, round(ran.ns / 1000, 1)] for ran in (execution.trace if execution else ())],
        "line": _plain(execution.get("line")) if execution is not None else None,
    }
    reason = f" ({denial.code} by {denial.stage or 'gateway'})" if denial is not None else ""
    flow.comment = f"outgate: {exchange.outcome}{reason}"


def _plain(line: Any) -> Any:
    return line if isinstance(line, dict | str | None) else str(line)


def _lines(seen: dict[str, Any]) -> list[str]:
    lines = [f"request_id: {seen['request_id']}", f"outcome: {seen['outcome']}"]
    if seen["denial"] is not None:
        lines.append(f"denial: {seen['denial']['code']} by {seen['denial']['stage'] or 'gateway'}: {seen['denial']['message']}")
    lines.append("stages:")
    lines += [f"  - {name:<20} {verdict:<9} {micros:>10} us" for name, verdict, micros in seen["stages"]]
    if seen["line"] is not None:
        lines.append(f"line: {seen['line']}")
    return lines
