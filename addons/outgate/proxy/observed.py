"""Show exchanges to a person: in mitmweb and mitmdump every flow can be seen, held, edited or killed.

The exchange begins only when mitmproxy's own addons have released the whole request, so that what was edited is what is judged.
"""

from mitmproxy import http
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

from outgate.exchange.body import too_large
from outgate.exchange.channel import Abort, End, Part, ResponseHead
from outgate.proxy.fast_path import response_of
from outgate.proxy.http1 import WholeRequest
from outgate.proxy.layers import Commands, ExchangeStream, Pull, continue_response, own


class ObservedStream(ExchangeStream):
    """An ExchangeStream that tells mitmproxy's addons of its flow."""

    _size = 0

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
            self._size += len(event.data)
            if self._size <= self.factory.limits.largest:
                self.request_body_buf += event.data
        elif isinstance(event, RequestEndOfMessage):
            self.client_state = self.state_done
            yield from self._shown()

    def _shown(self) -> Commands:
        """Show the whole request; then judge what it has become."""
        flow = self.flow
        flow.request.data.content = bytes(self.request_body_buf)
        flow.request.timestamp_end = self.factory.deps.wall()
        self.request_body_buf.clear()
        yield HttpRequestHook(flow)
        if (yield from self.check_killed(emit_error_hook=True)):
            return
        if flow.response is not None:
            yield HttpResponseHeadersHook(flow)
            yield from self.send_response()
            return
        most, cut = self.factory.limits.largest, self._size > self.factory.limits.largest
        invalid = validate_request(self.mode, flow.request, validate_inbound_headers=True)
        body = too_large(most, f"{self._size} bytes") if cut else flow.request.raw_content or b""
        exchange = self.exchange = self.factory.begin(self.context, flow, invalid, body)
        yield from self._relay(exchange)

    def _send(self, pull: Pull, parts: list[Part]) -> Commands:
        yield from self._show(parts)
        yield from super()._send(pull, parts)

    def _show(self, parts: list[Part]) -> Commands:
        """Let mitmproxy's own addons and views see the answer; what they make of it is not sent."""
        flow = self.flow
        for part in parts:
            add_part(flow, part, self.factory.deps.wall())
            if isinstance(part, ResponseHead):
                yield HttpResponseHeadersHook(flow)
            elif isinstance(part, End):
                yield HttpResponseHook(flow)
            elif isinstance(part, Abort):
                yield HttpErrorHook(flow)


def add_part(flow: http.HTTPFlow, part: Part, now: float) -> None:
    """Let a flow have one part of its answer, which came at that time (epoch seconds)."""
    if isinstance(part, ResponseHead):
        flow.response = response_of(part, http2=flow.request.is_http2)
        flow.response.timestamp_start = now
    elif isinstance(part, Abort):
        flow.error = flow.error or Error(part.message, now)
    elif flow.response is not None and isinstance(part, bytes):
        flow.response.data.content = (flow.response.data.content or b"") + part
    elif flow.response is not None:
        flow.response.timestamp_end = now


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
