"""Decoder of streamed OpenAI completions: when one is complete, and which pieces of text continue each other.

A text ends with its choice's `finish_reason`, and an empty one is none. The stream ends with `[DONE]`; some compatible servers
leave it out, so a clean end after every choice that began has finished counts as one, and the gateway writes the missing `[DONE]`.
Anything else is truncated.
An error event ends the stream too. What follows the end is not passed on.
"""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

from outgate.dialects import sse
from outgate.dialects.answers import detailed_usage, worst
from outgate.dialects.events import NOTHING, NUMBERED, Frame, JsonEvent, Path, RawEvent, Reported, part_of
from outgate.dialects.json_body import JsonDocument
from outgate.dialects.openai.tables import CHUNK, finish_named
from outgate.dialects.reading import Reading, read_tree
from outgate.dialects.rules import Rule
from outgate.dialects.streams import StreamDecoder, truncated
from outgate.inference.prompt import Channel, Leaf
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage

DONE = b"data: [DONE]\n\n"
_CALL_TYPES = ("function", "custom")
_AT_ONCE = frozenset({("function", "name"), ("function_call", "name"), ("custom", "name")})


def usage_of(tree: Mapping[str, Any]) -> Usage | None:
    """`usage` of a completion, a chunk or a list of embeddings; cached and reasoning tokens are within the totals already."""
    return detailed_usage(tree.get("usage"), "prompt_tokens", "completion_tokens")


def _finish_of(choices: Any) -> Finish | None:
    """Why the model stopped: the worst of what the choices of a completion or a chunk say."""
    found: Finish | None = None
    for choice in choices if choices.__class__ is list else ():
        reason = choice.get("finish_reason") if choice.__class__ is dict else None
        if reason:
            finish = finish_named(reason)
            found = finish if found is None else worst((found, finish))
    return found


def reported(tree: Mapping[str, Any]) -> Reported:
    """What a whole completion says of itself."""
    choices, calls = tree.get("choices"), False
    for choice in choices if choices.__class__ is list else ():
        message = choice.get("message") if choice.__class__ is dict else None
        if message.__class__ is dict and (message.get("tool_calls") or message.get("function_call")):
            calls = True
    return Reported(usage_of(tree), Finish.ERROR if tree.get("error") else _finish_of(choices), calls)


def vectors_reported(tree: Mapping[str, Any]) -> Reported:
    """What a list of embeddings says of itself."""
    return Reported(usage_of(tree), Finish.ERROR if tree.get("error") else None)


def continued(table: Rule, path: Path, text: Text, piece: str) -> JsonEvent:
    """An event of the same answer with this piece alone, framed as a chunk: its envelope by the `table`, its positions, and no
    other text, for none was judged.
    """
    node: Any = piece
    for at in range(len(path) - 1, 0, -1):
        container, key = path[at]
        if isinstance(container, list):
            if path[at - 1][1] in NUMBERED and isinstance(node, dict):
                node["index"] = index_of(node, key)
            node = [node]
        else:
            node = {**_kept(container), key: node, **({"finish_reason": None} if "finish_reason" in container else {})}
    root, first = path[0]
    envelope = {name: value for name, value in root.items() if name in table.fixed and not isinstance(value, dict | list)}
    reading = read_tree({**envelope, **_kept(root), first: node}, table)
    way: tuple[Any, ...] = text.part  # type: ignore[assignment]
    leaf = next(leaf for leaf in reading.leaves if way[-len(part := part_of(reading.document, leaf)) :] == part)
    return JsonEvent(reading.document, (text._replace(text=piece, place=(leaf.box, leaf.key)),), FRAME)


def _kept(container: Mapping[str, Any]) -> dict[str, Any]:
    """Of an object with a piece of text, what is no text, in the shape that SDKs read."""
    kept: dict[str, Any] = {name: value for name, value in container.items() if value.__class__ is int or value.__class__ is float}
    if container.get("type") in _CALL_TYPES:
        kept["type"] = container["type"]
    if "token" in container:
        kept["token"] = ""
    return kept


def index_of(element: Mapping[str, Any], position: int) -> int:
    """The `index` of a choice or a call, its position where it has none."""
    index = element.get("index")
    return index if index.__class__ is int else position


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether a body or an event is an error, of this API or of one of the many servers that speak it."""
    return bool(tree.get("error")) or "error" in (tree.get("object"), tree.get("type"))


FRAME = Frame(b"data: ", b"\n\n", partial(continued, CHUNK))


class OpenAIStream(StreamDecoder):
    """Decoder of one streamed completion; `include_usage` says whether the caller asked for the usage chunk."""

    def __init__(self, *, include_usage: bool, limit: int = sse.LIMIT) -> None:
        super().__init__(CHUNK, limit)
        self._include_usage = include_usage
        self._open: dict[Hashable, set[Hashable]] = {}
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    def _speaks(self) -> bool:
        return not self._finished or not self._begun <= self._finished

    def _ended(self) -> list[Event]:
        if not self._finished or not self._begun <= self._finished:
            raise truncated()
        return self._done()

    def _done(self) -> list[Event]:
        self._over = True
        return [RawEvent(DONE, last=True, closes=self._close_all())]

    def _close_all(self) -> tuple[Hashable, ...]:
        parts = tuple(part for parts in self._open.values() for part in parts)
        self._open.clear()
        return parts

    def _event(self, reading: Reading, name: bytes) -> JsonEvent:
        document, tree = reading.document, reading.document.tree
        texts = [_piece(document, leaf) for leaf in reading.leaves]
        if name == b"error" or is_error(tree):
            self._over = True
            closes = (*self._close_all(), *(text.part for text in texts))
            return JsonEvent(document, texts, FRAME, closes=closes, reported=Reported(finish=Finish.ERROR), last=True)
        usage = usage_of(tree)
        hidden = usage is not None and not tree.get("choices") and not self._include_usage
        if usage is None and not self._include_usage and "usage" in tree:
            del tree["usage"]  # `null` on every chunk of a stream whose usage the gateway asked for, not the caller
        closes, finish = self._closes(tree, texts), _finish_of(tree.get("choices"))
        reported = NOTHING if usage is None and finish is None else Reported(usage, finish)
        return JsonEvent(document, texts, FRAME, closes=closes, reported=reported, hidden=hidden)

    def _closes(self, tree: Mapping[str, Any], texts: list[Text]) -> tuple[Hashable, ...]:
        at_once: list[Hashable] = []
        for text in texts:
            part: tuple[Any, ...] = text.part  # type: ignore[assignment]
            if part[0] == "choices" and len(part) > 1 and part[-2:] not in _AT_ONCE:
                self._open.setdefault(part[1], set()).add(part)
            else:
                at_once.append(part)
        choices = tree.get("choices")
        for position, choice in enumerate(choices if choices.__class__ is list else ()):
            if choice.__class__ is dict:
                at_once.extend(self._finish(choice, index_of(choice, position)))
        return tuple(at_once)

    def _finish(self, choice: Mapping[str, Any], index: int) -> set[Hashable]:
        if not choice.get("finish_reason"):
            self._begun.add(index)
            return set()
        self._finished.add(index)
        return self._open.pop(index, set())


def _piece(document: JsonDocument, leaf: Leaf) -> Text:
    escaped = leaf.key == "arguments" and leaf.channel is Channel.TOOL_ARGUMENTS
    return Text(part_of(document, leaf), leaf.text, leaf.channel, (leaf.box, leaf.key), False, escaped)
