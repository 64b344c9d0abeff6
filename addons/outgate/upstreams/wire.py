"""HTTP/1.1 connection to a provider: one request at a time, and whether it may be reused."""

import asyncio
import select
import ssl
from typing import Any

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from outgate.errors import FailureKind, UpstreamError
from outgate.errors import FailureReason as Reason
from outgate.upstreams.reasons import CutOffError, of_tls
from outgate.upstreams.upload import Upload, UploadBrokenError

_READ_BUFFER = 256 * 1024
"""Reading from the provider pauses at twice this: the back-pressure of a slow caller."""
_PIECE = 128 * 1024
"""A longer body is written in such pieces: TLS keeps a buffer as large as the largest write for as long as the connection lives."""
_LONGEST_LINE = 16 * 1024
_MOST_FIELDS = 128
_OLDEST = 300.0
"""Seconds after which a connection is not used again, so that a change of addresses reaches a busy pool."""


class Wire(ResponseHandler):
    """aiohttp's response parser on a connection we dialled ourselves. `address` is what was dialled, `resumed` whether TLS was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.address = ""
        self.resumed = False
        self.heard = False
        """Bytes have come since the last request was written, or since the connection has been idle."""
        self.lost: BaseException | None = None
        self.idle_since = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._born = loop.time()
        self._waiting: select.poll | None = None

    def data_received(self, data: bytes) -> None:
        self.heard = True
        super().data_received(data)
        failed = self.exception()
        if failed is not None:
            self._tell_reader(failed)

    def _tell_reader(self, failed: BaseException) -> None:
        """A parser that has failed has let go of the body's reader, which would wait for ever."""
        if self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(failed)
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = exc
        super().connection_lost(exc)

    async def ask(
        self, head: bytes, body: bytes | Upload, *, head_only: bool, until: float, idle: float = 60.0, after: float = 60.0
    ) -> tuple[Any, StreamReader]:
        """Write one request, take the head of its answer: aiohttp's message, and the reader of the body. Of an upload, the provider
        takes some within `idle` seconds, and answers within `after` when it has all.

        Raises UpstreamError (RESET, TIMEOUT, PROTOCOL, TLS; `sent` is true) and aborts the connection; so it does when cancelled,
        which is then a CutOffError.
        """
        transport = self.transport
        if transport is None:
            raise UpstreamError(FailureKind.RESET, "the connection was closed before the request", reason=Reason.HEAD_CLOSED)
        self.heard = False
        self.set_response_params(
            skip_payload=head_only,
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=_READ_BUFFER,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            max_headers=_MOST_FIELDS,
        )
        self._late = self._loop.call_at(until, self.set_exception, TimeoutError())
        try:
            if isinstance(body, Upload):
                transport.write(head)
                self._writing = self._loop.create_task(self._write_upload(transport, body, idle, after))
            else:
                self._write(transport, head, body)
            return await self._head()
        except BaseException as error:
            self.abort()
            if isinstance(error, asyncio.CancelledError):
                raise CutOffError from None
            raise self._failure(error) from None  # a parser's message quotes the provider's bytes; a name here would be a cycle
        finally:
            self._late.cancel()

    async def _head(self) -> tuple[Any, StreamReader]:
        while True:
            message, payload = await self.read()
            if message.code >= 200:
                return message, payload
            if message.code == 101:
                told = "the provider switched protocols unasked"
                raise UpstreamError(FailureKind.PROTOCOL, told, sent=True, reason=Reason.HEAD_MALFORMED)

    def _failure(self, error: BaseException) -> BaseException:
        if isinstance(error, TimeoutError):
            message = "the provider sent no response head in time"
            return UpstreamError(FailureKind.TIMEOUT, message, sent=True, reason=Reason.HEAD_TIMED_OUT)
        if isinstance(error, HttpProcessingError):
            message = "the provider sent a malformed response"
            return UpstreamError(FailureKind.PROTOCOL, message, sent=True, reason=Reason.HEAD_MALFORMED)
        if isinstance(self.lost, ssl.SSLError):
            # TLS 1.3 servers refuse a client certificate only after the handshake (RFC 8446 section 4.4.2.4).
            message = "the provider ended TLS before its answer"
            return UpstreamError(FailureKind.TLS, message, sent=True, reason=of_tls(self.lost))
        if isinstance(error, UpstreamError | UploadBrokenError) or not isinstance(error, Exception):
            return error
        message = "the connection ended before the response head"
        return UpstreamError(FailureKind.RESET, message, sent=True, reason=Reason.HEAD_CLOSED)

    def reusable(self) -> bool:
        """Whether another request may follow: the answer was read whole, the request was sent whole, nothing came unasked."""
        transport = self.transport
        return (
            transport is not None
            and not transport.is_closing()
            and not self.should_close
            and transport.get_write_buffer_size() == 0
            and (self._writing is None or self._writing.done())
            and self._loop.time() - self._born < _OLDEST
        )

    def quiet(self) -> bool:
        """Whether nothing waits to be read, not even an end that the loop has not come to yet. Asked just before a request goes."""
        assert self.transport is not None
        if self._waiting is None:
            self._waiting = select.poll()
            self._waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not self._waiting.poll(0)

    def _write(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """In one piece where it is short; a long body is never copied whole, and the loop goes on between its pieces."""
        if len(body) <= _PIECE:
            transport.write(head + body)
            return
        transport.write(head)
        self._writing = self._loop.create_task(_write_long(transport, memoryview(body)))

    async def _write_upload(self, transport: asyncio.Transport, upload: Upload, idle: float, after: float) -> None:
        """Piece by piece, no faster than the provider takes it. Where that fails, whoever waits for the answer is told."""
        try:
            while piece := await upload.piece():
                transport.write(piece if upload.length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
                async with asyncio.timeout(idle):
                    await self._drain_helper()
            if upload.length is None:
                transport.write(b"0\r\n\r\n")
        except Exception as error:
            self.set_exception(error)
            transport.abort()
        else:
            if not self._late.cancelled():  # once the head has come, a timer would end the next request on this connection
                self._late.cancel()
                self._late = self._loop.call_later(after, self.set_exception, TimeoutError())


async def _write_long(transport: asyncio.Transport, body: memoryview) -> None:
    for at in range(0, len(body), _PIECE):
        if transport.is_closing():
            return
        transport.write(body[at : at + _PIECE])
        await asyncio.sleep(0)
