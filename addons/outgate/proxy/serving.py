"""How the answer of an exchange gets from its hand-over to the HTTP connection of its client, without a hook and a wake-up between.

`Serve` is what a stream says once, when its exchange has begun; `PartsReady` comes back whenever there is something to send.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http._base import HttpConnection
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)

from outgate.exchange.channel import Abort, End, Part, ResponseChannel, ResponseHead
from outgate.proxy.fast_path import Passage
from outgate.proxy.http1 import BoundedHttp1Server
from outgate.proxy.http2 import PacedHttp2Server
from outgate.proxy.parts import ResponseParts


class Serving:
    """One answer on its way. `http2` is None where the client speaks HTTP/1."""

    __slots__ = ("_server", "channel", "http2", "passage", "stream_id")

    def __init__(self, channel: ResponseChannel, passage: Passage, server: HttpConnection, stream_id: int) -> None:
        self.channel = channel
        self.passage = passage
        self.http2 = server if isinstance(server, PacedHttp2Server) else None
        self._server = server
        self.stream_id = stream_id

    def sent(self, parts: list[Part]) -> Iterator[commands.Command]:
        """What the connection makes of these parts. After the last of them, nothing is known of the stream any more."""
        server, layer = self._server, self.passage.http
        last = parts[-1] if parts else None
        ended = isinstance(last, End | Abort)
        if isinstance(server, BoundedHttp1Server) and not ended:
            data = server.framed(parts)  # changes the state of no layer
            if data:
                yield commands.SendData(server.conn, data)
            return
        for event in events_of(parts, self.stream_id, http2=self.http2 is not None):
            yield from layer.event_to_child(server, event)
        if ended:
            layer.streams.pop(self.stream_id, None)


class Serve(commands.Command):
    """An exchange has begun: serve its answer."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving


@dataclass
class PartsReady(events.Event):
    """There is something to send."""

    serving: Serving


def events_of(parts: list[Part], stream_id: int, *, http2: bool) -> Sequence[HttpEvent]:
    """Parts of an answer as mitmproxy's connections take them: for HTTP/1 together, since they leave in one write."""
    return [_http2_event(part, stream_id) for part in parts] if http2 else [ResponseParts(stream_id, parts)]


def _http2_event(part: Part, stream_id: int) -> HttpEvent:
    if isinstance(part, bytes):
        return ResponseData(stream_id, part)
    if isinstance(part, ResponseHead):
        return ResponseHeaders(stream_id, response_of(part, http2=True), end_stream=False)
    if isinstance(part, End):
        return ResponseEndOfMessage(stream_id)
    return ResponseProtocolError(stream_id, part.message, ErrorCode.CANCEL)


def response_of(head: ResponseHead, *, http2: bool) -> http.Response:
    """The head of an answer as mitmproxy knows it."""
    fields = tuple(
        (name.encode(), value.encode("latin-1", "replace"))
        for name, value in head.headers
        if not (http2 and name == "transfer-encoding")
    )
    version = b"HTTP/2.0" if http2 else b"HTTP/1.1"
    return http.Response(version, head.status, b"", http.Headers(fields), None, None, 0.0, None)
