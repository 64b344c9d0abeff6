"""HTTP/2 towards clients: back-pressure, a credit of frames, and an end for streams that were answered early.

mitmproxy buffers HTTP/2 data without bound when a client grants no window; here the producer waits until it does, as on HTTP/1. And
mitmproxy leaves a stream open whose request was refused before it was whole; here the client is told to stop. It ends the whole
connection where a stream asks for a tunnel; here only the stream ends.
"""

from asyncio import Future, get_running_loop
from contextlib import suppress
from typing import Protocol

import h2.events
from h2.errors import ErrorCodes
from h2.stream import StreamState
from mitmproxy import ctx
from mitmproxy.connection import Client
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

from outgate.proxy.internals import Http2Server, HttpEvent, ResponseData, ResponseEndOfMessage

HIGH_WATER = 128 * 1024
_MOST = 4096
"""Frames a client may be ahead; what one read of 64 KiB may hold of the smallest takes less than 50 ms."""
_HEADER = 9
_PREFACE = 24
_BYTES = 64
"""Bytes that earn the credit of one frame."""
_PER_EVENT = 4
"""Frames that each part of an answer earns: acknowledgements and windows follow it."""


class FrameCredit:
    """Frames that a client may still send for what they bring: a frame costs 10 µs, however little is in it.

    Floods of empty DATA, PING, SETTINGS, WINDOW_UPDATE or RST_STREAM frames, and bodies byte by byte, are all of them this. Frames
    are counted before they are parsed. Nothing here depends on time, so a slow client is no worse off than a fast one.
    """

    __slots__ = ("_credit", "_partial", "_skip")

    def __init__(self) -> None:
        self._credit = _MOST
        self._partial = b""
        self._skip = _PREFACE

    def earn(self) -> None:
        """A part of an answer has been sent."""
        self._credit = min(_MOST, self._credit + _PER_EVENT)

    def spend(self, data: bytes) -> bool:
        """Whether the frames that begin in `data`, the next bytes of the connection, are within the credit."""
        self._credit = min(_MOST, self._credit + len(data) // _BYTES) - self._begun(data)
        return self._credit >= 0

    def _begun(self, data: bytes) -> int:
        if self._partial:
            data = self._partial + data
        at, size, count = self._skip, len(data), 0
        while at + _HEADER <= size:
            at += _HEADER + int.from_bytes(data[at : at + 3])
            count += 1
        self._partial = data[at:] if at < size else b""
        self._skip = max(0, at - size)
        return count


class PacedHttp2Server(Http2Server):
    """An HTTP/2 connection that tells when its streams' buffers have drained, and resets answered streams that the client goes on
    sending on (RFC 9113 section 8.1). h2 drops what still comes for them, and gives its window back.
    """

    _waiting: Future[None] | None = None

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._answered: set[int] = set()
        self._bodiless: set[int] = set()
        self._credit = FrameCredit()

    @property
    def _ended(self) -> bool:
        """Whether mitmproxy is done with the connection, which leaves h2's streams as they were."""
        return bool(self._handle_event == self.done)

    def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super().handle_event(event)
        waiting = self._waiting
        if waiting is not None and isinstance(event, events.DataReceived | events.ConnectionClosed) and not waiting.done():
            waiting.set_result(None)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived) and not self._credit.spend(event.data):
            yield from self.protocol_error("too many frames for what they bring", ErrorCodes.ENHANCE_YOUR_CALM)
            return
        if isinstance(event, ResponseData) and event.stream_id in self._bodiless:
            return
        yield from super()._handle_event(event)
        if isinstance(event, HttpEvent):
            self._credit.earn()
            if isinstance(event, ResponseEndOfMessage):
                self._answered.add(event.stream_id)
        if self._answered:
            yield from self._release_answered()

    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        """CONNECT is for HTTP/1.1 (RFC 9113 sections 7 and 8.5): only its own stream ends, and its neighbours go on. An answer to
        HEAD has no content (RFC 9110 section 9.3.2).
        """
        if isinstance(event, h2.events.RequestReceived) and (b":method", b"CONNECT") in event.headers:
            self.h2_conn.reset_stream(event.stream_id, ErrorCodes.HTTP_1_1_REQUIRED)
            yield commands.SendData(self.conn, self.h2_conn.data_to_send())
            return False
        if isinstance(event, h2.events.RequestReceived) and (b":method", b"HEAD") in event.headers:
            self._bodiless.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self._bodiless.discard(event.stream_id)
        return (yield from super().handle_h2_event(event))

    def _release_answered(self) -> layer.CommandGenerator[None]:
        """Forget the answered streams whose last byte has been sent; reset those that are still open on the client's side."""
        for stream_id in tuple(self._answered):
            stream = self.h2_conn.streams.get(stream_id)
            state = stream.state_machine.state if stream is not None else StreamState.CLOSED
            if state is StreamState.HALF_CLOSED_LOCAL:
                self.h2_conn.reset_stream(stream_id, ErrorCodes.NO_ERROR)
                yield commands.SendData(self.conn, self.h2_conn.data_to_send())
            elif state is not StreamState.CLOSED:
                continue  # it waits for window
            self._answered.discard(stream_id)
            self._bodiless.discard(stream_id)
            self.streams.pop(stream_id, None)

    def backlog(self, stream_id: int) -> int:
        """Bytes that wait for window on one stream."""
        return sum(len(chunk.data) for chunk in self.h2_conn.stream_buffers.get(stream_id, ()))

    async def drained(self, stream_id: int) -> None:
        """Wait until the stream's backlog is below the high-water mark."""
        while self.backlog(stream_id) > HIGH_WATER and not (self.is_closed(stream_id) or self._ended):
            if self._waiting is None or self._waiting.done():
                self._waiting = get_running_loop().create_future()
            await self._waiting


class Paced(Protocol):
    """A stream of a client connection: its HTTP/2 connection is None on HTTP/1."""

    client: Client
    http2: PacedHttp2Server | None
    stream_id: int


async def wait_writable(stream: Paced) -> None:
    """Wait until the client has read enough of what was sent."""
    if stream.http2 is not None:
        await stream.http2.drained(stream.stream_id)
    handler = ctx.master.addons.get("proxyserver").connections.get(stream.client.id)
    if handler is None:
        return
    io = handler.transports.get(stream.client)
    if io is not None and io.writer is not None and io.writer.transport.get_write_buffer_size() > HIGH_WATER:
        with suppress(OSError):
            await io.writer.drain()
