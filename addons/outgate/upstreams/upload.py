"""Body of a request that is sent on as it comes, unread: what has come and has not been sent is all that is held of it."""

import asyncio
from collections.abc import Callable

from outgate.errors import Denial, OutgateError

MARK = 256 * 1024
"""Bytes that wait, from which its client is not read on."""
_UNEQUAL = Denial(code="body_length", status=400, message="The request body has not as many bytes as its Content-Length says.")


class UploadBrokenError(OutgateError):
    """The body will not be whole: `denial` says why."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.code)
        self.denial = denial


class Upload:
    """One body: `feed` and `end` by whoever reads the client, `piece` by whoever writes to the provider, once.

    `length` is its size in bytes where the client told it, `coding` its Content-Encoding, which goes on with it; `begun` says that
    some of it may have been sent. `late` is what a client is told that lets `seconds` pass between two pieces; `sized` is told of
    every change of what waits, in bytes, and of more before it waits.
    """

    def __init__(self, length: int | None, coding: str, seconds: float, late: Denial, sized: Callable[[int], None]) -> None:
        self.length, self.coding = length, coding
        self.begun = False
        self._seconds, self._late, self._sized = seconds, late, sized
        self._waiting = bytearray()
        self._taken_bytes = 0
        self._over = False
        self._broken: Denial | None = None
        self._wanted: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        """One more piece."""
        if not self._over and data:
            self._sized(len(data))  # which ends it where there is no room
        if not self._over:
            self._waiting += data
            _wake(self._wanted)

    def end(self, broken: Denial | None = None) -> None:
        """It is whole, or broken; one that was whole breaks where some of it still waits."""
        if self._broken is None and (self._waiting or not self._over):
            self._broken = broken
        self._over = True
        _wake(self._wanted)
        _wake(self._room)

    async def piece(self) -> bytes:
        """All that has come; b"" at its end. Raises UploadBrokenError, also where that is not `length` bytes altogether."""
        self.begun = True
        if not self._waiting and not self._over:
            self._wanted = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._wanted
            except TimeoutError:
                self.end(self._late)
        if self._broken is not None:
            raise UploadBrokenError(self._broken)
        data = self._taken()
        self._taken_bytes += len(data)
        if self.length is not None and (self._taken_bytes > self.length or (not data and self._taken_bytes < self.length)):
            raise UploadBrokenError(_UNEQUAL)
        return data

    async def room(self) -> None:
        """Wait until less than `MARK` bytes wait, or nobody takes them any more."""
        while len(self._waiting) >= MARK and not self._over:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def close(self) -> None:
        """Nobody takes more of it."""
        self.end(self._late)
        self._taken()

    def _taken(self) -> bytes:
        data = bytes(self._waiting)
        self._waiting.clear()
        self._sized(-len(data))
        _wake(self._room)
        return data


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
