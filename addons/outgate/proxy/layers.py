"""Hand every HTTP request that mitmproxy's layers have read to an exchange, and take every response from it.

mitmproxy is the client-side engine only: these layers never ask for a server connection. A stream yields `Serve` where its
connection has a fast path; else it pulls with TakeHook, a blocking hook, mitmproxy's own way to await from inside a layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast
from weakref import WeakSet

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.flow import Error, Flow
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    DropStream,
    GetHttpConnection,
    HttpLayer,
    HttpStream,
    ReceiveHttp,
    RegisterHttpConnection,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    RequestTrailers,
    ResponseHeaders,
    SendHttp,
    is_h3_alpn,
    validate_request,
)
from mitmproxy.proxy.layers.tls import ClientTLSLayer

from outgate.errors import Denial
from outgate.exchange.channel import Abort, End, Part, ResponseHead
from outgate.exchange.deps import ExchangeDeps
from outgate.exchange.exchange import Exchange
from outgate.exchange.replies import denial_reply, reason_phrase
from outgate.proxy.fast_path import FastPath, ResponseWriter, Serve, events_of, response_of
from outgate.proxy.http1 import BoundedHttp1Server, WholeRequest
from outgate.proxy.http2 import PacedHttp2Server
from outgate.proxy.internals import HttpConnection, HttpEvent


class ExchangeFactory(Protocol):
    """Begins exchanges. `stream` is the kind of stream it wants; `serves` says that its connection handlers know `Serve`."""

    stream: "type[ExchangeStream]"
    serves: bool
    deps: ExchangeDeps

    def begin(self, context: Context, flow: http.HTTPFlow, invalid: str | None, body: bytes | Denial | None = None) -> Exchange: ...


@dataclass
class TakeHook(commands.StartHook):
    """Pull the next parts of an exchange; `parts` holds them when the hook is complete."""

    data: "Pull"
    name: ClassVar[str] = "outgate_take"


class Pull:
    """One response that is pulled by hooks: its exchange, and the parts taken last."""

    __slots__ = ("client", "exchange", "http2", "parts", "stream_id")

    def __init__(self, exchange: Exchange, client: Client, server: layer.Layer, stream_id: int) -> None:
        self.exchange = exchange
        self.client = client
        self.http2 = server if isinstance(server, PacedHttp2Server) else None
        self.stream_id = stream_id
        self.parts: list[Part] = []

    async def take(self) -> None:
        self.parts = await self.exchange.channel.take()


type Commands = layer.CommandGenerator[None]


class UnseenFlow:
    """The part of a flow that a stream needs, where no view will ever see it."""

    __slots__ = ("__weakref__", "error", "live", "request", "response", "websocket")

    def __init__(self, request: http.Request) -> None:
        self.request = request
        self.live = True
        self.error: Error | None = None
        self.response: http.Response | None = None
        self.websocket = None


class ExchangeStream(HttpStream):
    """One request and its answer on a client connection. Never opens a server connection."""

    factory: ClassVar[ExchangeFactory]
    exchange: Exchange | None = None
    _served = False

    def handle_event(self, event: events.Event) -> Commands:
        """Sees events even while the stream waits for parts: the body goes to its exchange as it comes, so that a refusal need not
        wait for the rest of it; a client that left cancels its exchange at once.
        """
        exchange = self.exchange
        if exchange is None:
            if isinstance(event, WholeRequest) and self._parent().fast_path is not None:  # nothing of it can wait
                yield from self.state_wait_for_request_headers(event)
            else:
                yield from super().handle_event(event)
        elif isinstance(event, RequestData | RequestEndOfMessage | RequestTrailers):
            _feed(exchange, event)
        elif isinstance(event, RequestProtocolError):
            exchange.client_gone()
            if self._served:
                yield DropStream(self.stream_id)
            else:
                yield from super().handle_event(event)
        elif not self._served:
            yield from super().handle_event(event)

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        if event.request.method == "CONNECT" or event.replay_flow:
            yield from super().state_wait_for_request_headers(event)
            return
        flow = self.flow = cast("http.HTTPFlow", UnseenFlow(event.request))
        parent = self._parent()
        invalid = validate_request(parent.mode, flow.request, validate_inbound_headers=True)
        body = event.body if isinstance(event, WholeRequest) else b"" if event.end_stream else None
        exchange = self.exchange = self.factory.begin(self.context, flow, invalid, body)
        if body is None and (exchange.head.headers.get("expect") or "").lower() == "100-continue" and not exchange.channel.ready:
            yield SendHttp(ResponseHeaders(self.stream_id, continue_response()), self.context.client)
        if parent.fast_path is None:
            self.server_state = self.state_errored  # there is no server: whatever mitmproxy would send there goes nowhere
            yield from self._relay(exchange)
            return
        self._served = True
        self.client_state = self.server_state = _detached  # and no way leads back to this stream: it goes when its layer drops it
        self.context.layers.clear()
        server = cast("HttpConnection", parent.connections[self.context.client])
        yield Serve(ResponseWriter(exchange.channel, parent.fast_path, server, self.stream_id))

    def handle_connect_finish(self) -> Commands:
        """Once the tunnel is up, the outer layers have nothing to add: events go straight to what is inside it."""
        yield from super().handle_connect_finish()
        outermost = not any(isinstance(each, ClientTLSLayer) for each in self.context.layers)
        if outermost and self._handle_event == self.passthrough and self.child_layer is not None:
            setattr(self.context.layers[0], "handle_event", self.child_layer.handle_event)  # noqa: B010

    def _parent(self) -> "ExchangeLayer":
        parent = self.context.layers[self.context.layers.index(self) - 1]
        assert isinstance(parent, ExchangeLayer)
        return parent

    def _relay(self, exchange: Exchange) -> Commands:
        """Take parts and send them until the exchange has had its last word."""
        pull = Pull(exchange, self.context.client, self._parent().connections[self.context.client], self.stream_id)
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
        for event in events_of(parts, self.stream_id, http2=pull.http2 is not None):
            yield SendHttp(event, self.context.client)


def _detached(_: events.Event) -> Commands:
    """The state of a stream that is served: mitmproxy has no further part in it."""
    yield from ()


def _feed(exchange: Exchange, event: RequestData | RequestEndOfMessage | RequestTrailers) -> None:
    """One more piece of the body, or its end; trailers end here."""
    if isinstance(event, RequestData):
        exchange.body.feed(event.data)
    elif isinstance(event, RequestEndOfMessage):
        exchange.body.end()


class ExchangeLayer(HttpLayer):
    """An HttpLayer whose streams are exchanges."""

    fast_path: FastPath | None = None
    """From the client's socket to this layer, if it can be."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Start) and not is_h3_alpn(self.context.client.alpn):
            server: HttpConnection
            server = (
                PacedHttp2Server(self.context.fork())
                if self.context.client.alpn == b"h2"
                else BoundedHttp1Server(self.context.fork())
            )
            self.connections.setdefault(self.context.client, server)
            if ExchangeStream.factory.serves:
                self.fast_path = FastPath.to(self.context.layers, self)
        elif isinstance(event, events.Wakeup) and event.command not in self.command_sources:
            return  # the layer that asked for it is outside the tunnel this one is in
        yield from super()._handle_event(event)

    def event_to_child(self, child: layer.Layer, event: events.Event) -> Commands:
        """As HttpLayer does it, without what only a connection to a server needs: its commands cannot come here."""
        for command in child.handle_event(event):
            if isinstance(command, commands.SendData | Serve):
                yield command
            elif isinstance(command, ReceiveHttp):
                yield from self._to_stream(command.event)
            elif isinstance(command, SendHttp):
                yield from self.event_to_child(self.connections[command.connection], command.event)
            elif isinstance(command, DropStream):
                self.streams.pop(command.stream_id, None)
            elif isinstance(command, GetHttpConnection | RegisterHttpConnection | commands.OpenConnection):
                raise TypeError("egress belongs to the plan")
            else:
                if command.blocking or isinstance(command, commands.RequestWakeup):
                    self.command_sources[command] = child
                yield command

    def _to_stream(self, event: HttpEvent) -> Commands:
        if isinstance(event, RequestHeaders):
            stream = self.streams[event.stream_id] = ExchangeStream.factory.stream(_fork(self.context), event.stream_id)
            stream.client_state = stream.state_wait_for_request_headers
        found = self.streams.get(event.stream_id)
        if found is not None:  # else it has ended, and more of it was under way
            yield from self.event_to_child(found, event)


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


def refusal(denial: Denial, request_id: str, *, close: bool) -> http.Response:
    """The refusal of a CONNECT, where no dialect is known: a sentence in the reason phrase, and as JSON."""
    head, body, _ = denial_reply(denial, "none", request_id, close=close)
    assert isinstance(head, ResponseHead)
    response = response_of(head, http2=False)
    response.reason = reason_phrase(denial, request_id)
    response.content = body if isinstance(body, bytes) else b""
    return response


def continue_response() -> http.Response:
    """An interim answer, which has no content and so no length (RFC 9110 section 15.2)."""
    return http.Response(b"HTTP/1.1", 100, b"Continue", http.Headers(), None, None, 0.0, None)


_OWNED: WeakSet[Flow] = WeakSet()


def own(flow: Flow) -> None:
    """Called by a stream that will hand this flow to an exchange."""
    _OWNED.add(flow)


def is_owned(flow: Flow) -> bool:
    """Whether an exchange answers for this flow, by identity: a replayed copy of an owned flow is not owned."""
    return flow in _OWNED
