"""Events of a provider's answer, as its dialect decodes the bytes that come."""

from collections.abc import AsyncIterator, Callable, Sequence

from outgate.dialects.spec import AnswerDecoder
from outgate.errors import UpstreamError, WireError
from outgate.inference.stream import Event
from outgate.upstreams.call import Call

_LONG, _MANY = 256 * 1024, 64
"""Bytes without an event, and events without a word, after which an answer has begun."""


def _says(event: Event) -> bool:
    return event.last or event.finish is not None or event.calls_tool or any(text.text for text in event.texts)


class UpstreamEvents:
    """The events of a provider's answer, those that are ready together as one list. `call` is closed when the reader leaves.

    `late` says that only its first bytes show whether it is an answer: its head waits for its first event. `grown`, once set, is
    told how many bytes have come of which no event was made yet: a whole answer is held until its end.
    """

    def __init__(self, call: Call, decoder: AnswerDecoder, *, late: bool = False) -> None:
        self.call = call
        self._decoder = decoder
        self._ended = False
        self._held = 0
        self._ahead: list[Event] = []
        self._failed: UpstreamError | WireError | None = None
        self.late = late
        self.grown: Callable[[int], None] | None = None

    def __aiter__(self) -> AsyncIterator[Sequence[Event]]:
        return self

    async def __anext__(self) -> Sequence[Event]:
        """Raises UpstreamError when the provider breaks off, WireError when it does not speak its dialect."""
        ahead, self._ahead = self._ahead, []
        if ahead:
            return ahead
        if self._failed is not None:
            raise self._failed
        return await self._read()

    @property
    def joined(self) -> bool:
        """Whether a whole answer was made of the events of a stream."""
        return bool(getattr(self._decoder, "joined", False))

    async def begin(self) -> Sequence[Event]:
        """The events up to the first that says something, which are read again by whoever reads the answer. One that is long is
        not waited for. Raises as reading does; so does the reader then.
        """
        try:
            while not any(map(_says, self._ahead)) and self._held < _LONG and len(self._ahead) < _MANY:
                self._ahead += await self._read()
        except StopAsyncIteration:
            pass
        except (UpstreamError, WireError) as error:
            self._failed = error
            raise
        return tuple(self._ahead)

    def give_up[E: UpstreamError](self, error: E) -> E:
        """Its beginning was not waited for: whoever reads it gets this error."""
        self._failed = error
        return error

    async def _read(self) -> Sequence[Event]:
        while not self._ended:
            data = await self.call.read()
            if data:
                events = self._decoder.feed(data)
            else:
                self._ended = True
                events = self._decoder.end()
            if events:
                self._held = 0
                return events
            self._held += len(data)
            if self.grown is not None and data:
                self.grown(self._held)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await self.call.close()
