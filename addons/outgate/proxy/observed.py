"""Show exchanges to a person: in mitmweb and mitmdump every flow can be seen, held, edited or killed.

The exchange begins only when mitmproxy's own addons have released the whole request, so that what was edited is what is judged.
`record` puts what the exchange did on its flow, and `ExchangeView` renders it: stages, verdicts, timings, tokens and cost.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from mitmproxy import contentviews, http
from mitmproxy.connection import Client
from mitmproxy.flow import Error
from mitmproxy.net.http import url
from mitmproxy.proxy import events
from mitmproxy.proxy.layers.http import (
    HttpErrorHook,
    HttpRequestHeadersHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseHeaders,
    SendHttp,
    validate_request,
)

from outgate.exchange.channel import End, Part, ResponseHead
from outgate.exchange.exchange import Exchange
from outgate.proxy.fast_path import response_of
from outgate.proxy.http1 import WholeRequest
from outgate.proxy.layers import Commands, ExchangeStream, Pull, continue_response, own
from outgate.stores.accounts import ClosingLine


class ObservedStream(ExchangeStream):
    """An ExchangeStream that tells mitmproxy's addons of its flow."""

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        if event.request.method == "CONNECT" or event.replay_flow:
            yield from super().state_wait_for_request_headers(event)
            return
        flow = self.flow = http.HTTPFlow(self.context.client, self.context.server)
        flow.request = event.request
        flow.live = True
        self.server_state = self.state_errored
        own(flow)
        _set_address(flow.request, self.context.client)
        yield HttpRequestHeadersHook(flow)
        if (yield from self.check_killed(emit_error_hook=True)):
            return
        if flow.request.headers.get("expect", "").lower() == "100-continue":
            yield SendHttp(ResponseHeaders(self.stream_id, continue_response()), self.context.client)
        self.client_state = self.state_consume_request_body
        if isinstance(event, WholeRequest):
            yield from self.state_consume_request_body(RequestData(self.stream_id, event.body))
            yield from self.state_consume_request_body(RequestEndOfMessage(self.stream_id))

    def state_consume_request_body(self, event: events.Event) -> Commands:
        if self.flow.is_replay:
            yield from super().state_consume_request_body(event)
        elif isinstance(event, RequestData):
            if len(self.request_body_buf) <= self.factory.limits.body_bytes:
                self.request_body_buf += event.data
        elif isinstance(event, RequestEndOfMessage):
            self.client_state = self.state_done
            yield from self._shown()

    def _shown(self) -> Commands:
        """Show the whole request; then judge what it has become."""
        flow = self.flow
        flow.request.data.content = bytes(self.request_body_buf)
        self.request_body_buf.clear()
        yield HttpRequestHook(flow)
        if (yield from self.check_killed(emit_error_hook=True)):
            return
        if flow.response is not None:
            yield HttpResponseHeadersHook(flow)
            yield from self.send_response()
            return
        body = flow.request.raw_content or b""
        invalid = validate_request(self.mode, flow.request, validate_inbound_headers=True)
        exchange = self.exchange = self.factory.begin(self.context, flow, invalid, body)
        yield from self._relay(exchange)

    def _send(self, pull: Pull, parts: list[Part]) -> Commands:
        yield from self._show(parts)
        yield from super()._send(pull, parts)

    def _show(self, parts: list[Part]) -> Commands:
        """Let mitmproxy's own addons and views see the answer; what they make of it is not sent."""
        flow = self.flow
        for part in parts:
            if isinstance(part, ResponseHead):
                flow.response = response_of(part, http2=flow.request.is_http2)
                yield HttpResponseHeadersHook(flow)
            elif isinstance(part, bytes):
                assert flow.response is not None
                flow.response.data.content = (flow.response.data.content or b"") + part
            elif isinstance(part, End):
                yield HttpResponseHook(flow)
            else:
                flow.error = flow.error or Error(part.message)
                yield HttpErrorHook(flow)


def _set_address(request: http.Request, client: Client) -> None:
    """Where the request goes by its own words, for the eye alone: what is judged is what `destination` makes of them."""
    if request.host:
        return
    try:
        host, port = url.parse_authority(request.host_header or "", check=True)
    except ValueError:
        return
    request.data.scheme = b"https" if client.tls else b"http"
    request.data.host, request.data.port = host, port or (443 if client.tls else 80)


def add_exchange_view() -> None:
    """Make ExchangeView known to mitmproxy."""
    contentviews.add(ExchangeView)


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
        "stages": [
            [ran.stage, ran.verdict, round(ran.ns / 1000, 1), round(ran.ahead / 1000, 1)]
            for ran in (execution.trace if execution is not None else ())
        ],
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
    yield "stages:  # outcome, microseconds; of them, beside the stages above"
    for name, verdict, micros, ahead in seen["stages"]:
        yield f"  - {name + ':':<20} [{verdict}, {micros}{f', {ahead}' if ahead else ''}]"
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
