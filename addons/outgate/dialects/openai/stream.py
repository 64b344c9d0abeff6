"""Decoder of streamed OpenAI completions: when one is complete, and which pieces of text continue each other.

A text ends with its choice's `finish_reason`. The stream ends with `[DONE]`; some compatible servers leave it out, so a clean end
after every choice that began has finished counts as one, and the gateway writes the missing `[DONE]`. Anything else is truncated.
An error event ends the stream too. What follows the end is not passed on.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from outgate.dialects import sse
from outgate.dialects.answers import detailed_usage, worst
from outgate.dialects.events import NOTHING, Frame, JsonEvent, Path, RawEvent, Reported, part_of
from outgate.dialects.json_body import JsonDocument
from outgate.dialects.openai.tables import CHUNK, FINISHES
from outgate.dialects.reading import Reading, read, read_tree
from outgate.errors import WireError
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
            finish = FINISHES.get(str(reason), Finish.OTHER)
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


def _continued(path: Path, text: Text, piece: str) -> JsonEvent:
    """A chunk of the same answer with this piece alone: its envelope, its positions, and no other text, for none was judged."""
    node: Any = piece
    for container, key in reversed(path[1:]):
        if isinstance(container, list):
            node = [node]
        else:
            node = {**_kept(container), key: node, **({"finish_reason": None} if "finish_reason" in container else {})}
    root, first = path[0]
    envelope = {name: value for name, value in root.items() if name in CHUNK.fixed and not isinstance(value, dict | list)}
    reading = read_tree({**envelope, **_kept(root), first: node}, CHUNK)
    leaf = next(leaf for leaf in reading.leaves if part_of(reading.document, leaf) == text.part)
    return JsonEvent(reading.document, (text._replace(text=piece, place=(leaf.box, leaf.key)),), FRAME)


def _kept(container: Mapping[str, Any]) -> dict[str, Any]:
    """Of an object with a piece of text, what is no text, in the shape that SDKs read."""
    kept: dict[str, Any] = {name: value for name, value in container.items() if value.__class__ is int or value.__class__ is float}
    if container.get("type") in _CALL_TYPES:
        kept["type"] = container["type"]
    if "token" in container:
        kept["token"] = ""
    return kept


FRAME = Frame(b"data: ", b"\n\n", _continued)


class OpenAIStream:
    """Decoder of one streamed completion; `include_usage` says whether the caller asked for the usage chunk."""

    def __init__(self, *, include_usage: bool, limit: int = sse.LIMIT) -> None:
        self._parser = sse.SseParser(limit)
        self._include_usage = include_usage
        self._open: dict[Hashable, set[Hashable]] = {}
        self._finished = False
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for piece in self._parser.feed(data):
            if self._over:
                break
            if piece.data[:6] == b"[DONE]":
                events.append(self._done())
            elif piece.data:
                events.append(self._chunk(read(piece.data, CHUNK)))
        return events

    def end(self) -> list[Event]:
        if self._over:
            return []
        if self._parser.pending or not self._finished or self._open:
            raise WireError("truncated", "the stream ended before its answer was complete")
        return [self._done()]

    def _done(self) -> RawEvent:
        self._over = True
        return RawEvent(DONE, last=True, closes=self._close_all())

    def _close_all(self) -> tuple[Hashable, ...]:
        parts = tuple(part for parts in self._open.values() for part in parts)
        self._open.clear()
        return parts

    def _chunk(self, reading: Reading) -> JsonEvent:
        document, tree = reading.document, reading.document.tree
        _check(tree)
        texts = [_piece(document, leaf) for leaf in reading.leaves]
        if tree.get("error"):
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
            if part[-2:] in _AT_ONCE:
                at_once.append(part)
            elif part[0] == "choices":
                self._open.setdefault(part[1], set()).add(part)
            else:
                at_once.append(part)
        for choice in tree.get("choices") or ():
            at_once.extend(self._finish(choice))
        return tuple(at_once)

    def _finish(self, choice: Mapping[str, Any]) -> set[Hashable]:
        if choice.get("finish_reason") is None:
            self._open.setdefault(choice["index"], set())
            return set()
        self._finished = True
        return self._open.pop(choice["index"], set())


def _piece(document: JsonDocument, leaf: Leaf) -> Text:
    escaped = leaf.key == "arguments" and leaf.channel is Channel.TOOL_ARGUMENTS
    return Text(part_of(document, leaf), leaf.text, leaf.channel, (leaf.box, leaf.key), False, escaped)


def _check(tree: Mapping[str, Any]) -> None:
    """Refuses choices without their index: it says which text a piece continues."""
    choices = tree.get("choices")
    for choice in [] if choices is None else choices if isinstance(choices, list) else [None]:
        if not isinstance(choice, dict) or choice.get("index").__class__ is not int:
            raise WireError("bad_answer", "a chunk of the stream has a choice without index")
