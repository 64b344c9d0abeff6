"""Calls of tools in an answer: name and arguments of each, so that two answers can be compared, and how many there are.

What counts is the JSON of the arguments, not how it was cut or written; ids do not count.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import orjson

from outgate.dialects.events import JsonEvent
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, Text

_WHOLE = ("args",)
"""Under which arguments are whole even in an event of a stream."""
_GIVEN = ("arguments", "input", *_WHOLE)


def calls(events: Sequence[Event]) -> list[str]:
    """The calls in the events of an answer, in order. Two answers of one API that are both streams, or both whole, compare."""
    whole = [call for event in events if event.whole and event.calls_tool for call in _in(orjson.loads(event.encode()))]
    streamed = [event for event in events if not event.whole]
    at_once = [_at_once(event) for event in streamed]
    pieces = [event for event, found in zip(streamed, at_once, strict=True) if not found]
    return [*whole, *(call for found in at_once for call in found), *_pieced(pieces)]


class Counted:
    """How many calls of tools an answer holds, told event by event: in pieces, each call says its name once."""

    def __init__(self) -> None:
        self._whole = 0
        self._named: set[Hashable] = set()

    def add(self, event: Event) -> None:
        """See an event that holds a call, or a piece of one."""
        found = len(calls([event])) if event.whole else len(_at_once(event))
        named = {text.part for text in event.texts if _names(text)}
        if event.whole or found:
            self._whole += max(found, len(named))  # one that is given nothing has its name alone
        else:
            self._named |= named

    @property
    def number(self) -> int:
        """Calls so far, those that are not whole yet among them."""
        return self._whole + len(self._named)


def _names(text: Text) -> bool:
    """Whether this is the name of a tool that is called; the last member of a part is what its text is called."""
    part = text.part
    return text.channel is Channel.TOOL_ARGUMENTS and not text.repeated and isinstance(part, tuple) and part[-1] == "name"


def _at_once(event: Event) -> list[str]:
    """The calls that stand whole in an event of a stream."""
    return list(_in(orjson.loads(event.body()), _WHOLE)) if isinstance(event, JsonEvent) and event.calls_tool else []


def _in(value: Any, names: Sequence[str] = _GIVEN) -> Iterator[str]:
    """Every object that has a name and is given something, wherever an API puts it."""
    if isinstance(value, dict):
        given = next((value[name] for name in names if name in value), None)
        if "name" in value and given is not None:
            yield f"{value['name']} {_canonical(given)}"
        else:
            value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _in(each, names)


def _pieced(events: Sequence[Event]) -> Iterator[str]:
    parts: dict[Hashable, list[str]] = {}
    for event in events:
        for text in event.texts:
            if text.channel is Channel.TOOL_ARGUMENTS and not text.repeated:
                parts.setdefault((text.part, text.escaped), []).append(text.text)
    return map(_canonical, map("".join, parts.values()))


def _canonical(given: Any) -> str:
    try:
        return orjson.dumps(orjson.loads(given) if isinstance(given, str) else given, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONDecodeError:
        return str(given)
