"""Run an answer through its judges in plan order, for every dialect, streamed and whole.

Each judge sees what those before it let go on; events keep their order, and their bytes where no judge changed them. The pass
begins before the head of the answer leaves, and ends with the verdicts as facts and the time of every stage in the trace.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from inspect import iscoroutine
from typing import Any

from outgate.dialects.calls import CallReader
from outgate.dialects.registry import spec
from outgate.errors import ContractViolationError, Denial
from outgate.exchange.calling import Calling, Unfinished
from outgate.exchange.judging import CutError, Guard, Withholding
from outgate.inference.calls import Decide
from outgate.inference.judge import CallJudge, Judge
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Event
from outgate.pipeline.executor import Execution, Ran, broken
from outgate.pipeline.plan import Step


def opened(execution: Execution, operation: Operation | None = None) -> "Guarded | Denial":
    """Open a judge for each stream stage of the plan, for an answer to this operation. A denial, where one of them fails and does
    not fail open.
    """
    guards: list[Guard] = []
    for step in execution.plan.streams:
        start, failed, reader = execution.clock(), None, None
        try:
            judge = _opened(step, execution)
            reader = _calls_of(judge.operation) if isinstance(judge, CallJudge) else None
        except Exception as error:
            judge, failed = None, step.on_error(broken(step, error))
        if isinstance(failed, Denial):
            _write(execution, step, failed.outputs)
            execution.trace.append(Ran(step.name, execution.clock() - start, "error"))
            return failed
        guard = _kind_of(judge)(step, judge, execution.clock, execution.clock() - start, failed)
        if isinstance(guard, Calling):
            guard.reads(reader)
        guards.append(guard)
    return Guarded(execution, guards, _unfinished(guards, operation))


def _kind_of(judge: Judge | None) -> type[Guard]:
    if isinstance(judge, CallJudge):
        return Calling
    return Withholding if judge is not None and judge.window is None else Guard


def _calls_of(operation: Operation) -> Callable[[Decide], CallReader] | None:
    """What reads tool calls in answers to this operation: conversations alone have any. Raises ContractViolationError where a
    dialect has conversations and nothing that reads their calls: they would pass unjudged.
    """
    if operation.kind is not Kind.CHAT:
        return None
    reader = spec(operation.dialect).calls
    if reader is None:
        raise ContractViolationError(f"nothing reads the tool calls of {operation.dialect}")
    return reader


def _unfinished(guards: Sequence[Guard], operation: Operation | None) -> Unfinished | None:
    """What holds the calls of an answer that may be ended in words."""
    if (
        operation is None
        or operation.kind is not Kind.CHAT
        or not any(guard.judge is not None and guard.judge.ends for guard in guards)
    ):
        return None
    reader = spec(operation.dialect).calls
    return None if reader is None else Unfinished(reader)


def _opened(step: Step, execution: Execution) -> Judge | None:
    judge = step.run(step.view(*step.get(execution.slots)))
    if iscoroutine(judge):
        judge.close()
    if judge is not None and not isinstance(judge, Judge):
        raise ContractViolationError(f"{step.name} opened a {type(judge).__name__}, not a judge")
    holds = execution.plan.contracts[step.name].holds
    if judge is not None and judge.window is None and not (holds is not None and holds.whole):
        raise ContractViolationError(f"{step.name} holds whole answers, and its contract does not say so")
    return judge


class Guarded:
    """The judges of one answer."""

    __slots__ = ("_execution", "_guards", "_told", "_working")

    def __init__(self, execution: Execution, guards: Sequence[Guard], unfinished: Unfinished | None = None) -> None:
        self._execution = execution
        self._guards = guards
        self._told = False
        working: list[Guard | Unfinished] = [guard for guard in guards if guard.judge is not None]
        self._working = working if unfinished is None else [*working, unfinished]

    @property
    def idle(self) -> bool:
        """Whether no judge is interested in this answer."""
        return not self._working

    def feed(self, event: Event) -> Awaitable[Sequence[Event]]:
        """What may go on now that this event has come. Raises CutError or EndedError; then nothing more may."""
        if event.last:
            return self._last(event)
        return self._working[0].feed(event) if len(self._working) == 1 else _through((event,), self._working)

    async def finish(self) -> Sequence[Event]:
        """What is still held back, at the end of the answer; the stages' facts are written. Raises CutError or EndedError."""
        released = await self._flush()
        for guard in self._guards:
            _write(self._execution, guard.step, guard.found())
        self._told = True
        return released

    def _judges(self, step: Step) -> bool:
        """Whether what a stage writes is a verdict."""
        return any(fact.startswith("verdict.") for fact in self._execution.plan.contracts[step.name].writes)

    def close(self) -> None:
        """Tell the trace, however the answer ended. Where it ended early, verdicts are on what came of it; other facts are half
        ones, a recording say, and are written only by a judge that ended it, or failed.
        """
        for guard in self._guards:
            if guard.outcome != "ok" or (not self._told and self._judges(guard.step)):
                with suppress(CutError):
                    _write(self._execution, guard.step, guard.found())
            self._execution.trace.append(Ran(guard.step.name, guard.ns, guard.outcome))
        self._guards, self._working = [], []

    async def _last(self, event: Event) -> Sequence[Event]:
        return [*await self._flush(), *await _through((event,), self._working)]

    async def _flush(self) -> Sequence[Event]:
        released: list[Event] = []
        for index, guard in enumerate(self._working):
            held = await guard.flush()
            released += await _through(held, self._working[index + 1 :])
        return released


def _write(execution: Execution, step: Step, facts: tuple[Any, ...]) -> None:
    for slot, value in zip(step.out, facts, strict=False):
        execution.slots[slot] = value


async def _through(events: Sequence[Event], guards: Sequence[Guard | Unfinished]) -> Sequence[Event]:
    for guard in guards:
        events = await guard.feed(events[0]) if len(events) == 1 else [out for each in events for out in await guard.feed(each)]
    return events
