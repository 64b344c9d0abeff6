"""Decoder of streamed responses: when one is complete, which pieces of text continue each other, and which texts are repeated.

Every text is streamed in pieces (`*.delta`) and then told again, whole: by its `*.done` event, by the item that it is part of, and
by the response that ends the stream. A piece continues the text of its event's kind, output item and part, until the `*.done`
event, its item or the response ends it; every other string comes whole, in one event, and must not be torn. The stream ends with
`response.completed`, `.incomplete` or `.failed` or an `error` event, and with nothing else; what follows is not passed on. Events
that nobody knows are carried.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from outgate.dialects import sse
from outgate.dialects.answers import detailed_usage
from outgate.dialects.events import NOTHING, Frame, JsonEvent, Path, Reported, part_of
from outgate.dialects.reading import Reading, read_tree
from outgate.dialects.responses.answers import ECHOES, EVENT, SAID_TYPES
from outgate.dialects.responses.tables import FINISHES
from outgate.dialects.streams import StreamDecoder, truncated
from outgate.inference.prompt import Channel, Leaf
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_ITEMS = frozenset({"response.output_item.added", "response.output_item.done"})
_INDEXES = ("content_index", "summary_index", "command_index")
_DELTA, _DONE = ".delta", ".done"


def usage_of(usage: Any) -> Usage | None:
    """A `usage` object; cached and reasoning tokens are within the totals already."""
    return detailed_usage(usage, "input_tokens", "output_tokens")


def reported(tree: Mapping[str, Any]) -> Reported:
    """What a whole response says of itself."""
    output = tree.get("output")
    calls = any(map(is_call, output)) if isinstance(output, list) else False
    return Reported(usage_of(tree.get("usage")), finish_of(tree, calls=calls), calls)


def is_call(item: Any) -> bool:
    """Whether an item of the output is a call of a tool, or may be one: every item is, of which it is not known that it is text."""
    return not isinstance(item, dict) or item.get("type") not in SAID_TYPES


def finish_of(tree: Mapping[str, Any], *, calls: bool) -> Finish | None:
    """How a response ended; None where it does not say. `calls` says whether it holds a tool call. One that is incomplete, and does
    not say why, was cut.
    """
    status, details = tree.get("status"), tree.get("incomplete_details")
    if status == "failed" or (tree.get("error") and status != "completed"):
        return Finish.ERROR
    if status == "completed":
        return Finish.TOOL_CALLS if calls else Finish.STOP
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, dict) else None
        return Finish.LENGTH if reason is None else FINISHES.get(str(reason), Finish.OTHER)
    return None if status is None else Finish.OTHER


def _continued(path: Path, text: Text, piece: str) -> JsonEvent:
    """A delta with this piece and no other text, for none was judged. Raises TypeError for a string that comes whole."""
    root, first = path[0]
    kind = root.get("type")
    if not isinstance(kind, str) or not kind.endswith(_DELTA) or (first != "delta" and len(path) == 1):
        raise TypeError("this text is complete in its event, nothing of it is held back")
    node: Any = piece
    for container, key in reversed(path[1:]):
        node = {**_numbers(container), key: node} if key.__class__ is str else [node]
    kept = {name: root[name] for name in EVENT.fixed if root.get(name).__class__ is str and name != "obfuscation"}
    lists: dict[str, Any] = {name: [] for name, value in root.items() if value.__class__ is list}
    reading = read_tree({**kept, **_numbers(root), **lists, "delta": "", first: node}, EVENT)
    leaf = next(leaf for leaf in reading.leaves if leaf.text == piece)
    return JsonEvent(reading.document, (text._replace(text=piece, place=(leaf.box, leaf.key)),), frame_of(kind))


def _numbers(container: Mapping[str, Any]) -> dict[str, Any]:
    """Of an object with a piece of text, what is no text, in the shape that SDKs read."""
    kept = {name: value for name, value in container.items() if value.__class__ is int or value.__class__ is float}
    return {**kept, "token": ""} if "token" in container else kept


def frame_of(kind: str) -> Frame:
    """What stands around the JSON of an event; no name that would end its line."""
    named = f"event: {kind}\n" if kind and kind.isprintable() else ""
    return _FRAMES.get(kind) or Frame(f"{named}data: ".encode(), b"\n\n", _continued)


_FRAMES = {
    kind: Frame(f"event: {kind}\ndata: ".encode(), b"\n\n", _continued)
    for kind in ("response.output_text.delta", "response.function_call_arguments.delta", "response.reasoning_summary_text.delta")
}


class ResponsesStream(StreamDecoder):
    """Decoder of one streamed response."""

    def __init__(self, limit: int = sse.LIMIT) -> None:
        super().__init__(EVENT, limit)
        self._open: dict[Any, set[Hashable]] = {}
        self._said: set[Any] = set()
        self._calls = False

    def _ended(self) -> list[Event]:
        raise truncated()

    def _event(self, reading: Reading, name: bytes) -> JsonEvent:
        document, tree = reading.document, reading.document.tree
        kind, output = _kind(tree, name), output_of(tree)
        piece = kind.endswith(_DELTA)
        texts = [
            _piece(reading, leaf, kind, output) if piece and (leaf.key == "delta" or leaf.box) else self._whole(reading, leaf, kind)
            for leaf in reading.leaves
        ]
        last = kind in _ENDS
        self._over = last
        closes = self._closes(tree, texts, kind, output)
        if any(text.channel not in ECHOES for text in texts):
            self._said.add(output)
        return JsonEvent(document, texts, frame_of(kind), closes=closes, reported=self._reported(tree, kind), last=last)

    def _whole(self, reading: Reading, leaf: Leaf, kind: str) -> Text:
        """A text that stands in its event as a whole."""
        box, key, said, channel, _ = leaf
        output, index = output_of(reading.document.tree), _index(reading.document.tree)
        repeated = channel in ECHOES or (output in self._said if output is not None else bool(self._said))
        escaped = key == "arguments" and channel is Channel.TOOL_ARGUMENTS
        return Text((kind, output, index, box, key), said, channel, (box, key), repeated, escaped)

    def _closes(self, tree: Mapping[str, Any], texts: Sequence[Text], kind: str, output: Any) -> tuple[Hashable, ...]:
        at_once: list[Hashable] = []
        for text in texts:
            part: tuple[Any, ...] = text.part  # type: ignore[assignment]
            if part[0] == kind:
                at_once.append(part)
            else:
                self._open.setdefault(output, set()).add(part)
        if kind == "response.output_item.done":
            at_once.extend(self._open.pop(output, ()))
        elif kind.endswith(_DONE):
            ended = self._open.get(output, set())
            stem, index = kind.removesuffix(_DONE), _index(tree)
            done = [part for part in ended if part[:3] == (stem, output, index)]  # type: ignore[index]
            ended.difference_update(done)
            at_once.extend(done)
        elif self._over:
            at_once.extend(part for parts in self._open.values() for part in parts)
            self._open.clear()
        return tuple(at_once)

    def _reported(self, tree: Mapping[str, Any], kind: str) -> Reported:
        if kind == "error":
            return Reported(finish=Finish.ERROR)
        if kind in _ITEMS:
            self._calls |= (calls := is_call(tree.get("item")))
            return Reported(calls_tool=calls) if calls else NOTHING
        response = tree.get("response") if kind.startswith("response.") else None
        if not self._over or not isinstance(response, dict):
            return Reported(finish=Finish.ERROR) if self._over else NOTHING
        usage, finish, calls = reported(response)
        if finish is Finish.STOP and self._calls:
            finish = Finish.TOOL_CALLS
        return Reported(usage, Finish.ERROR if kind == "response.failed" else finish or Finish.OTHER, calls or self._calls)


def _kind(tree: Mapping[str, Any], name: bytes) -> str:
    """What kind of event this is: its type; one without it is an error, where it says so, or nothing that anybody knows."""
    kind = tree.get("type")
    if isinstance(kind, str):
        return kind
    return "error" if tree.get("error") or name == b"error" else ""


def output_of(tree: Mapping[str, Any]) -> int | None:
    """The place of the item that an event is about."""
    output = tree.get("output_index")
    return output if output.__class__ is int else None


def _index(tree: Mapping[str, Any]) -> Any:
    """Which part of its item an event is about."""
    found = next((tree[name] for name in _INDEXES if name in tree), None)
    return found if found.__class__ is int else None


def _piece(reading: Reading, leaf: Leaf, kind: str, output: Any) -> Text:
    """A piece of the text that is told by the kind of its event, its item, the part of that, and its place in the event."""
    stem = kind.removesuffix(_DELTA)
    part = (stem, output, _index(reading.document.tree), *part_of(reading.document, leaf))
    return Text(part, leaf.text, leaf.channel, (leaf.box, leaf.key), escaped=stem.endswith("call_arguments"))
