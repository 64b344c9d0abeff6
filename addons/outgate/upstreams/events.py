"""Events of a provider's answer, as its dialect decodes the bytes that come."""

from collections.abc import AsyncIterator, Callable, Sequence

from outgate.dialects.spec import AnswerDecoder
from outgate.inference.stream import Event
from outgate.upstreams.call import Call


class UpstreamEvents:
    """The events of a provider's answer, those that are ready together as one list. `call` is closed when the reader leaves.

    `grown`, once set, is told how many bytes have come of which no event was made yet: a whole answer is held until its end.
    """

    def __init__(self, call: Call, decoder: AnswerDecoder) -> None:
        self.call = call
        self._decoder = decoder
        self._ended = False
        self._held = 0
        self.grown: Callable[[int], None] | None = None

    def __aiter__(self) -> AsyncIterator[Sequence[Event]]:
        return self

    async def __anext__(self) -> Sequence[Event]:
        """Raises UpstreamError when the provider breaks off, WireError when it does not speak its dialect."""
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
