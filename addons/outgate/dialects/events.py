"""Events of an answer: immutable values over a judged tree, written back from that tree and nothing else."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.dialects.json_body import NAMES, JsonDocument
from outgate.dialects.reading import Reading
from outgate.inference.prompt import Channel, Leaf
from outgate.inference.stream import Finish, Text
from outgate.inference.usage import Usage

type Path = list[tuple[Any, Any]]
"""From the root to a text: each container with the key or position taken in it."""


class Frame(NamedTuple):
    """Bytes around the JSON of an event on the wire, and the continuation of one of its texts."""

    before: bytes = b""
    after: bytes = b""
    continued: "Callable[[Path, Text, str], JsonEvent] | None" = None


WHOLE = Frame()


class Reported(NamedTuple):
    """What an event says of the answer, beside its text. See `inference.stream.Event`."""

    usage: Usage | None = None
    finish: Finish | None = None
    calls_tool: bool = False


NOTHING = Reported()


class JsonEvent:
    """One event whose content is a JSON object. See `inference.stream.Event`."""

    __slots__ = ("_calls", "_document", "_edits", "_frame", "closes", "finish", "hidden", "last", "texts", "usage", "whole")

    def __init__(
        self,
        document: JsonDocument,
        texts: Sequence[Text],
        frame: Frame = WHOLE,
        *,
        closes: Sequence[Hashable] = (),
        reported: Reported = NOTHING,
        last: bool = False,
        hidden: bool = False,
    ) -> None:
        self._document = document
        self._edits: Mapping[tuple[int, str | int], Any] = {}
        self._frame = frame
        self.texts = texts
        self.closes = closes
        self.whole = frame.continued is None
        self.usage, self.finish, self._calls = reported
        self.last = last
        self.hidden = hidden

    @property
    def tree(self) -> Mapping[str, Any]:
        """Its content as it came: without edits."""
        tree: Mapping[str, Any] = self._document.tree
        return tree

    @property
    def calls_tool(self) -> bool:
        """Looked for only where somebody asks."""
        return self._calls or any(text.channel is Channel.TOOL_ARGUMENTS for text in self.texts)

    def replace(self, changes: Mapping[int, str]) -> "JsonEvent":
        """The event with these texts changed; itself, when nothing differs."""
        changed = {i: text for i, text in changes.items() if self.texts[i].text != text}
        if not changed:
            return self
        texts = list(self.texts)
        edits = dict(self._edits)
        for index, text in changed.items():
            texts[index] = texts[index]._replace(text=text)
            edits[texts[index].place] = text
        reported = Reported(self.usage, self.finish, self._calls)
        event = JsonEvent(
            self._document, texts, self._frame, closes=self.closes, reported=reported, last=self.last, hidden=self.hidden
        )
        event._edits = edits
        return event

    def only(self, index: int, text: str) -> "JsonEvent":
        """A continuation of one text. Raises TypeError on a whole answer: its texts are complete, nothing of them is held back."""
        if self._frame.continued is None:
            raise TypeError("a whole answer has no continuation")
        continued = self.texts[index]
        return self._frame.continued(path_to(self._document, continued.place), continued, text)

    def body(self) -> bytes:
        """Its JSON, as it would be sent."""
        return self._document.encode(self._edits)

    def encode(self) -> bytes:
        frame = self._frame
        return frame.before + self._document.encode(self._edits) + frame.after

    def __repr__(self) -> str:
        return f"JsonEvent({len(self.texts)} texts{', last' if self.last else ''}{', hidden' if self.hidden else ''})"


class RawEvent:
    """Bytes with no judged text: a terminator, or a piece of an answer that policy allows unjudged."""

    __slots__ = ("_raw", "calls_tool", "closes", "finish", "hidden", "last", "texts", "usage", "whole")

    def __init__(self, raw: bytes, *, last: bool = False, closes: Sequence[Hashable] = ()) -> None:
        self._raw = raw
        self.texts: Sequence[Text] = ()
        self.closes = closes
        self.whole = False
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.calls_tool = False
        self.last = last
        self.hidden = False

    def replace(self, changes: Mapping[int, str]) -> "RawEvent":
        """Itself: there is no text to change. Raises IndexError where one is named."""
        if changes:
            raise IndexError("the event has no texts")
        return self

    def only(self, index: int, text: str) -> "RawEvent":  # noqa: ARG002
        raise IndexError("the event has no texts")

    def encode(self) -> bytes:
        return self._raw

    def __repr__(self) -> str:
        return f"RawEvent({len(self._raw)} bytes{', last' if self.last else ''})"


class Aside(RawEvent):
    """A comment in a stream: a sign of life, or what stands for an event that was dropped, for this `fault` (a code of WireError).

    It holds no text and goes past no judge.
    """

    __slots__ = ("fault",)

    def __init__(self, fault: str = "", raw: bytes = b": keep-alive\n\n") -> None:
        super().__init__(raw)
        self.fault = fault


KEEP_ALIVE = Aside()


def path_to(document: JsonDocument, place: tuple[int, Any]) -> Path:
    """The way from the root of a document to one of its texts."""
    box, key = place
    path: Path = []
    while box >= 0:
        container, parent, at, form = document.boxes[box]
        if form != NAMES:
            path.append((container, key))
            key = at
        box = parent
    return path[::-1]


class ErrorEvent(JsonEvent):
    """An error in place of an answer, with the HTTP status that it has for the caller, whatever it came with."""

    __slots__ = ("status",)

    def __init__(self, reading: Reading, status: int) -> None:
        super().__init__(reading.document, whole_texts(reading), reported=Reported(finish=Finish.ERROR), last=True)
        self.status = status


def whole_texts(reading: Reading) -> list[Text]:
    """The texts of a whole answer: each is complete, and a part of its own; but the tokens of one list make one text."""
    boxes, pieces = reading.document.boxes, reading.pieces
    return [
        Text(_whole_part(boxes, box, key), text, channel, (box, key), False, (box, key) in pieces)
        for box, key, text, channel, _ in reading.leaves
    ]


def _whole_part(boxes: Sequence[tuple[Any, int, Any, int]], box: int, key: str | int) -> tuple[Any, ...]:
    """The way from the root; of a token without its position, and of an alternative with its rank for that of the token."""
    way: list[Any] = [key]
    while box > 0:
        _, box, at, _ = boxes[box]
        way.append(at)
    if key == "token" and "logprobs" in way:
        del way[3 if way[2] == "top_logprobs" else 1]
    return tuple(way[::-1])


NUMBERED = ("choices", "tool_calls")
"""Arrays whose elements carry an `index`, though some servers leave it out."""


def part_of(document: JsonDocument, leaf: Leaf) -> tuple[Any, ...]:
    """What a streamed text continues: the names on its way, and in place of a position the `index` that elements carry.

    A choice or a call without one has its position: there is but one then.
    """
    boxes = document.boxes
    box, key = leaf.box, leaf.key
    part: list[Any] = [] if key.__class__ is int else [key]
    while box > 0:
        container, box, key, _ = boxes[box]
        if key.__class__ is str:
            part.append(key)
        elif container.__class__ is dict:
            if container.get("index").__class__ is int:
                part.append(container["index"])
            elif boxes[box][2] in NUMBERED:
                part.append(key)
    part.reverse()
    return tuple(part)
