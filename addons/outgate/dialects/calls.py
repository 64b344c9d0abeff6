"""Tool calls in the events of an answer: held until they are whole, shown to who decides, and taken out where that is the decision.

Text goes on meanwhile up to the first event of a call; from there everything waits, so that events keep their order. The pieces of
one call's arguments are joined while they wait, and leave as one event. The same arguments told in several ways (in pieces, then
whole) are shown once for each way that differs.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from outgate.dialects.answers import WIDE, WholeAnswer, WholeEvent
from outgate.dialects.events import JsonEvent
from outgate.dialects.json_body import decode_value, dump
from outgate.dialects.sse import encode as sse_event
from outgate.dialects.streams import StreamDecoder
from outgate.inference.calls import Call, CallKind, Decide
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event

_LONGEST_NAME = 128
_NAME, _OF_A_SERVER = re.compile(r"[A-Za-z0-9_-]+"), re.compile(r"[A-Za-z0-9_.-]+")
"""What APIs admit in names of tools; a tool of an MCP server may have dots (MCP, Tool Names). Others are no tool that was offered:
a client that takes them for one does not go by the name that a policy sees.
"""
_PLACE = re.compile(r"[ -.0-~]{1,256}")
"""The label of an MCP server, or a namespace."""


class CallReader(Protocol):
    """The calls of one answer. `size` is how much is held, in characters of arguments and bytes of other events."""

    size: int

    def feed(self, event: Event) -> Sequence[Event]:
        """What may go on now that this event has come."""
        ...

    def rest(self) -> Sequence[Event]:
        """What was held, at the end of the answer: calls that were not completed are judged as they are."""
        ...

    def open(self) -> Sequence[Event]:
        """What is held, as it came: nobody judges any more."""
        ...


class Variants:
    """Everything that is told of one call: each name with each form of its arguments is a call of its own."""

    __slots__ = ("fault", "kind", "names", "pieces", "told")

    def __init__(self, kind: CallKind = CallKind.FUNCTION) -> None:
        self.kind = kind
        self.names: list[str] = []
        self.pieces: list[str] = []
        self.told: list[str] = []
        self.fault = ""

    def named(self, name: Any, within: Any = None) -> None:
        """A name, or a piece of one, of a tool that stands within a server or namespace, if it does. Clients join pieces, or take
        the last one: two that differ cannot be told.
        """
        allowed = _OF_A_SERVER if self.kind is CallKind.MCP else _NAME
        if not isinstance(name, str) or (name and not allowed.fullmatch(name)) or len(name) > _LONGEST_NAME:
            self.fault = self.fault or "name"
        if not isinstance(name, str) or not name:
            return
        if within is not None:
            if not isinstance(within, str) or not _PLACE.fullmatch(within):
                self.fault = self.fault or "name"
            name = f"{within}/{name}"
        if name not in self.names:
            self.names.append(name)

    def piece(self, text: Any) -> None:
        """A piece of the arguments."""
        if isinstance(text, str):
            self.pieces.append(text)
        elif text is not None:
            self.fault = self.fault or "arguments"

    def whole(self, arguments: Any) -> None:
        """All of the arguments: text, or what it would be decoded to."""
        if arguments is None or arguments == "":
            return
        text = arguments if isinstance(arguments, str) else dump(arguments).decode()
        if text not in self.told:
            self.told.append(text)

    def calls(self) -> Iterator[Call]:
        """The calls that clients may take it for."""
        name = self.names[0] if len(self.names) == 1 else "".join(self.names)
        fault = self.fault or ("name" if len(self.names) != 1 else "")
        forms = dict.fromkeys((*self.told, *(["".join(self.pieces)] if any(self.pieces) else ()))) or ("",)
        return (Call(name, form, self.kind, fault) for form in forms)


def words_for(decide: Decide, told: Variants) -> str | None:
    """What takes the place of a call, if anything does: one form of it is enough."""
    return next(filter(None, map(decide, told.calls())), None)


class HeldCalls:
    """Joins, holds, asks. A dialect says what an event holds of calls (`_read`) and writes what goes on (`_written`)."""

    def __init__(self, decide: Decide, whole: WholeAnswer, stream: StreamDecoder) -> None:
        self._decide = decide
        self._whole, self._stream = whole, stream
        self._held: list[tuple[Event, Any]] = []
        self._joined: dict[Hashable, tuple[int, list[str]]] = {}
        self.size = 0

    def feed(self, event: Event) -> Sequence[Event]:
        if not isinstance(event, JsonEvent | WholeEvent):
            return self._hold(event, None) if self._held else (event,)
        if isinstance(event, WholeEvent) or event.whole:
            return self._complete(event)
        if not self._held and not self._concerns(event):
            return (event,)
        tree = tree_of(event)
        if self._join(event, tree):
            return ()
        return self._hold(event, self._read(event, tree))

    def rest(self) -> Sequence[Event]:
        self._finish()
        return self._released()

    def open(self) -> Sequence[Event]:
        events = [self._with_joined(at, event) for at, (event, _) in enumerate(self._held)]
        self._clear()
        return events

    def _hold(self, event: Event, about: Any) -> Sequence[Event]:
        self._held.append((event, about))
        if self._waits():
            self.size += len(event.encode())
            return ()
        return self._released()

    def _join(self, event: JsonEvent, tree: dict[str, Any]) -> bool:
        """Whether the event was a piece of arguments of which one is held already."""
        texts = event.texts
        if len(texts) != 1 or texts[0].channel is not Channel.TOOL_ARGUMENTS or event.closes or event.finish or event.usage:
            return False
        known = self._joined.get(texts[0].part)
        if known is None:
            self._joined[texts[0].part] = (len(self._held), [texts[0].text])
            return False
        self._read(event, tree)
        known[1].append(texts[0].text)
        self.size += len(texts[0].text)
        return True

    def _released(self) -> Sequence[Event]:
        held = [(event, self._with_joined(at, event), about) for at, (event, about) in enumerate(self._held)]
        self._clear()
        out: list[Event] = []
        for came, event, about in held:
            if event is not came and isinstance(event, JsonEvent) and isinstance(about, dict):
                about = tree_of(event)  # noqa: PLW2901
            out += self._written(came, event, about)
        return out

    def _with_joined(self, at: int, event: Event) -> Event:
        found = next((pieces for where, pieces in self._joined.values() if where == at and len(pieces) > 1), None)
        return event if found is None else event.replace({0: "".join(found)})

    def _clear(self) -> None:
        self._held, self._joined, self.size = [], {}, 0

    def _complete(self, event: JsonEvent | WholeEvent) -> Sequence[Event]:
        """A whole answer."""
        tree = tree_of(event)
        if not self._rewritten(tree):
            return (event,)
        self._whole.feed(dump(tree))
        return self._whole.end()

    def _events(self, instead_of: Event, *trees: Mapping[str, Any]) -> Sequence[Event]:
        """Events of these contents. What the one that they stand for closes, the last of them closes."""
        events = [out for tree in trees for out in self._stream.feed(sse_event(dump(tree), _name_of(tree)))]
        for event in events[-1:]:
            if isinstance(event, JsonEvent):
                event.closes = tuple(dict.fromkeys((*event.closes, *instead_of.closes)))
        return events

    def _concerns(self, event: JsonEvent) -> bool:
        """Whether an event that comes while nothing is held is about calls, or about what became of one."""
        raise NotImplementedError

    def _read(self, event: JsonEvent, tree: dict[str, Any]) -> Any:
        """Note what an event holds of calls, and decide about those that it completes; gives what `_written` needs of it."""
        raise NotImplementedError

    def _waits(self) -> bool:
        """Whether a call is open."""
        raise NotImplementedError

    def _finish(self) -> None:
        """Decide about the calls that are open: nothing more will come."""
        raise NotImplementedError

    def _written(self, came: Event, event: Event, about: Any) -> Iterable[Event]:
        """An event that was held, as it goes on: as it came, and with what was joined."""
        raise NotImplementedError

    def _rewritten(self, tree: dict[str, Any]) -> bool:
        """Take refused calls out of a whole answer, in place. Whether there were any."""
        raise NotImplementedError


def tree_of(event: JsonEvent | WholeEvent) -> dict[str, Any]:
    """The content of an event as it would be sent."""
    tree: dict[str, Any] = decode_value(event.body(), WIDE)
    return tree


def _name_of(tree: Mapping[str, Any]) -> bytes:
    kind = tree.get("type")
    return kind.encode() if isinstance(kind, str) else b""
