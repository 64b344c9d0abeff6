"""Bring stages up to date, in plan order, each only when a fact it reads has changed since it last ran.

The tuple a stage reads is its strict view, its fingerprint (identity first, then equality) and its trace record at once.
"""

from asyncio import timeout
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from outgate.errors import ContractViolationError, Denial
from outgate.pipeline.plan import Answer, Plan, Step

_view = tuple.__new__


class Ran(NamedTuple):
    """One run of one stage: name, nanoseconds, and `ok`, `denied`, `answered` or `error`."""

    stage: str
    ns: int
    verdict: str


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
            if slot is not None and slots[slot] != value:
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

    async def ensure(self, steps: tuple[Step, ...]) -> Denial | Answer | None:
        """Run every due step of `steps` in order. The first denial or answer ends the pass and is returned."""
        slots, seen, clock = self.slots, self.seen, self.clock
        for step in steps:
            name, run, view, get, out, waits, limit, on_error = step
            now = get(slots)
            if seen.get(name) == now:
                continue
            start = clock()
            try:
                result = run(_view(view, now))
                if waits:
                    if limit is None:
                        result = await result
                    else:
                        async with timeout(limit):
                            result = await result
                verdict = "ok"
            except Exception as error:
                result = on_error(error)
                verdict = "error"
            if result.__class__ is not tuple:
                return self._ended(step, result, clock() - start)
            self._write(step, result)
            seen[name] = now
            self.trace.append(Ran(name, clock() - start, verdict))
        return None

    def _write(self, step: Step, result: tuple[Any, ...]) -> None:
        if len(result) != len(step.out):
            raise ContractViolationError(f"{step.name} returned {len(result)} facts and declares {len(step.out)}")
        slots = self.slots
        for slot, value in zip(step.out, result, strict=True):
            if slots[slot] is not value and slots[slot] != value:
                slots[slot] = value

    def _ended(self, step: Step, result: Any, ns: int) -> Denial | Answer:
        if isinstance(result, Denial):
            self.trace.append(Ran(step.name, ns, "denied"))
            return result.by(step.name)
        if isinstance(result, Answer):
            if result.outputs:
                self._write(step, result.outputs)
            self.trace.append(Ran(step.name, ns, "answered"))
            return result
        raise ContractViolationError(f"{step.name} returned {type(result).__name__}, not a tuple, a Denial or an Answer")
