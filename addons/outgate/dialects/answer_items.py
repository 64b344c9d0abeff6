"""Tell a whole answer as the items of a stream, and gather one from them: for servers that send the form that was not asked for."""

from collections.abc import Iterable, Iterator

from outgate.inference.conversation import (
    Alternative,
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
from outgate.inference.stream import Finish


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


def answer_of(told: Iterable[StreamItem]) -> Answer:
    """The answer that a stream told."""
    answer = Answer("", "", ())
    parts: dict[int, dict[int, Part]] = {}
    ends: dict[int, Finished] = {}
    for item in told:
        if isinstance(item, Begun):
            answer = answer._replace(id=item.id, model=item.model, created=item.created, usage=item.usage or answer.usage)
        elif isinstance(item, Counted):
            answer = answer._replace(usage=item.usage)
        elif isinstance(item, Finished):
            ends[item.alternative] = item
        elif isinstance(item, PartBegun | Piece | Sealed | Cited):
            own = parts.setdefault(item.alternative, {})
            own[item.at] = item.part if isinstance(item, PartBegun) else _more(own[item.at], item)
    return answer._replace(alternatives=tuple(_alternative(parts.get(at, {}), ends.get(at)) for at in sorted({*parts, *ends})))


def _alternative(parts: dict[int, Part], end: Finished | None) -> Alternative:
    ended = end or Finished(Finish.OTHER)
    return Alternative(tuple(parts[at] for at in sorted(parts)), ended.finish, ended.stopped_by)


def _more(part: Part, item: Piece | Sealed | Cited) -> Part:
    """A part with what an item adds to it."""
    if isinstance(item, Piece):
        if isinstance(part, Call):
            return part._replace(arguments=part.arguments + item.text)
        return part._replace(text=part.text + item.text) if isinstance(part, Text | Thought | Refused) else part
    if isinstance(item, Sealed):
        return part._replace(signature=item.signature) if isinstance(part, Thought) else part
    return part._replace(citations=(*part.citations, item.citation)) if isinstance(part, Text) else part
