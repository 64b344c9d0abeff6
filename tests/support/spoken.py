"""The answer that a stream tells: items of a conversation's stream put together."""

from collections.abc import Iterable

import orjson

from outgate.dialects.sse import SseParser
from outgate.dialects.translation import Converter
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Begun,
    Call,
    Counted,
    Finished,
    Part,
    PartBegun,
    Piece,
    Sealed,
    StreamItem,
)
from outgate.inference.stream import Finish


def heard(converter: Converter, raw: bytes) -> Answer:
    """What a client of this dialect puts together from a stream."""
    parser, reader = SseParser(), converter.reader()
    items: list[StreamItem] = []
    for piece in [*parser.feed(raw), *parser.rest()]:
        if piece.data[:1] == b"{" or piece.data == b"[DONE]":
            items += reader.feed(piece.name.decode(), orjson.loads(piece.data) if piece.data[:1] == b"{" else None)
    return folded([*items, *reader.end()])


def folded(items: Iterable[StreamItem]) -> Answer:
    """The answer of these items."""
    begun = Begun("", "")
    parts: dict[int, Part] = {}
    usage, finish = None, Finish.OTHER
    for item in items:
        match item:
            case Begun():
                begun = item
            case PartBegun(at, part):
                parts[at] = part
            case Piece(at, text):
                parts[at] = _longer(parts[at], text)
            case Sealed(at, signature):
                parts[at] = parts[at]._replace(signature=signature)
            case Counted(spent):
                usage = spent
            case Finished(reason):
                finish = reason
    return Answer(begun.id, begun.model, (Alternative(tuple(parts.values()), finish),), usage, begun.created)


def _longer(part: Part, text: str) -> Part:
    if isinstance(part, Call):
        return part._replace(arguments=part.arguments + text)
    return part._replace(text=part.text + text)
