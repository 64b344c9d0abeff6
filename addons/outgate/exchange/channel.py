"""Client side of an exchange: the request head, and a bounded queue of response parts.

The queue holds what was put last and no more, which is the back-pressure. An exchange is one task; whatever writes to its client
(a connection handler, or a hook of mitmproxy in a task of its own) only takes from here.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from typing import NamedTuple

from outgate.errors import Denial
from outgate.net.connection import Connection
from outgate.net.headers import Headers

_JSON = ("content-type", "application/json")


class RequestHead(NamedTuple):
    """The head of a request, before any policy. `destination` is the canonical `host:port` on which CONNECT, SNI, Host and URL
    agree; `problem` is set where they do not, or where the head is malformed.
    """

    connection: Connection
    method: str
    path: str
    headers: Headers
    destination: str
    problem: Denial | None = None


class ResponseHead(NamedTuple):
    """Status and header fields (lower-case names) of the response."""

    status: int
    headers: tuple[tuple[str, str], ...]

    def as_error(self, status: int) -> "ResponseHead":
        """The head of an error in JSON in its place."""
        return ResponseHead(status, (*(field for field in self.headers if field[0] != "content-type"), _JSON))


class End(NamedTuple):
    """The response is complete."""


class Abort(NamedTuple):
    """The response cannot be completed: the connection (HTTP/1) or stream (HTTP/2) is broken off, lest it pass for whole."""

    message: str


type Part = ResponseHead | bytes | End | Abort


class ResponseChannel:
    """A bounded queue of size 1: one producer (the exchange), one consumer. Parts put together are taken together.

    The consumer either awaits `take` or, where it can send at once, is told by `listen` and calls `take_nowait`.
    """

    __slots__ = ("_listener", "_parts", "_room", "_wanted", "closed")

    def __init__(self) -> None:
        self._parts: list[Part] | None = None
        self._wanted: Future[None] | None = None
        self._room: Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self.closed = False

    async def put(self, parts: list[Part]) -> None:
        """Offer parts; returns when the slot took them, which is when the ones before were taken. After `close` they fall away."""
        if self._parts is not None:
            await self.taken()
        if not self.closed:
            self.offer(parts)

    def offer(self, parts: list[Part]) -> None:
        """Offer parts without waiting: for the last word of an exchange."""
        self._parts = parts if self._parts is None else [*self._parts, *parts]
        self._tell()

    async def taken(self) -> None:
        """Wait until the slot is empty: what was put is on its way to the client."""
        while self._parts is not None and not self.closed:
            self._room = get_running_loop().create_future()
            await self._room

    async def take(self) -> list[Part]:
        """The next parts. After `close`, an Abort, for ever."""
        while (parts := self.take_nowait()) is None:
            self._wanted = get_running_loop().create_future()
            await self._wanted
        return parts

    def take_nowait(self) -> list[Part] | None:
        """The parts that are there; None where there are none yet. After `close`, an Abort, for ever."""
        parts, self._parts = self._parts, None
        if parts is None:
            return [Abort("closed")] if self.closed else None
        _wake(self._room)
        return parts

    @property
    def ready(self) -> bool:
        """Whether there is something to take now."""
        return self._parts is not None or self.closed

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener`, once, when there are parts to take or the channel is closed; at once where that is so."""
        self._listener = listener
        if self.ready:
            self._tell()

    def close(self) -> None:
        """Nobody takes any more, or nobody gives any more: both sides wake up."""
        self.closed = True
        _wake(self._room)
        self._tell()

    def _tell(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener()
        _wake(self._wanted)


def _wake(waiter: Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
