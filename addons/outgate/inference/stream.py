"""Answers as streams of events; a whole answer is a stream of one."""

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from outgate.inference.prompt import Channel
from outgate.inference.usage import Usage


class Finish(StrEnum):
    """Why a model stopped (OpenTelemetry `gen_ai.response.finish_reasons`); only `stop` is an answer that is whole.

    Of several choices in one event the one that counts is the one that ended worst. A reason that nobody knows is `other`.
    """

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"
    ERROR = "error"


class Text(NamedTuple):
    """A piece of text inside an event.

    `part` identifies the text it continues (choice index and channel, content block index ...): pieces of one part, in order,
    make one text. It is a way: its last member is the name of the text, and of one of several choices `"choices"` and a number come
    first. `place` is how the dialect finds it again in the event. `repeated` marks a text that was told before in the
    same answer: it is not counted again, but judged all the same, since only the provider says that it is the same. `escaped`
    marks a piece of JSON, the arguments of a tool call, in which quotes and the like are escaped.
    """

    part: Hashable
    text: str
    channel: Channel
    place: Any = None
    repeated: bool = False
    escaped: bool = False


class Event(Protocol):
    """One event of an answer, immutable, compared by identity.

    `texts` every judged piece of text in it; `closes` the parts that end with it (their held-back text must go out before);
    `whole` is true when every text is complete (a JSON answer); `usage` what it reports; `finish` why the model stopped, where the
    event says so; `calls_tool` whether it holds a tool call or a piece of one; `last` marks the dialect's terminator; `hidden`
    marks an event the caller did not ask for: it is metered and not sent.
    """

    @property
    def texts(self) -> Sequence[Text]: ...
    @property
    def closes(self) -> Sequence[Hashable]: ...
    @property
    def whole(self) -> bool: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def finish(self) -> Finish | None: ...
    @property
    def calls_tool(self) -> bool: ...
    @property
    def last(self) -> bool: ...
    @property
    def hidden(self) -> bool: ...

    def replace(self, changes: Mapping[int, str]) -> "Event":
        """The event with these texts (index into `texts`) changed; itself, when nothing differs."""
        ...

    def only(self, index: int, text: str) -> "Event":
        """A continuation event of the same shape that carries just this text for that part: how held-back text is released."""
        ...

    def encode(self) -> bytes: ...


class EventStream:
    """The fact `r.stream`: where the events of an answer come from. Compared by identity.

    `source` yields the events that are ready together as one list, so that they leave together.
    """

    __slots__ = ("source",)

    def __init__(self, source: AsyncIterator[Sequence[Event]]) -> None:
        self.source = source

    @classmethod
    def of(cls, events: Sequence[Event]) -> "EventStream":
        """A stream of events that are all there."""
        return cls(_Ready(events))

    async def aclose(self) -> None:
        """Stop reading: the provider's connection is released, or broken off where more would have come."""
        close = getattr(self.source, "aclose", None)
        if close is not None:
            await close()


class _Ready:
    """One batch."""

    __slots__ = ("_batches",)

    def __init__(self, events: Sequence[Event]) -> None:
        self._batches = [events]

    def __aiter__(self) -> AsyncIterator[Sequence[Event]]:
        return self

    async def __anext__(self) -> Sequence[Event]:
        if not self._batches:
            raise StopAsyncIteration
        return self._batches.pop()

    async def aclose(self) -> None:
        self._batches.clear()
