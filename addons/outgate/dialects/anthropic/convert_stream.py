"""Reader of streamed messages: their events become items of a conversation's stream.

Blocks of what the provider ran itself are left out, so parts are counted anew. As in `anthropic.stream`, an event that does not
name its block is about the last one, and a server may leave out `message_stop` once it has said why the model stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from outgate.dialects.anthropic.convert_answer import explained, failure_of, finish_of, spent_of
from outgate.dialects.anthropic.convert_blocks import BlockReader
from outgate.dialects.parameters import thing, word
from outgate.dialects.translation import Lose, unheard
from outgate.inference.conversation import (
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

_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}

type Items = Sequence[StreamItem]
type Tree = Mapping[str, Any]


class _Open:
    """A part that has begun. `input` are arguments that were told at once, and stand where no pieces come."""

    __slots__ = ("at", "input")

    def __init__(self, at: int, told: str) -> None:
        self.at, self.input = at, told


class MessageReader:
    """See `dialects.translation.StreamReader`. `_open` are parts by the index of their block, `_last` the index of the last one."""

    def __init__(self, lose: Lose = unheard) -> None:
        self._lose = lose
        self._open: dict[int, _Open] = {}
        self._last, self._parts = -1, 0
        self._usage: dict[str, Any] = {}
        self._stopped = self._over = False

    def feed(self, event: str, tree: Tree | None) -> Items:
        if self._over:
            return ()
        if tree is None:  # `[DONE]`, of servers that speak several APIs
            return self.end()
        kind = word(tree, "type") or ("error" if tree.get("error") else event)
        read = self._READERS.get(kind)
        return () if read is None else read(self, tree)

    def end(self) -> Items:
        return self._stop({}) if self._stopped and not self._over else ()

    def _start(self, tree: Tree) -> Items:
        message = thing(tree, "message")
        self._count(message)
        return (Begun(word(message, "id"), word(message, "model"), usage=spent_of(message.get("usage"))),)

    def _begin(self, tree: Tree) -> Items:
        index: Any = tree.get("index")
        self._last = index if index.__class__ is int else self._last + 1
        block = thing(tree, "content_block")
        reader = BlockReader()
        parts = reader.block(block, "content_block")
        for loss in reader.losses:
            self._lose(loss.what)
        if len(parts) != 1:
            return ()
        return self._begun(parts[0])

    def _begun(self, part: Part) -> Items:
        at, self._parts = self._parts, self._parts + 1
        words = part.text if isinstance(part, Text | Thought) else ""
        self._open[self._last] = _Open(at, part.arguments if isinstance(part, Call) else "")
        said = (Piece(at, words),) if words else ()
        return (PartBegun(at, _emptied(part)), *said)

    def _delta(self, tree: Tree) -> Items:
        part = self._open.get(self._index(tree))
        if part is None:
            return ()
        delta = thing(tree, "delta")
        kind = word(delta, "type")
        if kind in _PIECES:
            return self._piece(part, word(delta, _PIECES[kind]))
        if kind == "signature_delta":
            return (Sealed(part.at, word(delta, "signature")),)
        return (Cited(part.at, thing(delta, "citation")),) if kind == "citations_delta" else ()

    def _piece(self, part: _Open, text: str) -> Items:
        if not text:
            return ()
        part.input = ""
        return (Piece(part.at, text),)

    def _end(self, tree: Tree) -> Items:
        return self._ended(self._index(tree))

    def _ended(self, index: int) -> Items:
        part = self._open.pop(index, None)
        if part is None:
            return ()
        return (*((Piece(part.at, part.input),) if part.input else ()), PartEnded(part.at))

    def _index(self, tree: Tree) -> int:
        index: Any = tree.get("index")
        return index if index.__class__ is int else self._last

    def _close(self) -> list[StreamItem]:
        return [item for index in list(self._open) for item in self._ended(index)]

    def _message(self, tree: Tree) -> Items:
        """What is told of the whole message: why it stopped, once, and the tokens so far."""
        items: list[StreamItem] = []
        delta = thing(tree, "delta")
        if delta.get("stop_reason") and not self._stopped:
            self._stopped = True
            items += [*self._close(), *self._refused(delta), Finished(finish_of(delta), word(delta, "stop_sequence"))]
        if (usage := self._count(tree)) is not None:
            items.append(Counted(usage))
        return items

    def _refused(self, delta: Tree) -> Items:
        return [item for said in explained(delta, self._lose) for item in self._said(said)]

    def _said(self, said: Refused) -> Items:
        at, self._parts = self._parts, self._parts + 1
        return (PartBegun(at, Refused("")), Piece(at, said.text), PartEnded(at))

    def _count(self, holder: Tree) -> Any:
        """Counts are cumulative; what an event leaves out, or null, stands as it was."""
        usage = thing(holder, "usage")
        self._usage.update((name, value) for name, value in usage.items() if value is not None)
        return spent_of(self._usage) if usage else None

    def _stop(self, _: Tree) -> Items:
        self._over = True
        untold = () if self._stopped else (Finished(Finish.STOP),)
        return (*self._close(), *untold, Over())

    def _failed(self, tree: Tree) -> Items:
        self._over = True
        return (failure_of(tree),)

    _READERS: ClassVar[Mapping[str, Callable[["MessageReader", Tree], Items]]] = {
        "message_start": _start,
        "content_block_start": _begin,
        "content_block_delta": _delta,
        "content_block_stop": _end,
        "message_delta": _message,
        "message_stop": _stop,
        "error": _failed,
    }


def _emptied(part: Part) -> Part:
    """A part as it begins: its words follow."""
    if isinstance(part, Call):
        return part._replace(arguments="")
    return part._replace(text="") if isinstance(part, Text | Thought) else part
