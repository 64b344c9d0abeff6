"""Run the stages of a plan incrementally: in plan order, each only when a fact it reads has changed since its last run.

The tuple a stage reads is its strict view, its fingerprint (identity first, then equality) and its trace record at once.
"""

import logging
from asyncio import CancelledError, current_task
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from outgate.errors import ContractViolationError, Denial, OutageError, told_by
from outgate.pipeline.plan import Answer, Plan, Step
from outgate.pipeline.waiting import Flight, work_of

_log = logging.getLogger(__name__)
_made = tuple.__new__
"""Of a namedtuple type and a tuple: a third of what calling the type costs."""


class Ran(NamedTuple):
    """One run of one stage: name, nanoseconds that it took, and `ok`, `denied`, `answered` or `error`.

    The first `ahead` nanoseconds of them passed beside the runs before it; the rest began where the run before it ended.
    """

    stage: str
    ns: int
    verdict: str
    ahead: int = 0


class Execution:
    """The slots of one exchange under one plan, and what each stage last read.

    `clock` gives nanoseconds (monotonic). `fork()` copies slots and fingerprints for an attempt, so that abandoned and parallel
    attempts share nothing; the trace is shared.
    """

    __slots__ = ("clock", "plan", "seen", "slots", "trace")

    def __init__(self, plan: Plan, clock: Callable[[], int]) -> None:
        self.plan = plan
        self.clock = clock
        self.slots: list[Any] = [None] * plan.size
        self.seen: dict[str, tuple[Any, ...]] = {}
        self.trace: list[Ran] = []

    def give(self, facts: Mapping[str, Any]) -> None:
        """Write the first version of given facts; facts no stage reads have no slot and are skipped."""
        first, slots = self.plan.first, self.slots
        for name, value in facts.items():
            slot = first.get(name)
            if slot is not None:
                old = slots[slot]
                if old is None or (old is not value and old != value):
                    slots[slot] = value

    def get(self, name: str) -> Any:
        """The final version of a fact, None while unset or where no stage reads or writes it."""
        slot = self.plan.final.get(name)
        return None if slot is None else self.slots[slot]

    def fork(self) -> "Execution":
        copy = Execution.__new__(Execution)
        copy.plan, copy.clock, copy.trace = self.plan, self.clock, self.trace
        copy.slots, copy.seen = self.slots.copy(), self.seen.copy()
        return copy

    def drop(self) -> None:
        """Clear every slot that no later step reads: after the first byte to the client there is no other attempt."""
        live = self.plan.live_after_head
        self.slots = [value if slot in live else None for slot, value in enumerate(self.slots)]
        self.seen.clear()

    def adopt(self, earlier: "Execution") -> None:
        """Take over what an earlier plan of the same exchange has run: a stage whose inputs are the same is not due again."""
        for step in earlier.plan.request:
            read = earlier.seen.get(step.name)
            mine = self.plan.step(step.name)
            if read is None or mine is None or mine.run != step.run or mine.view is not step.view:
                continue
            self.seen[step.name] = read
            for slot, made in zip(mine.out, step.out, strict=True):
                self.slots[slot] = earlier.slots[made]

    def ensure(self, steps: tuple[Step, ...]) -> Coroutine[Any, Any, Denial | Answer | None]:
        """Run every due step of `steps` in order; those that wait may begin before their turn. The first denial or answer, in
        plan order, ends the pass and is returned.

        Whatever a stage raises, and a result its contract does not allow, becomes what its `on_error` says; only the end of the
        task (CancelledError) passes. A charge is made once per exchange: a stage whose inputs changed runs again, and its port,
        which knows the exchange, replaces the charge it made before.
        """
        return self._side_by_side(steps) if self.plan.beside else self._pass(steps, None)

    async def _side_by_side(self, steps: tuple[Step, ...]) -> Denial | Answer | None:
        async with Flight(self.plan, self.slots, self.seen, self.clock) as flight:
            return await self._pass(steps, flight)

    async def _pass(self, steps: tuple[Step, ...], flight: Flight | None) -> Denial | Answer | None:  # noqa: C901 (one loop, no calls: it is most of what a request costs)
        slots, seen, clock, ran = self.slots, self.seen, self.clock, self.trace.append
        start, ahead = clock(), 0
        for step in steps:
            now = step.get(slots)
            if seen.get(step.name) == now:
                continue
            verdict = "ok"
            try:
                if not step.waits:
                    result = step.run(_made(step.view, now))
                elif flight is None:
                    result = await work_of(step, now)
                else:
                    work = flight.turn(step, now, start)
                    ahead = flight.ahead
                    start -= ahead
                    result = await work
                if result.__class__ is not tuple or len(result) != len(step.out):
                    _check(step, result)
            except CancelledError as error:
                if is_ending():
                    raise
                result, verdict = step.on_error(broken(step, error)), "error"
            except Exception as error:
                result, verdict = step.on_error(broken(step, error)), "error"
            if result.__class__ is not tuple:
                return self._ended(step, result, Ran(step.name, clock() - start, verdict, ahead))
            for slot, value in zip(step.out, result):  # noqa: B905 (the lengths are checked above)
                if slots[slot] is not value and slots[slot] != value:
                    slots[slot] = value
            seen[step.name] = now
            end = clock()
            ran(_made(Ran, (step.name, end - start, verdict, ahead)))
            start, ahead = end, 0
        return None

    def _ended(self, step: Step, result: Denial | Answer, ran: Ran) -> Denial | Answer:
        for slot, value in zip(step.out, result.outputs, strict=bool(result.outputs)):
            self.slots[slot] = value
        if isinstance(result, Denial):
            self.trace.append(ran._replace(verdict="denied") if ran.verdict == "ok" else ran)
            return result.by(step.name)
        self.trace.append(ran._replace(verdict="answered"))
        return result


def is_ending() -> bool:
    """Whether this task is being cancelled; otherwise a CancelledError is an exception of the stage."""
    task = current_task()
    return task is None or task.cancelling() > 0


def broken[E: BaseException](step: Step, error: E) -> E:
    """Log a failure by the reason that it tells, else by its type and place, never its message, which may quote what the stage was
    reading; no outage, which has been told.
    """
    if isinstance(error, OutageError):
        return error
    if reason := told_by(error):
        _log.error("stage %s failed: %s", step.name, reason)
        return error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    _log.error("stage %s failed: %s at %s", step.name, type(error).__name__, where)
    return error


def _check(step: Step, result: Any) -> None:
    """Raises ContractViolationError unless a result is a Denial, or an Answer or a tuple of as many facts as were declared."""
    outputs = result.outputs or step.out if isinstance(result, Answer | Denial) else result
    if outputs.__class__ is not tuple:
        raise ContractViolationError(f"{step.name} returned {type(result).__name__}, not a tuple, a Denial or an Answer")
    if len(outputs) != len(step.out):
        raise ContractViolationError(f"{step.name} returned {len(outputs)} facts and declares {len(step.out)}")
