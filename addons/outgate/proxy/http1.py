"""HTTP/1 towards clients: a bound on the request head, in bytes and in seconds, and answers that leave in one write.

mitmproxy's server side has no bound on a head, on the empty lines before one, nor on what is sent ahead of an answer; it quotes
what it cannot read in its log and its answer, wedges on the trailers of a chunked request, and writes head, body and end apart,
each of which is a TLS record and a system call.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, cast

from mitmproxy.http import Request
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer

from outgate.exchange.channel import Abort, End, Part, ResponseHead
from outgate.policy.schema import LimitsSection
from outgate.proxy.chunks import ChunkReader
from outgate.proxy.internals import (
    ChunkedReader,
    ErrorCode,
    Http1Server,
    HttpEvent,
    ReceiveHttp,
    RequestHeaders,
    RequestProtocolError,
    make_body_reader,
)

type Commands = layer.CommandGenerator[None]

_BLANK_LINE = re.compile(rb"\n\r?\n")
_LEGAL = bytes((0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)))
_MALFORMED = (400, "malformed request head")
_MALFORMED_BODY = (400, "malformed request body")
_CODES = {400: "malformed_request", 408: "head_timeout", 431: "head_too_large"}
_EMPTY_LINES = 4
"""Bytes of empty lines before a request line; one line at least is to be borne with (RFC 9112 section 2.2)."""
_SPACED_NAME = re.compile(rb"\n[^:\n]*[ \t]:")
"""No space may stand before a field's colon: some take such a field for a length, some do not (RFC 9112 section 5.1)."""
_CONNECT = b"CONNECT"
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_PLAIN_LENGTH = re.compile(rb"0|[1-9][0-9]{0,14}")
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass
class ResponseParts(HttpEvent):
    """Parts of a response for an HTTP/1 client, which leave in one write."""

    parts: list[Part]


@dataclass
class WholeRequest(RequestHeaders):
    """A request whose body came with its head."""

    body: bytes = b""


class BoundedHttp1Server(Http1Server):
    """One HTTP/1 connection. What an exchange answers is framed here; everything else is mitmproxy's."""

    limits: ClassVar[LimitsSection]
    draining: ClassVar[bool] = False
    """The process is about to end: every answer is the last on its connection."""
    _clock: commands.RequestWakeup | None = None
    _linger: commands.RequestWakeup | None = None
    _broken = False
    _ours = False
    _chunked = False
    _closing = False
    _bodiless = False

    def handle_event(self, event: events.Event) -> Commands:
        """Nothing here ever waits, so that mitmproxy's bookkeeping of layers that do is not needed."""
        if isinstance(event, HttpEvent):
            yield from self.send(event)
        elif isinstance(event, events.Wakeup):
            yield from self._late(event)
        else:
            if isinstance(event, events.DataReceived) and self.state != self.passthrough:
                self.buf += event.data
            yield from self.state(event)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if not isinstance(event, events.DataReceived):
            yield commands.CloseConnection(self.conn)
            return
        sent = bytes(self.buf)
        problem = self._problem(sent)
        if problem is not None:
            yield from self._refuse(*problem)
            return
        while sent.startswith((b"\r\n", b"\n")):
            self.buf.maybe_extract_lines()  # takes one empty line, and would leave the request behind it to the next event
            sent = bytes(self.buf)
        yield from self._read_request(event)

    def _read_request(self, event: events.DataReceived) -> Commands:
        lines = self.buf.maybe_extract_lines()
        if not lines:
            if len(self.buf) and self._clock is None:
                self._clock = wakeup = commands.RequestWakeup(self.limits.head_seconds)
                yield wakeup
            return
        self._clock = None
        try:
            self.request = request = http1.read_request_head([bytes(line) for line in lines])
            size = _size_of(request)
            if request.data.method != _CONNECT == request.data.method.upper():
                raise ValueError("methods are case-sensitive")  # (RFC 9110 section 9.1), but mitmproxy would open a tunnel
        except ValueError:
            yield from self._refuse_request()
            return
        if size is None or size > len(self.buf) or request.data.method == _CONNECT:
            yield ReceiveHttp(RequestHeaders(self.stream_id, request, size == 0))
            self.body_reader = make_body_reader(size)
            self.state = self.read_body
            yield from self.state(event)
            return
        body = bytes(self.buf.maybe_extract_at_most(size) or b"") if size else b""
        self.request_done, self.state = True, self.wait
        yield ReceiveHttp(WholeRequest(self.stream_id, request, size == 0, None, body))

    def _refuse_request(self) -> Commands:
        """A head that cannot be read. Where its fields can, the exchange is told of, for the books."""
        request, self._broken = self.request, True
        self.state = self.done
        yield commands.SendData(self.conn, _error(*_MALFORMED))
        yield commands.CloseConnection(self.conn)
        if request is not None:
            yield ReceiveHttp(RequestHeaders(self.stream_id, request, end_stream=False))
            yield ReceiveHttp(RequestProtocolError(self.stream_id, _MALFORMED[1], ErrorCode.GENERIC_CLIENT_ERROR))

    def wait(self, event: events.Event) -> Commands:
        """Requests sent ahead of their turn wait in the buffer: no more of them than a head may be long. There should be none after
        a POST (RFC 9112 section 9.3.2), and what waits here is in no account.
        """
        if len(self.buf) > self.limits.head_bytes:
            self.state = self.done
            yield commands.CloseConnection(self.conn)
            return
        yield from super().wait(event)

    def read_body(self, event: events.Event) -> Commands:
        if isinstance(self.body_reader, ChunkedReader):
            self.body_reader = cast("ChunkedReader", ChunkReader())
        for command in super().read_body(event):
            if isinstance(command, commands.CloseConnection) and not self._ours:
                self._broken = True  # what cannot be read is answered here, once; the exchange is only for the books
                self.state = self.done
                yield commands.SendData(self.conn, _error(*_MALFORMED_BODY))
            yield command

    def send(self, event: HttpEvent) -> Commands:
        """Frame the parts of an answer (RFC 9112 sections 6 and 7) into one write."""
        if not isinstance(event, ResponseParts):
            yield from super().send(event)
            return
        if self._broken:
            return
        data = self.framed(event.parts)
        if data:
            yield commands.SendData(self.conn, data)
        last = event.parts[-1] if event.parts else None
        if isinstance(last, End):
            yield from self.mark_done(response=True)
            if self.response_done:  # refused before the body was whole: a client that never ends it is not waited for
                self._linger = wakeup = commands.RequestWakeup(self.limits.head_seconds)
                yield wakeup
        elif isinstance(last, Abort):
            yield commands.CloseConnection(self.conn)

    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands:
        if not self._ours:
            yield from super().mark_done(request=request, response=response)
            return
        self.request_done |= request
        self.response_done |= response
        if not (self.request_done and self.response_done):
            if self.request_done:
                self.state = self.wait
            return
        if self._closing:
            yield commands.CloseConnection(self.conn)
            self.state = self.done
            return
        self.request_done = self.response_done = self._ours = False
        self.request = self.response = None
        self.stream_id += 2
        self.state = self.read_headers
        if self.buf:
            yield from self.state(events.DataReceived(self.conn, b""))

    def _late(self, event: events.Wakeup) -> Commands:
        if event.command is self._clock and self.state == self.read_headers:
            yield from self._refuse(408, "request head too slow")
        elif event.command is self._linger and self.response_done:
            self.state = self.done
            yield commands.CloseConnection(self.conn)

    def framed(self, parts: Iterable[object]) -> bytes:
        """The bytes of these parts on the wire."""
        return b"".join(self._framed(parts))

    def _framed(self, parts: Iterable[object]) -> Iterable[bytes]:
        for part in parts:
            if isinstance(part, bytes):
                if self._bodiless:
                    continue
                yield b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part
            elif isinstance(part, ResponseHead):
                yield self._opening(part)
            elif isinstance(part, End) and self._chunked and not self._bodiless:
                yield b"0\r\n\r\n"

    def _opening(self, head: ResponseHead) -> bytes:
        request = self.request
        assert request is not None
        old = request.data.http_version == b"HTTP/1.0"
        self._ours = True
        self._bodiless = request.data.method == b"HEAD"
        self._chunked = not old and ("transfer-encoding", "chunked") in head.headers
        told = ("connection", "close") in head.headers
        self._closing = (
            told
            or old
            or self.draining
            or any(name.lower() == b"connection" and b"close" in value.lower() for name, value in request.headers.fields)
        )
        lines = [b"HTTP/1.1 %d %b" % (head.status, _REASONS.get(head.status, b""))]
        lines += [
            f"{name}: {value}".encode("latin-1", "replace")
            for name, value in head.headers
            if not (old and name == "transfer-encoding")
        ]
        if self._closing and not told:
            lines.append(b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _problem(self, sent: bytes) -> tuple[int, str] | None:
        """The refusal of a malformed head, by its own bytes. mitmproxy ends lines at a lone LF, divides the request line at any
        white space, and strips controls off the ends of values (RFC 9112 sections 2.2 and 3).
        """
        data = sent.lstrip(b"\r\n")
        before = sent[: len(sent) - len(data)]
        if len(before) > _EMPTY_LINES or before.replace(b"\r\n", b"") not in ((b"",) if data else (b"", b"\r")):
            return _MALFORMED
        blank = _BLANK_LINE.search(data)
        head = data[: blank.end()] if blank else data
        if len(head) > self.limits.head_bytes:
            return 431, "request head too large"
        ends = head.count(b"\r\n")
        line = head.partition(b"\r\n")[0]
        if blank and (
            line.count(b" ") != 2
            or b"\t" in line
            or head.count(b"\n") != ends
            or head.count(b"\r") != ends
            or head.translate(None, _LEGAL)
            or ((b" :" in head or b"\t:" in head) and _SPACED_NAME.search(head))
        ):
            return _MALFORMED
        return None

    def _refuse(self, status: int, message: str) -> Commands:
        self.state = self.done
        yield commands.SendData(self.conn, _error(status, message))
        yield commands.CloseConnection(self.conn)


def _size_of(request: Request) -> int | None:
    """The length of a body; None where it is chunked. Raises ValueError for what is not framed well (RFC 9112 section 6)."""
    framing = [field for field in request.data.headers.fields if field[0].lower() in _FRAMING]
    if not framing:
        return 0
    name, value = framing[0]
    if len(framing) > 1 or not value:
        raise ValueError("one length, or one coding of the transfer")
    if name.lower() == b"content-length" and _PLAIN_LENGTH.fullmatch(value):
        return int(value)
    return http1.expected_http_body_size(request)


def _error(status: int, message: str) -> bytes:
    """The last answer on a connection whose next request cannot be read: no exchange knows of it, and so no dialect."""
    body = b'{"error":{"message":"%b","code":"%b"}}' % (message.encode(), _CODES[status].encode())
    fields = (
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\nx-outgate-reason: {_CODES[status]}\r\nconnection: close"
    )
    return f"HTTP/1.1 {status} outgate: {message}\r\n{fields}\r\n\r\n".encode() + body
