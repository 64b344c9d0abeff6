"""mitmproxy's HTTP layers, made to hand every request to an exchange and to take every answer from it.

mitmproxy is the client-side engine only: these layers never ask for a server connection. A stream pulls with TakeHook, a
blocking hook, which is mitmproxy's own way to await from inside a layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    ErrorCode,
    HttpLayer,
    HttpStream,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    RequestTrailers,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    SendHttp,
    is_h3_alpn,
    validate_request,
)
from mitmproxy.proxy.layers.http._base import HttpConnection
from mitmproxy.proxy.layers.tls import ClientTLSLayer

from outgate.errors import Denial
from outgate.proxy.backpressure import PacedHttp2Server
from outgate.proxy.exchange import Exchange
from outgate.proxy.handover import Abort, End, Head, Part
from outgate.proxy.http1 import BoundedHttp1Server
from outgate.proxy.limits import Limits
from outgate.proxy.parts import ResponseParts


class Entrance(Protocol):
    """Where streams find the gateway. `stream` is the kind of stream it wants."""

    stream: "type[ExchangeStream]"
    limits: Limits

    def begin(self, context: Context, flow: http.HTTPFlow, invalid: str | None) -> Exchange: ...


@dataclass
class TakeHook(commands.StartHook):
    """Pull the next parts of an exchange; `parts` holds them when the hook is complete."""

    data: "Pull"
    name: ClassVar[str] = "outgate_take"


class Pull:
    """What a stream pulls through: its exchange, and the parts taken last."""

    __slots__ = ("client", "exchange", "http1", "http2", "parts", "stream_id", "tls")

    def __init__(self, exchange: Exchange, client: Client, server: layer.Layer, stream_id: int) -> None:
        self.exchange = exchange
        self.client = client
        self.http2 = server if isinstance(server, PacedHttp2Server) else None
        shields = [each for each in server.context.layers if isinstance(each, ClientTLSLayer)]
        self.http1 = server if isinstance(server, BoundedHttp1Server) and len(shields) <= 1 else None
        self.tls = shields[0] if shields else None
        self.stream_id = stream_id
        self.parts: list[Part] = []

    async def take(self) -> None:
        self.parts = await self.exchange.handover.take()


type Commands = layer.CommandGenerator[None]


class UnseenFlow:
    """What a stream needs of a flow where no view will ever see it."""

    __slots__ = ("__weakref__", "error", "live", "request", "response", "websocket")

    def __init__(self, request: http.Request) -> None:
        self.request = request
        self.live = True
        self.error: Error | None = None
        self.response: http.Response | None = None
        self.websocket = None


class ExchangeStream(HttpStream):
    """One request and its answer on a client connection. Never opens a server connection."""

    entrance: ClassVar[Entrance]
    exchange: Exchange | None = None

    def handle_event(self, event: events.Event) -> Commands:
        """Sees events even while the stream waits for parts: the body goes to its exchange as it comes, so that a refusal need not
        wait for the rest of it; a client that left cancels its exchange at once.
        """
        exchange = self.exchange
        if exchange is not None:
            if isinstance(event, RequestProtocolError):
                exchange.client_gone()
            elif isinstance(event, RequestData | RequestEndOfMessage | RequestTrailers):
                _feed(exchange, event)
                return
        yield from super().handle_event(event)

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        if event.request.method == "CONNECT" or event.replay_flow:
            yield from super().state_wait_for_request_headers(event)
            return
        flow = self.flow = cast("http.HTTPFlow", UnseenFlow(event.request))
        self.server_state = self.state_errored  # there is no server: whatever mitmproxy would send there goes nowhere
        invalid = validate_request(self.mode, flow.request, validate_inbound_headers=True)
        self.exchange = self.entrance.begin(self.context, flow, invalid)
        if (self.exchange.inbound.headers.get("expect") or "").lower() == "100-continue" and not self.exchange.refused:
            yield SendHttp(ResponseHeaders(self.stream_id, http.Response.make(100, headers={})), self.context.client)
        yield from self._relay(self.exchange)

    def handle_connect_finish(self) -> Commands:
        """Once the tunnel is up, the outer layers have nothing to add: events go straight to what is inside it."""
        yield from super().handle_connect_finish()
        outermost = not any(isinstance(each, ClientTLSLayer) for each in self.context.layers)
        if outermost and self._handle_event == self.passthrough and self.child_layer is not None:
            setattr(self.context.layers[0], "handle_event", self.child_layer.handle_event)  # noqa: B010

    def _relay(self, exchange: Exchange) -> Commands:
        """Take parts and send them until the exchange has had its last word."""
        parent = self.context.layers[self.context.layers.index(self) - 1]
        assert isinstance(parent, HttpLayer)
        pull = Pull(exchange, self.context.client, parent.connections[self.context.client], self.stream_id)
        while True:
            yield TakeHook(pull)
            if self.flow.error is not None:
                exchange.client_gone()
            parts = pull.parts
            yield from self._send(pull, parts)
            if parts and isinstance(parts[-1], End | Abort):
                self.flow.live = False
                self.client_state = self.state_errored
                yield DropStream(self.stream_id)
                return

    def _send(self, pull: Pull, parts: list[Part]) -> Commands:
        if pull.http2 is None:
            yield SendHttp(ResponseParts(self.stream_id, parts), self.context.client)
        else:
            for part in parts:
                yield from self._send_http2(part)

    def _send_http2(self, part: Part) -> Commands:
        client = self.context.client
        if isinstance(part, bytes):
            yield SendHttp(ResponseData(self.stream_id, part), client)
        elif isinstance(part, Head):
            yield SendHttp(ResponseHeaders(self.stream_id, response_of(part, http2=True), end_stream=False), client)
        elif isinstance(part, End):
            yield SendHttp(ResponseEndOfMessage(self.stream_id), client)
        else:
            yield SendHttp(ResponseProtocolError(self.stream_id, part.message, ErrorCode.CANCEL), client)


def _feed(exchange: Exchange, event: RequestData | RequestEndOfMessage | RequestTrailers) -> None:
    """One more piece of the body, or its end; trailers end here."""
    if isinstance(event, RequestData):
        exchange.body.feed(event.data)
    elif isinstance(event, RequestEndOfMessage):
        exchange.body.end()


def response_of(head: Head, *, http2: bool) -> http.Response:
    """The head of an answer as mitmproxy knows it."""
    fields = tuple(
        (name.encode(), value.encode("latin-1", "replace"))
        for name, value in head.headers
        if not (http2 and name == "transfer-encoding")
    )
    version = b"HTTP/2.0" if http2 else b"HTTP/1.1"
    return http.Response(version, head.status, b"", http.Headers(fields), None, None, 0.0, None)


class ExchangeLayer(HttpLayer):
    """An HttpLayer whose streams are exchanges."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start) and not is_h3_alpn(self.context.client.alpn):
            server: HttpConnection
            server = (
                PacedHttp2Server(self.context.fork())
                if self.context.client.alpn == b"h2"
                else BoundedHttp1Server(self.context.fork())
            )
            self.connections.setdefault(self.context.client, server)
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        stream = self.streams[stream_id] = ExchangeStream.entrance.stream(_fork(self.context), stream_id)
        yield from self.event_to_child(stream, events.Start())


def layers_in(top: layer.Layer | None) -> Iterator[layer.Layer]:
    """A layer and the layers already nested in it."""
    while top is not None:
        yield top
        top = getattr(top, "child_layer", None)


def install(top: layer.Layer | None) -> None:
    """Make every plain HttpLayer in a fresh stack an ExchangeLayer."""
    for each in layers_in(top):
        if type(each) is HttpLayer:
            each.__class__ = ExchangeLayer


def _fork(context: Context) -> Context:
    """Context.fork() without the server object it makes and drops again."""
    forked = Context.__new__(Context)
    forked.client, forked.server, forked.options = context.client, context.server, context.options
    forked.layers = context.layers.copy()
    return forked


def refusal(denial: Denial) -> http.Response:
    """A plain refusal for places where no dialect is known (CONNECT)."""
    return http.Response.make(denial.status, b"", {"x-outgate-reason": denial.code, "content-length": "0"})
