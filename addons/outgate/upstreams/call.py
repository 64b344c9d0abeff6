"""Response of a provider, read piece by piece: whole, or an error that says so."""

import asyncio
from typing import TYPE_CHECKING, Any

from outgate.errors import FailureKind, UpstreamError, WireError
from outgate.errors import FailureReason as Reason
from outgate.net.decompress import Decoder, decoder
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.fields import returned
from outgate.upstreams.pool import Pool
from outgate.upstreams.scrubber import Scrubber

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader

    from outgate.upstreams.wire import Wire


class Call:
    """An answer whose head has come. `reused` says whether its connection had served before, `address` is what was dialled.

    The slot and the connection are given back with the last piece, or by `close`; a read that fails or is cancelled aborts.
    """

    __slots__ = (
        "_backend", "_began", "_deadline", "_decoder", "_endpoint", "_framed", "_loop", "_payload", "_pool", "_scrubber",
        "_silence", "_until", "_wire",
        "address", "headers", "resumed", "reused", "status",
    )  # fmt: skip

    def __init__(
        self, wire: "Wire", head: "tuple[Any, StreamReader]", *, pool: Pool, backend: Backend, endpoint: Endpoint, reused: bool,
        deadline: float, secrets: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        message, self._payload = head
        self._loop = asyncio.get_running_loop()
        self._pool, self._backend, self._endpoint = pool, backend, endpoint
        self._deadline, self._began = deadline, False
        self.status: int = message.code
        self.headers = returned(message.raw_headers, secrets)
        self.address, self.reused, self.resumed = wire.address, reused, wire.resumed
        self._framed = message.chunked or "content-length" in message.headers
        self._decoder = _decoder(message.headers.get("content-encoding", ""))
        self._scrubber = Scrubber(secrets) if secrets else None
        self._wire: Wire | None = wire
        self._until = deadline
        self._silence: asyncio.TimerHandle | None = None

    async def read(self) -> bytes:
        """All bytes that are ready now, decoded; b"" at the end.

        Raises UpstreamError: BROKEN_STREAM where the answer ends before it is whole or does not decode, TIMEOUT after the idle or
        total limit.
        """
        wire, payload = self._wire, self._payload
        while wire is not None:
            try:
                data = b"" if payload.at_eof() else (payload.read_nowait() or await self._wait())
                ended = payload.at_eof()
                output = self._decoded(wire, data, ended=ended)
                if self._loop.time() > self._deadline:
                    raise self._failed(FailureKind.TIMEOUT, "the answer took too long", Reason.ANSWER_TIMED_OUT)
            except BaseException as error:
                self._abort()
                if isinstance(error, UpstreamError) or not isinstance(error, Exception):
                    raise
                message = "the answer broke off or is damaged"
                raise self._failed(FailureKind.BROKEN_STREAM, message, Reason.ANSWER_BROKEN_OFF) from None
            if ended:
                self._finish(wire)
                return output
            if output:
                self._begin()
                return output
        return b""

    async def close(self) -> None:
        """Done with it. An answer that has not come whole is aborted; one that has leaves its connection fit for use.

        May be called again, never waits.
        """
        wire, payload = self._wire, self._payload
        if wire is not None and payload.is_eof() and payload.exception() is None:
            payload.read_nowait()
            self._finish(wire)
        self._abort()

    async def _wait(self) -> bytes:
        self._until = min(self._loop.time() + self._backend.timeouts.idle, self._deadline)
        if self._silence is None:
            self._silence = self._loop.call_at(self._until, self._silent)
        return await self._payload.readany()

    def _silent(self) -> None:
        """The time is up, or was when the timer was set: one timer serves all the reads of an answer."""
        self._silence = None
        if self._wire is None:
            return
        if self._loop.time() < self._until:
            self._silence = self._loop.call_at(self._until, self._silent)
        else:
            reason = Reason.ANSWER_STOPPED if self._until < self._deadline else Reason.ANSWER_TIMED_OUT
            self._payload.set_exception(self._failed(FailureKind.TIMEOUT, "the answer stopped coming", reason))

    def _failed(self, kind: FailureKind, message: str, reason: Reason) -> UpstreamError:
        return UpstreamError(kind, message, sent=True, status=self.status, reason=reason)

    def _stop_timer(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _decoded(self, wire: "Wire", data: bytes, *, ended: bool) -> bytes:
        if ended and not self._framed and wire.lost is not None:
            raise WireError("body_truncated", "the connection was reset in a body that only its close would end")
        if self._decoder is not None:
            data = self._decoder.feed(data)
            if ended:
                self._decoder.finish()
        return data if self._scrubber is None else self._scrubber.feed(data, last=ended)

    def _begin(self) -> None:
        if not self._began:
            self._began = True
            self._pool.began(self._endpoint)

    def _finish(self, wire: "Wire") -> None:
        self._wire = None
        self._begin()
        self._stop_timer()
        self._pool.give(self._endpoint, wire)
        self._pool.leave(self._endpoint)

    def _abort(self) -> None:
        wire, self._wire = self._wire, None
        self._stop_timer()
        if wire is not None:
            wire.abort()
            self._begin()
            self._pool.leave(self._endpoint)


def _decoder(coding: str) -> Decoder | None:
    """We ask for no coding; a provider that answers with one anyway is decoded, bounded."""
    if coding in ("", "identity"):
        return None
    try:
        return decoder(coding)
    except WireError:
        message = "the provider answered in a content coding we do not know"
        raise UpstreamError(FailureKind.PROTOCOL, message, sent=True, reason=Reason.HEAD_MALFORMED) from None
