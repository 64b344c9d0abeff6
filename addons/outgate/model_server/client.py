"""How a worker asks the encoder, and when it stops waiting: one connection, a deadline for each question, a bound on their number.

Every failure is an EncoderError at once or by the deadline; what the failure means for the exchange is the asking stage's policy.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from outgate.inference.finding import Finding
from outgate.model_server.wire import EncoderError, Frames, frame

MAX_UNSENT = 64 * 1024 * 1024


class _Link(asyncio.Protocol):
    """The connection: answers go to whoever waits for them, answers nobody waits for are dropped."""

    def __init__(self) -> None:
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.transport: asyncio.Transport | None = None
        self._frames = Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.transport = None
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(EncoderError("down"))
        self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._answer(message)
        except EncoderError:
            if self.transport is not None:
                self.transport.abort()

    def _answer(self, message: dict[str, Any]) -> None:
        future = self.waiting.pop(message.get("id", -1), None)
        if future is None or future.done():
            return
        if "results" in message:
            future.set_result(message["results"])
        else:
            future.set_exception(EncoderError(str(message.get("error", "protocol"))))


class Encoder:
    """The encoder as a port. `deadline` is seconds for one question, `max_pending` how many may wait at once in this worker.

    Connects when it is first asked, and again after a restart. Belongs to one event loop.
    """

    def __init__(self, socket_path: str, *, deadline: float = 2.0, max_pending: int = 256) -> None:
        self._path = socket_path
        self._deadline = deadline
        self._max_pending = max_pending
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()
        self._pending = 0
        self._number = 0

    @property
    def pending(self) -> int:
        """Questions that wait for an answer now."""
        return self._pending

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...]) -> list[tuple[Finding, ...]]:
        """Structured personal data in each text, disjoint and in order. Raises EncoderError."""
        if not texts:
            return []
        return await self._ask("pii", entities, list(texts), _findings)

    async def close(self) -> None:
        """Drop the connection; whoever waits gets EncoderError(down)."""
        if self._link is not None and self._link.transport is not None:
            self._link.transport.abort()
        self._link = None

    async def _ask[T](self, tenant: str, options: tuple[str, ...], items: list[str], read: Callable[[Any], T]) -> list[T]:
        if self._pending >= self._max_pending:
            raise EncoderError("busy")
        self._pending += 1
        try:
            async with asyncio.timeout(self._deadline):
                results = await self._exchange(tenant, options, items)
        except TimeoutError:
            raise EncoderError("deadline") from None
        finally:
            self._pending -= 1
        if not isinstance(results, list) or len(results) != len(items):
            raise EncoderError("protocol")
        try:
            return [read(result) for result in results]
        except (TypeError, ValueError):
            raise EncoderError("protocol") from None

    async def _exchange(self, tenant: str, options: tuple[str, ...], items: list[str]) -> Any:
        self._number += 1
        number = self._number
        question = frame({"id": number, "tenant": tenant, "options": options, "items": items, "budget": self._deadline})
        link = await self._linked()
        if link.transport is None:
            raise EncoderError("down")
        if link.transport.get_write_buffer_size() > MAX_UNSENT:
            raise EncoderError("busy")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        link.waiting[number] = future
        link.transport.write(question)
        try:
            return await future
        finally:
            link.waiting.pop(number, None)

    async def _linked(self) -> _Link:
        async with self._connecting:
            if self._link is None or self._link.transport is None:
                try:
                    _, self._link = await asyncio.get_running_loop().create_unix_connection(_Link, self._path)
                except OSError:
                    raise EncoderError("down") from None
            return self._link


def _findings(result: Any) -> tuple[Finding, ...]:
    return tuple(Finding(str(entity), int(start), int(end), float(score)) for entity, start, end, score in result)
