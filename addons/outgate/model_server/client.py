"""Ask the model server from a worker: one connection, a deadline for each request, a bound on the number of requests.

Every failure is a ModelServerError at once or by the deadline; what it means for the exchange is the policy of the asking stage.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from outgate.inference.finding import Finding
from outgate.model_server.wire import Frames, ModelServerError, frame

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
                future.set_exception(ModelServerError("down"))
        self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._answer(message)
        except ModelServerError:
            if self.transport is not None:
                self.transport.abort()

    def _answer(self, message: dict[str, Any]) -> None:
        future = self.waiting.pop(message.get("id", -1), None)
        if future is None or future.done():
            return
        if "results" in message:
            future.set_result(message["results"])
        else:
            future.set_exception(ModelServerError(str(message.get("error", "protocol"))))


class ModelClient:
    """The model server as a port. `deadline` is seconds for one request, `max_pending` how many may wait at once in this worker.

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
        """Requests that wait for an answer now."""
        return self._pending

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...]) -> list[tuple[Finding, ...]]:
        """Structured personal data in each text, disjoint and in order. Raises ModelServerError."""
        if not texts:
            return []
        return await self._ask("pii", entities, list(texts), _findings)

    async def close(self) -> None:
        """Drop the connection; whoever waits gets ModelServerError(down)."""
        if self._link is not None and self._link.transport is not None:
            self._link.transport.abort()
        self._link = None

    async def _ask[T](self, model: str, options: tuple[str, ...], items: list[str], read: Callable[[Any], T]) -> list[T]:
        if self._pending >= self._max_pending:
            raise ModelServerError("busy")
        self._pending += 1
        try:
            async with asyncio.timeout(self._deadline):
                results = await self._exchange(model, options, items)
        except TimeoutError:
            raise ModelServerError("deadline") from None
        finally:
            self._pending -= 1
        if not isinstance(results, list) or len(results) != len(items):
            raise ModelServerError("protocol")
        try:
            return [read(result) for result in results]
        except (TypeError, ValueError):
            raise ModelServerError("protocol") from None

    async def _exchange(self, model: str, options: tuple[str, ...], items: list[str]) -> Any:
        self._number += 1
        number = self._number
        request = frame({"id": number, "model": model, "options": options, "items": items, "budget": self._deadline})
        link = await self._linked()
        if link.transport is None:
            raise ModelServerError("down")
        if link.transport.get_write_buffer_size() > MAX_UNSENT:
            raise ModelServerError("busy")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        link.waiting[number] = future
        link.transport.write(request)
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
                    raise ModelServerError("down") from None
            return self._link


def _findings(result: Any) -> tuple[Finding, ...]:
    return tuple(Finding(str(entity), int(start), int(end), float(score)) for entity, start, end, score in result)
