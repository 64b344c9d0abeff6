"""Decoder of streamed Anthropic messages: when one is complete, and which pieces of text continue each other.

Text, thinking and tool arguments (`partial_json`) continue until their block's `content_block_stop`; every other string comes
whole, in one event, and must not be torn. The stream ends with `message_stop` or an `error` event; where a server
leaves `message_stop` out after it has said why the model stopped, the gateway writes it. Events that nobody knows are carried.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from outgate.dialects import sse
from outgate.dialects.answers import tokens
from outgate.dialects.anthropic.tables import EVENT, FINISHES
from outgate.dialects.events import Frame, JsonEvent, Path, RawEvent, Reported
from outgate.dialects.json_body import JsonDocument
from outgate.dialects.reading import Reading, read_tree
from outgate.dialects.streams import StreamDecoder, truncated
from outgate.inference.prompt import Leaf
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage

_DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}
_BLOCKS = frozenset({"content_block_start", "content_block_delta", "content_block_stop"})
_PIECES = frozenset({"content_block", "delta"})
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_SAID = ("text", "thinking", "redacted_thinking")
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def usage_of(usage: Any) -> Usage | None:
    """A `usage` object. Its `input_tokens` leave cached ones out; ours include what was read from and written to the cache."""
    if not isinstance(usage, dict):
        return None
    plain, out, written, cached = (tokens(usage.get(name)) for name in _COUNTS)
    details = usage.get("output_tokens_details")
    return Usage(
        input_tokens=None if plain is None else plain + (written or 0) + (cached or 0),
        output_tokens=out,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=tokens(details.get("thinking_tokens")) if isinstance(details, dict) else None,
    )


def cached_usage(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """A `usage` object of an answer from a cache: all of its input was read from there, and nothing written."""
    plain, _, written, cached = (tokens(usage.get(name)) for name in _COUNTS)
    if plain is None and written is None and cached is None:
        return usage
    none: dict[str, Any] = {name: 0 for name in ("input_tokens", "cache_creation_input_tokens") if usage.get(name)}
    if isinstance(usage.get("cache_creation"), dict):
        none["cache_creation"] = dict.fromkeys(usage["cache_creation"], 0)
    return {**usage, **none, "cache_read_input_tokens": (plain or 0) + (written or 0) + (cached or 0)}


def reported(tree: Mapping[str, Any]) -> Reported:
    """What a whole message says of itself."""
    content = tree.get("content")
    calls = any(map(is_call, content)) if isinstance(content, list) else False
    finish = Finish.ERROR if tree.get("error") else _finish(tree)
    return Reported(usage_of(tree.get("usage")), finish, calls)


def _finish(holder: Any) -> Finish | None:
    reason = holder.get("stop_reason") if isinstance(holder, dict) else None
    if not reason:
        return None
    return FINISHES.get(reason, Finish.OTHER) if isinstance(reason, str) else Finish.OTHER


def is_call(block: Any) -> bool:
    """Whether a content block is a call of a tool, or may be one: every block is, of which it is not known that it is text."""
    return not isinstance(block, dict) or block.get("type") not in _SAID


def _continued(path: Path, text: Text, piece: str) -> JsonEvent:
    """A delta of the same block with this piece alone. Raises TypeError for a string that comes whole."""
    _, key = path[-1]
    index: Any = text.part[0]  # type: ignore[index]
    if key not in _DELTAS or index.__class__ is not int:
        raise TypeError("this text is complete in its event, nothing of it is held back")
    delta = {"type": _DELTAS[key], key: piece}
    reading = read_tree({"type": "content_block_delta", "index": index, "delta": delta}, EVENT)
    leaf = reading.leaves[0]
    return JsonEvent(reading.document, (text._replace(text=piece, place=(leaf.box, leaf.key)),), _frame("content_block_delta"))


def _frame(name: str) -> Frame:
    named = b"event: " + name.encode() + b"\n" if name and name.isprintable() else b""
    return Frame(named + b"data: ", b"\n\n", _continued)


_FRAMES = {
    name: _frame(name)
    for name in (
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
        "ping", "error",
    )
}  # fmt: skip


class AnthropicStream(StreamDecoder):
    """Decoder of one streamed message."""

    def __init__(self, limit: int = sse.LIMIT) -> None:
        super().__init__(EVENT, limit)
        self._open: dict[int, set[Hashable]] = {}
        self._counts: dict[str, Any] = {}
        self._at = -1
        self._stopped = False

    def _ended(self) -> list[Event]:
        if not self._stopped:
            raise truncated()
        self._over = True
        return [RawEvent(STOP, last=True, closes=self._close_all())]

    def _done(self) -> list[Event]:
        return self._ended() if self._stopped else []

    def _event(self, reading: Reading, name: bytes) -> JsonEvent:
        document, tree = reading.document, reading.document.tree
        kind = _kind(tree, name)
        index = self._index(tree, kind)
        texts = [
            Text(_part(document, leaf, index), leaf.text, leaf.channel, (leaf.box, leaf.key), escaped=leaf.key == "partial_json")
            for leaf in reading.leaves
        ]
        last = kind in {"message_stop", "error"}
        self._over = last
        closes = self._closes(texts, index, kind == "content_block_stop", every=last)
        finish = Finish.ERROR if kind == "error" else _finish(tree.get("delta")) if kind == "message_delta" else None
        self._stopped = self._stopped or finish is not None
        calls = kind == "content_block_start" and is_call(tree.get("content_block"))
        reported = Reported(self._usage(tree), finish, calls)
        return JsonEvent(document, texts, _FRAMES.get(kind) or _frame(kind), closes=closes, reported=reported, last=last)

    def _index(self, tree: Mapping[str, Any], kind: str) -> int | None:
        """The block that an event is about; one that does not say so is about the block that was begun last."""
        if kind not in _BLOCKS:
            return None
        index: Any = tree.get("index")
        if index.__class__ is not int:
            index = self._at + 1 if kind == "content_block_start" else max(0, self._at)
        if kind == "content_block_start":
            self._at = index
        return int(index)

    def _closes(self, texts: list[Text], index: Any, stop: bool, *, every: bool) -> tuple[Hashable, ...]:  # noqa: FBT001
        at_once: list[Hashable] = []
        for text in texts:
            if text.part[-1] in _DELTAS and text.part[0].__class__ is int:  # type: ignore[index]
                self._open.setdefault(index, set()).add(text.part)
            else:
                at_once.append(text.part)
        if stop:
            at_once.extend(self._open.pop(index, ()))
        if every:
            at_once.extend(self._close_all())
        return tuple(at_once)

    def _close_all(self) -> tuple[Hashable, ...]:
        parts = tuple(part for parts in self._open.values() for part in parts)
        self._open.clear()
        return parts

    def _usage(self, tree: Mapping[str, Any]) -> Usage | None:
        """Counts are cumulative; what an event leaves out, or null, stands as it was reported before."""
        holder = tree.get("message") if tree.get("type") == "message_start" else tree
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if not isinstance(usage, dict):
            return None
        self._counts.update((name, value) for name, value in usage.items() if value is not None)
        return usage_of(self._counts)


def _kind(tree: Mapping[str, Any], name: bytes) -> str:
    """What kind of event this is: its type, else its name on the wire; an error under any name is one."""
    kind = tree.get("type")
    if not isinstance(kind, str):
        kind = "error" if tree.get("error") else name.decode("ascii", "ignore")
    return kind


def _part(document: JsonDocument, leaf: Leaf, index: int | None) -> tuple[Any, ...]:
    _, parent, at, _ = document.boxes[leaf.box]
    if index is not None and leaf.key in _DELTAS and parent == 0 and at in _PIECES:
        return (index, leaf.key)
    return ("other", index, leaf.box, leaf.key)
