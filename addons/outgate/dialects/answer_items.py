"""Tell a whole answer as the items of a stream: for a server that was asked for a stream and sends one JSON body."""

from collections.abc import Iterator

from outgate.inference.conversation import (
    Answer,
    Begun,
    Call,
    Cited,
    Counted,
    Finished,
    Over,
    Part,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Sealed,
    StreamItem,
    Text,
    Thought,
)


def items(answer: Answer) -> Iterator[StreamItem]:
    """In the order in which a stream would have told them."""
    yield Begun(answer.id, answer.model, answer.created)
    for number, one in enumerate(answer.alternatives):
        for at, part in enumerate(one.parts):
            yield from _part(at, part, number)
        yield Finished(one.finish, one.stopped_by, number)
    if answer.usage is not None:
        yield Counted(answer.usage)
    yield Over()


def _part(at: int, part: Part, number: int) -> Iterator[StreamItem]:
    match part:
        case Call():
            yield PartBegun(at, part._replace(arguments=""), number)
            yield Piece(at, part.arguments, number)
        case Text():
            yield PartBegun(at, part._replace(text="", citations=()), number)
            yield Piece(at, part.text, number)
            yield from (Cited(at, citation, number) for citation in part.citations)
        case Thought():
            yield PartBegun(at, part._replace(text="", signature=""), number)
            yield Piece(at, part.text, number)
            if part.signature:
                yield Sealed(at, part.signature, number)
        case Refused():
            yield PartBegun(at, Refused(""), number)
            yield Piece(at, part.text, number)
        case _:
            yield PartBegun(at, part, number)
    yield PartEnded(at, number)
