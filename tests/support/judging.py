"""Judges at work on the events of an answer, without an exchange."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any

from outgate.exchange.guarded import Guarded, opened
from outgate.inference.judge import Judge, Part, Replace
from outgate.inference.stream import Event
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.contract import Contract, Holds, Judges
from outgate.pipeline.executor import Execution
from outgate.pipeline.facts import Origin
from outgate.pipeline.plan import Plan

GIVEN = frozenset({Origin.OUTSIDE, Origin.RESPONSE})


def contract(name: str, **fields: Any) -> Contract:
    """Of a stage that judges, and may replace."""
    usual = {
        "reads": ("r.stream",),
        "writes": ("r.stream", f"verdict.out.{name}"),
        "preserves": ("verdict.out.*",),
        "judges": Judges.CLEAN,
    }
    return Contract(**usual | fields)


def plan_of(judges: dict[str, Judge | None], /, **fields: Any) -> Plan:
    """A plan of stages that open these, in this order; `fields` are of every contract."""
    names = list(judges)
    placements = [
        Placement(
            name,
            contract(name, **_held(judge) | fields),
            lambda _, judge=judge: judge,
            tuple(names[: names.index(name)]),
            streams=True,
        )
        for name, judge in judges.items()
    ]
    known = frozenset({"r.stream", "r.status", "r.headers", "r.source"})
    return compile_plan(placements, given=GIVEN, known=known, closing=False)


def _held(judge: Judge | None) -> dict[str, Any]:
    """What a judge of whole answers has to say."""
    return {"holds": Holds("the answer", 1_000, whole=True)} if getattr(judge, "window", 0) is None else {}


class Clock:
    """A thousand nanoseconds a look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1000
        return self.now


class Saying(Judge):
    """Decides the same on every text, and remembers what it was shown: part, text, and whether that was the end of it."""

    def __init__(self, decision: Any, **fields: Any) -> None:
        self.decision = decision
        self.shown: list[tuple[Any, str, bool]] = []
        for name, value in fields.items():
            setattr(self, name, value)

    def judge(self, part: Part, text: str, final: bool, /) -> Any:
        self.shown.append((part.key, text, final))
        return self.decision

    def verdict(self) -> Any:
        return "found"


class Scripted(Judge):
    """Decides by the text it is shown."""

    def __init__(self, decide, window=0, overlap=0, channels=None) -> None:
        self.window, self.overlap, self.channels = window, overlap, channels
        self.shown: list[tuple[str, str, bool]] = []
        self._decide = decide

    def judge(self, part, text, final, /):
        self.shown.append((part.before, text, final))
        return self._decide(text, final)


class Waiting(Scripted):
    """The same, after it has waited for the loop."""

    async def judge(self, part, text, final, /):
        await asyncio.sleep(0)
        return super().judge(part, text, final)


def upper(text, final):
    """Replaces, and holds back two characters."""
    hold = 0 if final else min(2, len(text))
    return Replace(text[: len(text) - hold].upper(), hold)


def execution_of(judges: dict[str, Judge | None], /, **fields: Any) -> Execution:
    return Execution(plan_of(judges, **fields), Clock())


def guarded(*judges: Judge, **fields: Any) -> Guarded:
    """The pass of an answer through these judges."""
    made = opened(execution_of({f"judge_{number}": judge for number, judge in enumerate(judges)}, **fields))
    assert isinstance(made, Guarded)
    return made


def at_once[Value](work: Coroutine[Any, Any, Value]) -> Value:
    """What a coroutine gives that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        value: Value = done.value
        return value
    work.close()
    raise AssertionError("it waits")


def aio[**P](test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that is a coroutine, in a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def through(judge: Judge, events: Sequence[Event]) -> list[Event]:
    """The events that a judge lets go on, at the end of the answer included."""
    judges = guarded(judge)
    passed = [out for event in events for out in at_once(judges.feed(event))]
    return [*passed, *at_once(judges.finish())]


class Ended:
    """An ending of the dialect, told by what it saw."""

    def __init__(self):
        self.seen = []

    def see(self, event):
        self.seen.append(event.encode())

    def words(self, text, part):
        return f"{text} after {b''.join(self.seen).decode()} in {part}".encode()
