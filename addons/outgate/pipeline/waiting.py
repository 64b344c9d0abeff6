"""Await stages: under their time limit, and beside those that stand before them in the plan.

Results are taken in plan order, so that the outcome is that of the sequential plan: the stage that ends the pass first in that
order ends it, and whatever is still on its way then is cancelled, waited for, and dropped.
"""

from asyncio import gather, get_running_loop, timeout
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from types import TracebackType, coroutine
from typing import Any, Self

from outgate.pipeline.plan import Plan, Step

_made = tuple.__new__


class Flight:
    """The stages of one pass that began before their turn. However it is left, none of their tasks stays behind.

    `ahead` is for how many nanoseconds the stage whose turn came last had run by then.
    """

    __slots__ = ("_begun", "_clock", "_plan", "_seen", "_slots", "ahead")

    def __init__(self, plan: Plan, slots: list[Any], seen: Mapping[str, tuple[Any, ...]], clock: Callable[[], int]) -> None:
        self._plan, self._slots, self._seen, self._clock = plan, slots, seen, clock
        self._begun: dict[str, _Begun] = {}
        self.ahead = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        tasks = [begun.task for begun in self._begun.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await gather(*tasks, return_exceptions=True)  # and so the loop logs nothing of what they raised

    def turn(self, step: Step, read: tuple[Any, ...], now: int) -> Awaitable[Any]:
        """The result of a stage whose turn it is. What may start beside it, and is due, has started then."""
        for name in self._plan.beside.get(step.name, ()):
            if name not in self._begun:
                self._start(name)
        begun = self._begun.pop(step.name, None)
        if begun is None:
            self.ahead = 0
            return work_of(step, read)
        self.ahead = min(begun.ended or now, now) - begun.began
        return begun.task

    def _start(self, name: str) -> None:
        step = self._plan.step(name)
        assert step is not None
        read = step.get(self._slots)
        if self._seen.get(name) != read:
            self._begun[name] = _Begun(step, read, self._clock)


class _Begun:
    """A stage on its way: the nanoseconds at which it began, and ended."""

    __slots__ = ("began", "ended", "task")

    def __init__(self, step: Step, read: tuple[Any, ...], clock: Callable[[], int]) -> None:
        self.began, self.ended = clock(), 0
        self.task = get_running_loop().create_task(self._timed(step, read, clock))

    async def _timed(self, step: Step, read: tuple[Any, ...], clock: Callable[[], int]) -> Any:
        try:
            return await work_of(step, read)
        finally:
            self.ended = clock()


def work_of(step: Step, read: tuple[Any, ...]) -> Coroutine[Any, Any, Any]:
    """The run of a stage that waits, under its limit."""
    work = step.run(_made(step.view, read))
    return work if step.limit is None else limited(work, step.limit)


async def limited(work: Coroutine[Any, Any, Any], limit: float) -> Any:
    """Await `work` under a time limit in seconds. The timer is set at its first wait; most work never waits, and needs none."""
    try:
        awaited = work.send(None)
    except StopIteration as done:
        return done.value
    async with timeout(limit):
        return await _resumed(work, awaited)


@coroutine
def _resumed(work: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that has begun, and waits for `awaited`."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(sent)
    except StopIteration as done:
        return done.value
