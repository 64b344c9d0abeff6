"""A streamed answer of a provider, event by event in the dialect of its caller."""

from collections.abc import Iterable, Sequence

from outgate.dialects.call_ids import CallIds
from outgate.dialects.conversion import BROKEN, Way, converted, named, tree_of
from outgate.dialects.events import KEEP_ALIVE, Aside
from outgate.dialects.shapes import fitting
from outgate.dialects.spec import AnswerDecoder
from outgate.dialects.sse import SseEvent
from outgate.dialects.streams import StreamDecoder, is_done, is_lost, truncated
from outgate.dialects.unsaid import Unsaid
from outgate.errors import WireError
from outgate.inference.conversation import Begun, Finished, PartBegun, StreamItem
from outgate.inference.stream import Event, Finish


class Reading:
    """Events of a provider, read one by one."""

    def __init__(self, way: Way) -> None:
        self._parser, self._shape = way.provider.frames(), way.provider.event_shape
        self._reader = way.provider.reader(way.lose)

    def feed(self, data: bytes) -> list[SseEvent]:
        return self._parser.feed(data)

    def rest(self) -> list[SseEvent]:
        return self._parser.rest()

    def read(self, piece: SseEvent) -> Sequence[StreamItem]:
        """Raises WireError for what cannot be read."""
        tree = None if is_done(piece.data) else fitting(tree_of(piece.data), self._shape)
        return converted(lambda: self._reader.feed(piece.name.decode("ascii", "replace"), tree))

    def end(self) -> Sequence[StreamItem]:
        return converted(self._reader.end)

    def _told(self, piece: SseEvent) -> Iterable[StreamItem]:
        return self.read(piece) if piece.data and (is_lost(piece.data) or is_done(piece.data)) else ()

    def whole(self, raw: bytes) -> Iterable[StreamItem]:
        """All that a stream tells."""
        for piece in self.feed(raw):
            yield from self._told(piece)
        try:
            yield from [item for piece in self.rest() for item in self._told(piece)]
        except WireError:
            raise truncated() from None
        yield from self.end()


class Writing:
    """Items of a conversation's stream, written for a caller. `speaks` says whether an alternative has begun and not finished, or
    none has begun.
    """

    def __init__(self, way: Way) -> None:
        self._writer, self._model, self._ids = way.client.writer(way.asked), way.asked.model, CallIds(way.asked)
        self._see = Unsaid(way.client.says, way.lose).item if way.client.says is not None else None
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    @property
    def speaks(self) -> bool:
        return not self._finished or not self._begun <= self._finished

    def written(self, told: Iterable[StreamItem]) -> bytes:
        return b"".join(map(self._write, told))

    def _write(self, item: StreamItem) -> bytes:
        if self._see is not None:
            self._see(item)
        if isinstance(item, Begun):
            return self._writer.write(named(item, self._model))
        if isinstance(item, PartBegun):
            self._begun.add(item.alternative)
        elif isinstance(item, Finished):
            self._finished.add(item.alternative)
            item = BROKEN if item.finish is Finish.ERROR else item
        return self._writer.write(self._ids.item(item))


class TranslatedStream:
    """A streamed answer. An event of which nothing comes is a sign of life, and so is one that is no JSON; one that may have held a
    part of the answer and cannot be read ends it.
    """

    def __init__(self, decoder: AnswerDecoder, way: Way) -> None:
        self._decoder = decoder
        self._life = decoder.life if isinstance(decoder, StreamDecoder) else KEEP_ALIVE
        self._reading, self._writing = Reading(way), Writing(way)

    def feed(self, data: bytes) -> list[Event]:
        return [event for piece in self._reading.feed(data) for event in self._read(piece)]

    def end(self) -> list[Event]:
        try:
            rest = [event for piece in self._reading.rest() for event in self._read(piece)]
        except WireError:
            raise truncated() from None
        return [*rest, *self._written(self._reading.end()), *self._decoder.end()]

    def _read(self, piece: SseEvent) -> Sequence[Event]:
        if not piece.data:
            return (self._life,)
        try:
            told = self._reading.read(piece)
        except WireError as error:
            if is_lost(piece.data) and self._writing.speaks:
                raise
            return (Aside(error.code, self._life.encode()),)
        return self._written(told) or (self._life,)

    def _written(self, told: Iterable[StreamItem]) -> list[Event]:
        raw = converted(lambda: self._writing.written(told))
        return self._decoder.feed(raw) if raw else []
