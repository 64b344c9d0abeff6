"""Bypass mitmproxy's tunnel layers after the TLS handshake, in both directions of a client connection.

mitmproxy sends every piece of data through the layers of the tunnel, which only decrypt it by then. What `FastPath` cannot read (a
TLS alert, the end of TLS, an error) is left to those layers, which see the same TLS connection. Responses need no hook and no
wake-up: a stream yields `Serve` once, when its exchange has begun, and `PartsReady` comes whenever there is something to write.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.tls import ClientTLSLayer
from OpenSSL import SSL

from outgate.exchange.channel import Abort, End, Part, ResponseChannel, ResponseHead
from outgate.proxy.http1 import BoundedHttp1Server, ResponseParts
from outgate.proxy.http2 import PacedHttp2Server
from outgate.proxy.internals import (
    ErrorCode,
    HttpConnection,
    HttpEvent,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)

_CHUNK = 65535
_RECORD = 16 * 1024
_OVERHEAD = 256
"""More than a TLS record adds to its 16 KB (RFC 8446 section 5.2)."""

_SILENT = 1024
"""Bytes of a client that brought nothing, and that TLS may have answered: a record's own cost is 22, a KeyUpdate is 27."""


class FastPath:
    """From the socket of a client to `http`, the HTTP layer of its connection. `tls` is None where the client speaks plainly."""

    __slots__ = ("_silent", "http", "tls")

    def __init__(self, tls: Any, http: HttpLayer) -> None:
        self.tls = tls
        self.http = http
        self._silent = 0

    @classmethod
    def to(cls, layers: Sequence[layer.Layer], http: HttpLayer) -> "FastPath | None":
        """The fast path to `http`; None where TLS is inside TLS, or a tunnel is itself inside of it."""
        above = layers[: layers.index(http)]
        shields = [each for each in above if isinstance(each, ClientTLSLayer)]
        tunnels = [index for index, each in enumerate(above) if isinstance(each, HttpStream)]
        if len(shields) > 1 or (shields and tunnels and above.index(shields[0]) < tunnels[-1]):
            return None
        return cls(shields[0].tls if shields else None, http)

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """What the client said, and whether that is all: else the layers find the rest, or what is wrong, in the same TLS."""
        tls = self.tls
        if tls is None:
            return data, True
        tls.bio_write(data)
        said = []
        whole = True
        try:
            while True:
                said.append(tls.recv(_CHUNK))
        except SSL.WantReadError:
            pass
        except SSL.Error:
            whole = False
        plain = b"".join(said) if len(said) != 1 else said[0]
        self._silent += len(data) - len(plain)
        return plain, whole

    def tls_replies(self) -> bytes:
        """What TLS itself answers to a client that has said much and meant little: every KeyUpdate may ask for another (RFC 8446
        section 4.6.3). A few leave with the next of `encrypt`; more would wait there without bound.
        """
        if self._silent < _SILENT:
            return b""
        self._silent = 0
        return self._encrypted(_CHUNK)

    def encrypt(self, data: bytes) -> bytes:
        """The bytes that carry `data` to the client."""
        tls = self.tls
        if tls is None:
            return data
        try:
            tls.sendall(data)
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""
        return self._encrypted(len(data) + (len(data) // _RECORD + 2) * _OVERHEAD)

    def _encrypted(self, wanted: int) -> bytes:
        """All that waits for the client, read in pieces of so many bytes."""
        tls = self.tls
        pieces: list[bytes] = []
        try:
            while not pieces or len(pieces[-1]) == wanted:
                pieces.append(tls.bio_read(wanted))
        except SSL.WantReadError:
            pass
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]


class ResponseWriter:
    """Writes one response to the HTTP connection of its client. `http2` is None where the client speaks HTTP/1."""

    __slots__ = ("_server", "channel", "fast_path", "http2", "stream_id")

    def __init__(self, channel: ResponseChannel, fast_path: FastPath, server: HttpConnection, stream_id: int) -> None:
        self.channel = channel
        self.fast_path = fast_path
        self.http2 = server if isinstance(server, PacedHttp2Server) else None
        self._server = server
        self.stream_id = stream_id

    def write(self, parts: list[Part]) -> Iterator[commands.Command]:
        """The commands that send these parts. After the last of them, the stream is forgotten."""
        server, http_layer = self._server, self.fast_path.http
        last = parts[-1] if parts else None
        ended = isinstance(last, End | Abort)
        if isinstance(server, BoundedHttp1Server) and not ended:
            data = server.framed(parts)  # changes the state of no layer
            if data:
                yield commands.SendData(server.conn, data)
            return
        for event in events_of(parts, self.stream_id, http2=self.http2 is not None):
            yield from http_layer.event_to_child(server, event)
        if ended:
            http_layer.streams.pop(self.stream_id, None)


class Serve(commands.Command):
    """Asks the connection handler to write the response of an exchange that has begun."""

    def __init__(self, writer: ResponseWriter) -> None:
        self.writer = writer


@dataclass
class PartsReady(events.Event):
    """There is something to write."""

    writer: ResponseWriter


def events_of(parts: list[Part], stream_id: int, *, http2: bool) -> Sequence[HttpEvent]:
    """Parts of a response as mitmproxy's connections take them: for HTTP/1 together, since they leave in one write."""
    return [_http2_event(part, stream_id) for part in parts] if http2 else [ResponseParts(stream_id, parts)]


def _http2_event(part: Part, stream_id: int) -> HttpEvent:
    if isinstance(part, bytes):
        return ResponseData(stream_id, part)
    if isinstance(part, ResponseHead):
        return ResponseHeaders(stream_id, response_of(part, http2=True), end_stream=False)
    if isinstance(part, End):
        return ResponseEndOfMessage(stream_id)
    return ResponseProtocolError(stream_id, part.message, ErrorCode.CANCEL)


_ONLY_HTTP1 = frozenset({"connection", "transfer-encoding", "upgrade"})
"""Fields of one connection, which HTTP/2 does not have (RFC 9113 section 8.2.2)."""


def response_of(head: ResponseHead, *, http2: bool) -> http.Response:
    """The head of a response as mitmproxy knows it."""
    fields = tuple(
        (name.encode(), value.encode("latin-1", "replace")) for name, value in head.headers if not (http2 and name in _ONLY_HTTP1)
    )
    version = b"HTTP/2.0" if http2 else b"HTTP/1.1"
    return http.Response(version, head.status, b"", http.Headers(fields), None, None, 0.0, None)
