"""Ask the model server from a worker, over one connection.

How long to wait is the asking stage's to say: who stops waiting takes the request back. A failure is a ModelServerError at once;
what it means for the exchange is the policy of that stage.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from outgate.inference.finding import Finding
from outgate.model_server.wire import CODES, Frames, ModelServerDownError, ModelServerError, frame

MAX_UNSENT = 64 * 1024 * 1024
type Observe = Callable[[tuple[str, str], float], None]
type ObserveLoad = Callable[[str, tuple[str], float], None]
_LOAD = {"batch": "outgate_model_batch_pieces", "queue": "outgate_model_queue_requests"}
"""Figures of an answer, and the metrics they are observed as."""


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
                future.set_exception(ModelServerDownError())
        self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._answer(message)
        except ModelServerError:
            if self.transport is not None:
                self.transport.abort()

    async def answer(self, number: int, request: bytes) -> Any:
        """Send a request and wait for its results. Takes it back where the wait ends before."""
        if self.transport is None:
            raise ModelServerDownError
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            raise ModelServerError("busy")
        future = self.waiting[number] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            return await future
        finally:
            if self.waiting.pop(number, None) is not None and self.transport is not None:
                self.transport.write(frame({"cancel": number}))

    def _answer(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        future = self.waiting.pop(number, None) if isinstance(number, int) else None
        if future is None or future.done():
            return
        if "results" in message:
            future.set_result(message)
        else:
            code, _, why = str(message.get("error", "protocol")).partition(": ")
            future.set_exception(ModelServerError(code, why) if code in CODES else ModelServerError("protocol"))


class ModelClient:
    """The model server as a port. Connects when it is first asked, and again after a restart. Belongs to one event loop.

    `observe` is told of each question its model and outcome, and the seconds from its sending to its answer; `observe_load` of each
    answer how full the server was, by metric.
    """

    def __init__(
        self,
        socket_path: str,
        observe: Observe = lambda _labels, _seconds: None,
        observe_load: ObserveLoad = lambda _metric, _labels, _value: None,
    ) -> None:
        self._path, self._observe, self._observe_load = socket_path, observe, observe_load
        self._link: _Link | None = None
        self._connecting = asyncio.Lock()
        self._number = 0

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        """What the model says of each item, as JSON values. Shares take turns, however much is asked under one of them.
        Raises ModelServerError.
        """
        return await self._ask(model, items, options, share) if items else []

    async def _ask(self, model: str, items: Sequence[str], options: tuple[str, ...], share: str) -> list[Any]:
        clock = asyncio.get_running_loop().time
        began, outcome = clock(), "abandoned"
        try:
            results = await self._answer(model, items, options, share)
            outcome = "ok"
        except ModelServerError as error:
            outcome = error.code
            raise
        finally:
            self._observe((model, outcome), clock() - began)
        return results

    async def _answer(self, model: str, items: Sequence[str], options: tuple[str, ...], share: str) -> list[Any]:
        self._number = number = self._number + 1
        request = frame({"id": number, "model": model, "options": options, "items": list(items), "share": share})
        message = await (await self._linked()).answer(number, request)
        results = message["results"]
        for figure, metric in _LOAD.items():
            if type(message.get(figure)) is int:
                self._observe_load(metric, (model,), message[figure])
        if not isinstance(results, list) or len(results) != len(items):
            raise ModelServerError("protocol")
        return results

    async def prepare(self, asked: Iterable[tuple[str, tuple[str, ...]]], report: Callable[[str], None]) -> None:
        """Have models loaded, each by its options, ahead of the first question. `report` is told why one cannot be."""
        for model, options in asked:
            try:
                await self._ask(model, (), options, "")
            except ModelServerDownError:
                return
            except ModelServerError as error:
                report(f"model {model}: {error}")

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str = "") -> list[tuple[Finding, ...]]:
        """Structured personal data in each text, disjoint and in order. Raises ModelServerError."""
        answers = await self.ask("pii", texts, options=entities, share=share)
        return [findings(answer) for answer in answers]

    async def close(self) -> None:
        """Drop the connection; whoever waits gets a ModelServerDownError."""
        if self._link is not None and self._link.transport is not None:
            self._link.transport.abort()
        self._link = None

    async def _linked(self) -> _Link:
        async with self._connecting:
            if self._link is None or self._link.transport is None:
                try:
                    _, self._link = await asyncio.get_running_loop().create_unix_connection(_Link, self._path)
                except OSError:
                    raise ModelServerDownError from None
            return self._link


def findings(result: Any) -> tuple[Finding, ...]:
    """Findings as the model `pii` gives them. Raises ModelServerError for anything else."""
    try:
        return tuple(Finding(str(entity), int(start), int(end), float(score)) for entity, start, end, score in result)
    except (TypeError, ValueError):
        raise ModelServerError("protocol") from None
