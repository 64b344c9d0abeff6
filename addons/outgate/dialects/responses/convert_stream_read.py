"""Reader of one streamed response of a provider.

Every text comes in pieces and is told again as a whole, by its own event and by its item: the pieces are read, and the whole where
there were none. The seal of reasoning is whole only where its item is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.responses.convert_answer import CALLS, read_failure, read_usage
from outgate.dialects.responses.convert_items import read_call, read_thought
from outgate.dialects.responses.convert_parts import lost_in, objects, words
from outgate.dialects.responses.stream import finish_of, output_of
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

_TEXTS = {"response.output_text.": "text", "response.refusal.": "refusal"}
_THOUGHTS = {"response.reasoning_summary_text.": "summary_index", "response.reasoning_text.": "content_index"}
_ARGUMENTS = {"response.function_call_arguments.": "arguments", "response.custom_tool_call_input.": "input"}
_ENDS = ("response.completed", "response.incomplete")
_GAP = "\n\n"

type Tree = Mapping[str, Any]
type Key = tuple[int | None, int]


class ResponsesReader:
    """See `dialects.translation.StreamReader`. Parts by the index of their item, and of the content in it; a call, or a thought,
    is content 0. `_last` is the item of the last event, and of one that does not say. `_said` are the parts that have had words,
    `_thinks` the part of the reasoning that goes on.
    """

    def __init__(self, lose: Lose = unheard) -> None:
        self._lose = lose
        self._parts: dict[Key, int] = {}
        self._open: dict[Key, Part] = {}
        self._said: set[Key] = set()
        self._thinks: dict[Key, Any] = {}
        self._calls = self._begun = self._over = False
        self._last: int | None = None

    def feed(self, event: str, tree: Tree | None) -> Sequence[StreamItem]:
        return [] if tree is None or self._over else [*self._read(str(tree.get("type") or event), tree)]

    def end(self) -> Sequence[StreamItem]:
        return []

    def _read(self, kind: str, tree: Tree) -> Iterator[StreamItem]:
        if kind == "error" or (kind == "response.failed" and isinstance(tree.get("response"), dict)):
            self._over = True
            yield read_failure(0, tree.get("response", tree))
        elif kind in ("response.created", "response.in_progress"):
            yield from self._begin_stream(tree)
        elif kind in _ENDS:
            yield from self._end(tree)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            yield from self._item(tree, done=kind.endswith("done"))
        elif kind == "response.output_text.annotation.added" and isinstance(tree.get("annotation"), dict):
            key = self._key(tree, "content_index")
            yield from self._begin(key, Text(""))
            yield Cited(self._parts[key], tree["annotation"])
        elif kind == "response.content_part.done":
            yield from self._close(self._key(tree, "content_index"))
        else:
            yield from self._piece(kind, tree)

    def _begin_stream(self, tree: Tree) -> Iterator[StreamItem]:
        response = tree.get("response")
        if not self._begun and isinstance(response, dict):
            self._begun = True
            created = response.get("created_at")
            at = int(created) if isinstance(created, int | float) else 0
            yield Begun(words(response, "id", "response"), words(response, "model", "response"), at)

    def _piece(self, kind: str, tree: Tree) -> Iterator[StreamItem]:
        stem, _, last = kind.rpartition(".")
        stem += "."
        if last not in ("delta", "done"):
            return
        if stem in _TEXTS:
            lost_in(tree, self._lose)
            key = self._key(tree, "content_index")
            yield from self._begin(key, Text("") if _TEXTS[stem] == "text" else Refused(""))
            yield from self._say(key, tree, "delta" if last == "delta" else _TEXTS[stem])
        elif stem in _ARGUMENTS and self._key(tree) in self._open:
            yield from self._say(self._key(tree), tree, "delta" if last == "delta" else _ARGUMENTS[stem])
        elif stem in _THOUGHTS and last == "delta":
            yield from self._think(self._key(tree), (stem, tree.get(_THOUGHTS[stem])), tree)
        elif stem == "response.audio.":
            self._lose("audio")

    def _think(self, key: Key, part: Any, tree: Tree) -> Iterator[StreamItem]:
        yield from self._begin(key, Thought(provider="responses"))
        if self._thinks.setdefault(key, part) != part:
            self._thinks[key] = part
            yield Piece(self._parts[key], _GAP)
        yield from self._say(key, tree, "delta")

    def _begin(self, key: Key, part: Part) -> Iterator[StreamItem]:
        if key not in self._parts:
            self._parts[key] = len(self._parts)
            self._open[key] = part
            self._calls |= isinstance(part, Call)
            yield PartBegun(self._parts[key], part)

    def _say(self, key: Key, tree: Tree, name: str) -> Iterator[StreamItem]:
        """A piece, or all of a text of which there were none."""
        text = words(tree, name, "event")
        if text and key in self._open and (name == "delta" or key not in self._said):
            self._said.add(key)
            yield Piece(self._parts[key], text)

    def _close(self, key: Key) -> Iterator[StreamItem]:
        if self._open.pop(key, None) is not None:
            yield PartEnded(self._parts[key])

    def _key(self, tree: Tree, index: str = "") -> Key:
        told, at = output_of(tree), tree.get(index, 0)
        self._last = self._last if told is None else told
        return self._last, at if at.__class__ is int else 0

    def _item(self, tree: Tree, *, done: bool) -> Iterator[StreamItem]:
        item = tree.get("item")
        if not isinstance(item, dict):
            return
        if not done and self._last is not None and output_of(tree) is None:
            self._last += 1
        key = self._key(tree)
        kind = item.get("type")
        if kind in CALLS:
            yield from self._call(item, key, done=done)
        elif kind == "reasoning":
            yield from self._thought(item, key, done=done)
        elif kind == "message":
            yield from self._message(item, key) if done else ()
        elif done:
            self._lose("hosted_tools")

    def _call(self, item: Tree, key: Key, *, done: bool) -> Iterator[StreamItem]:
        call = read_call(item, "item")
        if not done and not (call.id and call.name):
            return
        yield from self._begin(key, call._replace(arguments=""))
        if done:
            yield from self._say(key, {"whole": call.arguments}, "whole")
            yield from self._close(key)

    def _thought(self, item: Tree, key: Key, *, done: bool) -> Iterator[StreamItem]:
        thought = read_thought(item, "item")
        yield from self._begin(key, Thought(provider=thought.provider, rest=thought.rest))
        if done and key in self._open:
            yield from self._say(key, {"whole": thought.text}, "whole")
            if thought.signature:
                yield Sealed(self._parts[key], thought.signature)
            yield from self._close(key)

    def _message(self, item: Tree, key: Key) -> Iterator[StreamItem]:
        for at, content in enumerate(objects(item.get("content"), "item.content")):
            place = (key[0], at)
            lost_in(content, self._lose)
            name = "refusal" if content.get("type") == "refusal" else "text"
            yield from self._begin(place, Refused("") if name == "refusal" else Text(""))
            yield from self._say(place, content, name)
            yield from self._close(place)

    def _told_at_once(self, response: Tree) -> Iterator[StreamItem]:
        """The items of a response that was not told before it was whole."""
        for at, item in enumerate(objects(response.get("output"), "response.output")):
            yield from self._item({"item": item, "output_index": at}, done=True)

    def _end(self, tree: Tree) -> Iterator[StreamItem]:
        response = tree.get("response")
        told: Tree = response if isinstance(response, dict) else {}
        self._over = True
        yield from self._begin_stream(tree)
        for key in [*self._open]:
            yield from self._close(key)
        if not self._parts:
            yield from self._told_at_once(told)
        usage = read_usage(told.get("usage"))
        if usage is not None:
            yield Counted(usage)
        cut = Finish.LENGTH if tree.get("type") == _ENDS[1] else Finish.TOOL_CALLS if self._calls else Finish.STOP
        yield Finished(finish_of(told, calls=self._calls) or cut)
        yield Over()
