"""Writer of streamed messages: items of a conversation's stream become events, block by block.

A block ends before the next one begins, as this API has it: what comes for a later part waits. A part without words is left out.
The end is told when the stream is over, with all that was counted; a stream that breaks off before has none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from outgate.dialects.anthropic.convert_answer import citations_of, counts, ending, has_block, head, write_failure
from outgate.dialects.anthropic.convert_blocks import NAME
from outgate.dialects.anthropic.convert_turns import call_block, thought_block
from outgate.dialects.ending import named
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Counted,
    Failure,
    Finished,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Sealed,
    Spent,
    StreamItem,
    Text,
    Thought,
)
from outgate.inference.stream import Finish

type Tree = dict[str, Any]
type PartItem = PartBegun | Piece | Sealed | Cited | PartEnded
type Told = Iterable[Tree]

_PIECES: Mapping[type, tuple[str, str]] = {
    Text: ("text_delta", "text"),
    Refused: ("text_delta", "text"),
    Thought: ("thinking_delta", "thinking"),
    Call: ("input_json_delta", "partial_json"),
}


class MessageWriter:
    """See `dialects.translation.StreamWriter`. `_part` is what the open block is made of, `_waiting` are items of later parts."""

    def __init__(self) -> None:
        self._part: PartBegun | None = None
        self._shown = False
        self._index = 0
        self._waiting: list[PartItem] = []
        self._finish: Finished | None = None
        self._refused: list[str] = []
        self._spent = Spent()

    def write(self, item: StreamItem) -> bytes:
        return b"".join(map(named, self._told(item)))

    def _told(self, item: StreamItem) -> Told:
        if isinstance(item, Begun):
            return self._begin(item)
        if isinstance(item, Counted):
            self._spent = item.usage
        elif isinstance(item, Finished):
            return self._finished(item)
        elif isinstance(item, Over):
            return self._over()
        elif isinstance(item, Failure):
            return (write_failure(item),)
        elif item.alternative == 0:
            return self._of_part(item)
        return ()

    def _begin(self, item: Begun) -> Told:
        self._spent = item.usage or self._spent
        start = {
            **head(item.id, item.model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": counts(self._spent),
        }
        return ({"type": "message_start", "message": start},)

    def _of_part(self, item: PartItem) -> Told:
        if self._part is not None and self._part.at != item.at:
            self._waiting.append(item)
            return ()
        return self._WRITERS[type(item)](self, item)

    def _part_begun(self, item: PartBegun) -> Told:
        self._part, self._shown = item, False
        part = item.part
        if isinstance(part, Call):
            yield from self._show()
        elif isinstance(part, Thought):
            yield from self._show() if part.sealed and has_block(part) else ()
        if isinstance(part, Text | Refused | Thought) and part.text:
            yield from self._piece(Piece(item.at, part.text))

    def _show(self) -> Told:
        """The begin of the block, unless it was told."""
        if not self._shown:
            self._shown = True
            yield {"type": "content_block_start", "index": self._index, "content_block": self._block()}

    def _block(self) -> Tree:
        assert self._part is not None
        part = self._part.part
        if isinstance(part, Call):
            return call_block(part._replace(arguments="", custom=False), part.id)
        if isinstance(part, Thought):
            return thought_block(part._replace(text="", signature=""))
        return {"type": "text", "text": ""}

    def _piece(self, item: Piece) -> Told:
        if item.text and self._part is not None:
            yield from self._show()
            yield self._delta(_PIECES[type(self._part.part)], item.text)
            if isinstance(self._part.part, Refused):
                self._refused.append(item.text)

    def _delta(self, said: tuple[str, str], value: Any) -> Tree:
        return {"type": "content_block_delta", "index": self._index, "delta": {"type": said[0], said[1]: value}}

    def _sealed(self, item: Sealed) -> Told:
        part = self._part.part if self._part is not None else None
        if isinstance(part, Thought) and part.provider == NAME:
            yield from self._show()
            yield self._delta(("signature_delta", "signature"), item.signature)

    def _cited(self, item: Cited) -> Told:
        if self._part is not None and isinstance(self._part.part, Text):
            for citation in citations_of((item.citation,)):
                yield from self._show()
                yield self._delta(("citations_delta", "citation"), citation)

    def _part_ended(self, _: PartEnded) -> Told:
        yield from self._close()
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            yield from self._of_part(item)

    def _close(self) -> Told:
        if self._part is None:
            return
        part = self._part.part
        if isinstance(part, Thought) and part.signature and part.provider == NAME:
            yield from self._sealed(Sealed(self._part.at, part.signature))
        if self._shown:
            yield {"type": "content_block_stop", "index": self._index}
            self._index += 1
        self._part = None

    def _finished(self, item: Finished) -> Told:
        if item.alternative == 0:
            self._finish = item
            while self._part is not None or self._waiting:
                yield from self._part_ended(PartEnded(0))

    def _over(self) -> Told:
        finish = self._finish or Finished(Finish.OTHER)
        delta = ending(finish.finish, finish.stopped_by, self._refused)
        return ({"type": "message_delta", "delta": delta, "usage": counts(self._spent)}, {"type": "message_stop"})

    _WRITERS: ClassVar[Mapping[type, Callable[["MessageWriter", Any], Told]]] = {
        PartBegun: _part_begun,
        Piece: _piece,
        Sealed: _sealed,
        Cited: _cited,
        PartEnded: _part_ended,
    }
