"""Conversations and streams through the converter of the Responses API."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from outgate.dialects.responses.convert import CONVERTER
from outgate.dialects.sse import SseParser
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Begun,
    Call,
    Conversation,
    Counted,
    Finished,
    Over,
    Part,
    PartBegun,
    PartEnded,
    Piece,
    Sealed,
    Spent,
    StreamItem,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

SPENT = Spent(input=9, output=5, cached=4, reasoning=2)


def asked(**members) -> Conversation:
    """The conversation of a streamed request with these members."""
    return CONVERTER.read_request("", {"model": "m", "input": "hi", "stream": True, **members})[0]


def lost(**members) -> list[tuple[str, str]]:
    """What is lost with these members of a streamed request."""
    return [tuple(loss) for loss in CONVERTER.read_request("", {"model": "m", "input": "hi", "stream": True, **members})[1]]


def items_of(events: Iterable[bytes]) -> list[StreamItem]:
    """What the reader makes of SSE events."""
    parser, reader = SseParser(), CONVERTER.reader()
    pieces = [piece for event in events for piece in parser.feed(event)]
    return [item for piece in pieces for item in reader.feed(piece.name.decode(), orjson.loads(piece.data))]


def streamed(items: Iterable[StreamItem], conversation: Conversation | None = None) -> bytes:
    """What the writer makes of them."""
    writer = CONVERTER.writer(conversation or asked())
    return b"".join(map(writer.write, items))


def told(parts: Sequence[Part], finish: Finish = Finish.STOP, size: int = 3, usage: Spent | None = SPENT) -> list[StreamItem]:
    """The stream of an answer with these parts, each in pieces of `size`."""
    items: list[StreamItem] = [Begun("resp_1", "m", 7)]
    for at, part in enumerate(parts):
        text = part.arguments if isinstance(part, Call) else part.text
        items.append(PartBegun(at, _empty(part)))
        items += [Piece(at, text[start : start + size]) for start in range(0, len(text), size)]
        if isinstance(part, Thought) and part.signature:
            items.append(Sealed(at, part.signature))
        items.append(PartEnded(at))
    counted = [Counted(usage)] if usage else []
    return [*items, *counted, Finished(finish), Over()]


def _empty(part: Part) -> Part:
    if isinstance(part, Call):
        return part._replace(arguments="")
    return part._replace(text="", signature="") if isinstance(part, Thought) else type(part)("")


def written(told: Answer, conversation: Conversation | None = None) -> Mapping[str, Any]:
    """What the writer makes of a whole answer."""
    return CONVERTER.write_answer(told, conversation or asked())


def answer(*parts: Part, finish: Finish = Finish.STOP) -> Answer:
    """A whole answer."""
    return Answer("resp_1", "m", (Alternative(parts or (Text("hello"),), finish),), SPENT, 7)
