"""Receive one request body within bounds: its size, the time it may take, its content coding, and the worker's memory.

A body is charged to its workload from the moment that is known, which is before the body is waited for; what came until then is
charged to the peer's address. What is refused here is refused before any stage has seen it, and what still comes of it is dropped.
"""

from asyncio import Future, get_running_loop
from collections.abc import Hashable

from outgate.errors import Denial, WireError
from outgate.exchange.judging import CutError
from outgate.net.decompress import DecodingLimits, decode
from outgate.net.headers import Headers
from outgate.upstreams.upload import Upload

_TOO_SLOW = Denial(code="body_timeout", status=408, message="The request body did not arrive in time.")
_FULL = Denial(code="bodies_full", status=503, message="The gateway holds as many of your requests as it may.", retry_after=1)
_FULL_OF_ANSWERS = Denial(
    code="answers_full", status=503, message="The gateway holds as many of your answers as it may.", retry_after=1
)
CODING_STATUS = {"encoding_unknown": 415, "encoding_stacked": 415, "encoding_too_large": 413, "encoding_bomb": 413}

_COPIES = 2
"""Once it is read, a body is there as a tree, and as it is sent: room for both is taken as it arrives, so that a plain one that was
let in is not refused when it is whole."""


def too_large(limit: int, size: str) -> Denial:
    """The refusal of a body that is too large, with its bound and what it has."""
    return Denial(
        code="body_too_large",
        status=413,
        message=f"The request body may have {limit} bytes and has {size}. The policy sets this by `gateway.limits`.",
    )


class MemoryPool:
    """Fair-share admission of request memory in one worker (a dynamic threshold: nobody holds more than what is still free).

    A bound on each body bounds nothing where one connection has a hundred streams, and a bound for all is one that a single
    workload could use up. So alone, an owner gets half; beside one that has filled its half, a second gets a quarter; of n that
    want all they can get, each has one part of n + 1, and one part is free for who comes next. Nothing has to be known of who there
    is, and nobody pays for a workload that is idle. Every `acquire` that was granted is followed by a `release`.
    """

    __slots__ = ("_of", "held", "limit")

    def __init__(self, limit: int) -> None:
        self.held = 0
        self.limit = limit
        self._of: dict[Hashable, int] = {}

    def acquire(self, owner: Hashable, size: int) -> bool:
        """Count so many bytes more; False, and nothing is counted, where the owner would have more than is free for others."""
        mine, held = self._of.get(owner, 0) + size, self.held + size
        if mine > self.limit - held and size:
            return False
        if mine:
            self._of[owner], self.held = mine, held
        return True

    def release(self, owner: Hashable, size: int) -> None:
        if not size:
            return
        self.held -= size
        left = self._of[owner] - size
        if left:
            self._of[owner] = left
        else:
            del self._of[owner]


class RequestBody:
    """At most `limit` bytes, charged to `owner` in `pool` from their arrival until `release`. `upload` sends it on where it is not
    held: then it is of any size, and charged until it is sent.
    """

    __slots__ = ("_held", "_limit", "_owner", "_pool", "_received", "_result", "_waiter", "upload")

    def __init__(self, pool: MemoryPool, limit: int, owner: Hashable) -> None:
        self._pool = pool
        self._owner = owner
        self._limit = limit
        self._received = bytearray()
        self._held = 0
        self._result: bytes | Denial | None = None
        self._waiter: Future[None] | None = None
        self.upload: Upload | None = None

    @property
    def limit(self) -> int:
        """The most bytes that it may have."""
        return self._limit

    def narrow(self, limit: int, declared: str | None) -> None:
        """Allow it this much from now on; `declared` is its Content-Length."""
        self._limit = limit
        size = int(declared) if declared is not None and declared.isdecimal() and len(declared) < 16 else len(self._received)
        if max(size, len(self._received)) > limit and self._result is None:
            self.end(too_large(limit, f"{size} bytes"))

    @property
    def refusal(self) -> Denial | None:
        """Why it is refused, where it is."""
        return self._result if isinstance(self._result, Denial) else None

    @property
    def open(self) -> bool:
        """Whether more of it is wanted."""
        return self._result is None

    @property
    def empty(self) -> bool:
        """Whether it is whole already, and nothing: the request has none."""
        return self._result == b""

    def pass_on(self, headers: Headers, seconds: float) -> None:
        """Send it on as it comes from now on, in its own content coding: nobody reads it."""
        declared, received = headers.get("content-length"), self._result if isinstance(self._result, bytes) else self._received
        length = int(declared) if declared is not None and declared.isdecimal() else None
        self._pool.release(self._owner, self._held)
        self._held, self._received = 0, bytearray()
        self.upload = Upload(length, ",".join(headers.all("content-encoding")), seconds, _TOO_SLOW, self._sized)
        result, self._result = self._result, None
        self.upload.feed(bytes(received))
        if result is not None:
            self.end(result if isinstance(result, Denial) else None)

    def _sized(self, change: int) -> None:
        """So much more of an upload is to wait, or so much less waits. What was refused is not held, and cannot be given back."""
        if change < 0:
            freed = min(-change, self._held)
            self._pool.release(self._owner, freed)
            self._held -= freed
        elif not self._hold(change):
            self.end(_FULL)

    def feed(self, data: bytes) -> None:
        """One more piece."""
        if self._result is not None:
            return
        if self.upload is not None:
            self.upload.feed(data)
            return
        size = len(data)
        if len(self._received) + size > self._limit:
            self.end(too_large(self._limit, "more"))
        elif self._hold(_COPIES * size):
            self._received += data
        else:
            self.end(_FULL)

    def end(self, refusal: Denial | None = None) -> None:
        """It is whole, or refused."""
        if self._result is not None:
            return
        if self.upload is not None:
            self.upload.end(refusal)
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
        """Charge it to its workload from now on; refused where that would be more than the workload may hold."""
        held = self._held
        self._pool.release(self._owner, held)
        self._owner, self._held = owner, 0
        if not self._hold(held):
            self._result = None
            self.end(_FULL)

    def decoded(self, body: bytes, headers: Headers, size: int) -> bytes | Denial:
        """The body without its content coding, at most `size` bytes, charged too; or why it is refused.

        A client's Content-Encoding ends here: the provider gets the tree that was judged, in no coding (RFC 9110 section 8.4).
        """
        data = _decoded(body, headers, size)
        return data if isinstance(data, Denial) else self.grown(_COPIES * len(data)) or data

    def grown(self, size: int) -> Denial | None:
        """Charge what the body has become, so many bytes altogether, where that is more than it was. None if they are granted."""
        return None if self._hold(max(0, size - self._held)) else _FULL

    def answer_grown(self, size: int) -> None:
        """Charge the whole answer that has come instead, so many bytes of it. Raises CutError where that is more than is free.

        One and a half times: it is put together and written in one go of the loop, so that of all answers one at a time is there
        twice.
        """
        if self.grown(size + size // 2) is not None:
            raise CutError(_FULL_OF_ANSWERS)

    def release(self) -> None:
        """Nothing of the body is held any longer, and nothing more of it is wanted."""
        if self.upload is not None:
            self.upload.close()
        self._pool.release(self._owner, self._held)
        self._held = 0
        self._received = bytearray()
        if self._result is None:
            self._result = b""

    def _hold(self, size: int) -> bool:
        granted = self._pool.acquire(self._owner, size)
        if granted:
            self._held += size
        return granted


def _decoded(body: bytes, headers: Headers, size: int) -> bytes | Denial:
    """415 for a coding that is not read, 413 for a body that unfolds too far, 400 for a damaged one."""
    try:
        return decode(body, ",".join(headers.all("content-encoding")), DecodingLimits(size=size))
    except WireError as error:
        return Denial(code=error.code, status=CODING_STATUS.get(error.code, 400), message=f"The request cannot be read: {error}.")
