"""The body of one request as it arrives: how much of it is taken, for how long it is waited for, and when it is let go.

It is its workload's from the moment that is known, which is before the body is waited for; what came until then is the peer's.

What is refused here is refused before any stage has seen it, and what still comes of it is dropped.
"""

from asyncio import Future, get_running_loop
from collections.abc import Hashable

from outgate.errors import Denial
from outgate.exchange.body_account import BodyAccount

_TOO_LARGE = Denial(code="body_too_large", status=413, message="The request body exceeds the policy's limit.")
_TOO_SLOW = Denial(code="body_timeout", status=408, message="The request body did not arrive in time.")
_FULL = Denial(code="bodies_full", status=503, message="The gateway holds as many of your requests as it may.", retry_after=1)

_COPIES = 2
"""Once it is read, a body is there as a tree, and as it is sent: room for both is taken as it arrives, so that a plain one that was
let in is not refused when it is whole."""


class IncomingBody:
    """At most `limit` bytes, counted in `account` as `owner`'s from their arrival until `release`."""

    __slots__ = ("_account", "_held", "_limit", "_owner", "_received", "_result", "_waiter")

    def __init__(self, account: BodyAccount, limit: int, owner: Hashable) -> None:
        self._account = account
        self._owner = owner
        self._limit = limit
        self._received = bytearray()
        self._held = 0
        self._result: bytes | Denial | None = None
        self._waiter: Future[None] | None = None

    @property
    def open(self) -> bool:
        """Whether more of it is wanted."""
        return self._result is None

    def feed(self, data: bytes) -> None:
        """One more piece."""
        if self._result is not None:
            return
        size = len(data)
        if len(self._received) + size > self._limit:
            self.end(_TOO_LARGE)
        elif self._hold(_COPIES * size):
            self._received += data
        else:
            self.end(_FULL)

    def end(self, refusal: Denial | None = None) -> None:
        """It is whole, or refused."""
        if self._result is not None:
            return
        if refusal is None:
            self._result = bytes(self._received)
        else:
            self._result = refusal
            self.release()
        self._received = bytearray()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def whole(self, seconds: float) -> bytes | Denial:
        """The body, which is not kept here any longer, or why it is refused; asked once."""
        if self._result is None:
            loop = get_running_loop()
            self._waiter = loop.create_future()
            late = loop.call_later(seconds, self.end, _TOO_SLOW)
            try:
                await self._waiter
            finally:
                late.cancel()
        assert self._result is not None
        result, self._result = self._result, b""
        return result

    def belongs_to(self, owner: Hashable) -> None:
        """Whose it is has become known; refused where it is more than this one may hold."""
        held = self._held
        self._account.give(self._owner, held)
        self._owner, self._held = owner, 0
        if not self._hold(held):
            self._result = None
            self.end(_FULL)

    def unfolded(self, data: bytes | Denial) -> bytes | Denial:
        """The body as it is without its content coding, counted too."""
        return data if isinstance(data, Denial) else self.grown(_COPIES * len(data)) or data

    def grown(self, size: int) -> Denial | None:
        """Count what the body has become, so many bytes altogether, where that is more than it was. None if they are granted."""
        return None if self._hold(max(0, size - self._held)) else _FULL

    def release(self) -> None:
        """Nothing of the body is held any longer, and nothing more of it is wanted."""
        self._account.give(self._owner, self._held)
        self._held = 0
        self._received = bytearray()
        if self._result is None:
            self._result = b""

    def _hold(self, size: int) -> bool:
        granted = self._account.take(self._owner, size)
        if granted:
            self._held += size
        return granted
