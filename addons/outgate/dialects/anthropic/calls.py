"""Tool calls in messages: one block each, whole at its `content_block_stop`; a block of text takes the place of one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from outgate.dialects.answers import WholeAnswer
from outgate.dialects.anthropic.stream import AnthropicStream, is_call, reported
from outgate.dialects.anthropic.tables import MESSAGE
from outgate.dialects.calls import HeldCalls, Variants, words_for
from outgate.dialects.events import JsonEvent
from outgate.inference.calls import CallKind, Decide
from outgate.inference.stream import Event

_RESULT = "_tool_result"
_ENVELOPE = ("type", "id", "name", "input", "server_name", "caller", "cache_control")
_NOT_GIVEN = "[The result of a call that policy withheld.]"


class _Block:
    """A content block that is or may be a call, while it is told; `words` take its place."""

    def __init__(self, block: Any, index: int = 0, first: Event | None = None) -> None:
        self.block: Mapping[str, Any] = block if isinstance(block, dict) else {}
        self.index, self.first = index, first
        self.told = told_by(block)
        self.words: str | None = None


class MessageCalls(HeldCalls):
    """See `dialects.calls.CallReader`. `_open` are blocks that are held, by index."""

    def __init__(self, decide: Decide) -> None:
        super().__init__(decide, WholeAnswer(MESSAGE, reported), AnthropicStream())
        self._open: dict[int, _Block] = {}
        self._at = -1
        self._refused: set[Any] = set()
        self._taken = self._kept = False

    def _concerns(self, event: JsonEvent) -> bool:
        return event.calls_tool or event.finish is not None or event.tree.get("type") == "message_start"

    def _read(self, event: JsonEvent, tree: dict[str, Any]) -> Any:
        kind = _kind(tree)
        if kind == "content_block_start":
            self._at = index = _index(tree, self._at + 1)
            return self._begun(event, index, tree.get("content_block")) or tree
        index = _index(tree, self._at)
        if kind == "content_block_delta":
            return self._piece(event, index, tree.get("delta")) or tree
        if kind == "content_block_stop" and index in self._open:
            block = self._open.pop(index)
            self._settle(block)
            return block
        return tree

    def _begun(self, event: Event, index: int, block: Any) -> _Block | None:
        if index in self._open:
            self._settle(self._open.pop(index))
        if not is_call(block):
            return None
        self._open[index] = _Block(block, index, event)
        return self._open[index]

    def _piece(self, event: Event, index: int, delta: Any) -> _Block | None:
        known = self._open.get(index)
        if isinstance(delta, dict) and "partial_json" in delta:
            if known is None:  # of a block that is none: clients differ in what they make of it
                known = self._open[index] = _Block({"type": "tool_use"}, index, event)
            known.told.piece(delta["partial_json"])
        return known

    def _settle(self, block: _Block) -> None:
        if _is_result(block.block):
            block.words = _NOT_GIVEN if block.block.get("tool_use_id") in self._refused else None
            return
        if block.told.told == ["{}"] and any(block.told.pieces):
            block.told.told.clear()  # what every streamed call begins with
        block.words = words_for(self._decide, block.told)
        self._note(block.block, taken=block.words is not None)

    def _note(self, block: Mapping[str, Any], *, taken: bool) -> None:
        if taken and isinstance(block.get("id"), str):
            self._refused.add(block["id"])
        if block.get("type") == "tool_use":
            self._taken, self._kept = self._taken or taken, self._kept or not taken

    def _waits(self) -> bool:
        return bool(self._open)

    def _finish(self) -> None:
        for block in self._open.values():
            self._settle(block)
        self._open.clear()

    def _written(self, came: Event, event: Event, about: Any) -> Iterable[Event]:
        if isinstance(about, _Block):
            return (event,) if about.words is None else self._stand_in(came, about)
        if isinstance(about, dict) and self._rewritten(about):
            return self._events(event, about)
        return (event,)

    def _stand_in(self, event: Event, block: _Block) -> Iterator[Event]:
        """A block of text, all of it in the place of the block's first event."""
        if event is block.first:
            at = {"index": block.index}
            yield from self._events(
                event,
                {"type": "content_block_start", **at, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", **at, "delta": {"type": "text_delta", "text": block.words}},
                {"type": "content_block_stop", **at},
            )

    def _rewritten(self, tree: dict[str, Any]) -> bool:
        changed = False
        for holder in (tree, tree.get("message")):
            content = holder.get("content") if isinstance(holder, dict) else None
            for at, block in enumerate(content if isinstance(content, list) else ()):
                words = self._words_of(block)
                if words is not None:
                    content[at], changed = {"type": "text", "text": words}, True  # type: ignore[index]
        for holder in (tree, tree.get("message"), tree.get("delta")):
            if isinstance(holder, dict) and holder.get("stop_reason") == "tool_use" and self._taken and not self._kept:
                holder["stop_reason"], changed = "end_turn", True
        return changed

    def _words_of(self, block: Any) -> str | None:
        if not is_call(block):
            return None
        told = _Block(block)
        self._settle(told)
        return told.words


def told_by(block: Any) -> Variants:
    """A block as a call. One of a kind that nobody knows is a call by the name of its kind."""
    if not isinstance(block, dict):
        return _faulty()
    kind = block.get("type")
    if kind == "tool_use":
        told = Variants()
        told.named(block.get("name"))
    elif kind == "mcp_tool_use":
        told = Variants(CallKind.MCP)
        told.named(block.get("name"), within=block.get("server_name", ""))
    else:
        told = Variants(CallKind.HOSTED)
        told.named(block.get("name") if kind == "server_tool_use" else kind)
    rest = {name: value for name, value in block.items() if name not in _ENVELOPE}
    given = block.get("input")
    told.whole(given if "input" in block else rest)
    if given is not None and not isinstance(given, dict):
        told.fault = "arguments"
    return told


def _faulty() -> Variants:
    told = Variants()
    told.fault = "call"
    return told


def _is_result(block: Mapping[str, Any]) -> bool:
    return str(block.get("type")).endswith(_RESULT)


def _kind(tree: Mapping[str, Any]) -> Any:
    """The type of an event, or what it looks like: a name on the wire is as good to some clients."""
    kind = tree.get("type")
    if isinstance(kind, str):
        return kind
    return "content_block_start" if "content_block" in tree else "content_block_delta" if "delta" in tree else "content_block_stop"


def _index(tree: Mapping[str, Any], otherwise: int) -> int:
    index: Any = tree.get("index")
    return index if index.__class__ is int else max(0, otherwise)
