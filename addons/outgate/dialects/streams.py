"""Decoder of a streamed answer, whatever its dialect. What is no JSON object is dropped and told: a comment takes its place, so
that clients see the stream alive. An object that cannot be read may have held a piece of the answer, which ends where it stood.
"""

from collections.abc import Iterable

from outgate.dialects import sse
from outgate.dialects.events import KEEP_ALIVE, Aside
from outgate.dialects.lenient import carried
from outgate.dialects.reading import Reading
from outgate.dialects.rules import Rule
from outgate.errors import WireError
from outgate.inference.stream import Event


class StreamDecoder:
    """A dialect says what an event means (`_event`), what `[DONE]` does, and what the end of the bytes completes (`_ended`)."""

    life = KEEP_ALIVE
    """What keeps a client's connection alive, and stands for what was dropped."""

    def __init__(self, table: Rule, limit: int = sse.LIMIT) -> None:
        self._table = table
        self._parser = sse.SseParser(limit)
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._parser.feed(data))

    def end(self) -> list[Event]:
        try:
            events = self._read(self._parser.rest())
        except WireError:
            raise truncated() from None
        if self._over:
            return events
        if any(isinstance(event, Aside) and event.fault for event in events):
            raise truncated()
        return [*events, *self._ended()]

    def _event(self, reading: Reading, name: bytes) -> Event:
        raise NotImplementedError

    def _speaks(self) -> bool:
        """Whether words or calls may still come: then what cannot be read may have been some of them."""
        return True

    def _ended(self) -> list[Event]:
        """What completes an answer whose terminator is missing. Raises WireError where it is not whole."""
        raise NotImplementedError

    def _done(self) -> list[Event]:
        """`[DONE]`, which ends a stream of OpenAI's; servers that speak several APIs send it in others too."""
        return []

    def _read(self, pieces: Iterable[sse.SseEvent]) -> list[Event]:
        events: list[Event] = []
        for piece in pieces:
            if self._over:
                break
            data = piece.data
            if data[:1] != b"{" and is_done(data):
                events += self._done()
            elif data:
                events.append(self._carried(piece))
            else:
                events.append(self.life)
        return events

    def _carried(self, piece: sse.SseEvent) -> Event:
        try:
            reading = carried(piece.data, self._table)
        except WireError as error:
            if is_lost(piece.data) and self._speaks():
                raise
            return Aside(error.code, self.life.encode())
        return self._event(reading, piece.name)


def is_done(data: bytes) -> bool:
    """Whether the data of an event says that the stream ends."""
    return data.strip()[:6] == b"[DONE]"


def is_lost(data: bytes) -> bool:
    """Whether data that cannot be read was to be an object, as events of an answer are, and no sign of life."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def truncated() -> WireError:
    """What a stream is that ends before its answer is whole."""
    return WireError("truncated", "the stream ended before its answer was complete")
