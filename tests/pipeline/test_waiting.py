"""Stages of one pass that wait beside each other: the outcome is that of the plan run one after the other."""

import asyncio
from typing import Any

import pytest

from outgate.errors import Denial
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Judges, May, OnError
from outgate.pipeline.executor import Execution
from pipeline.running import ANSWER, left_behind
from pipeline.standard import stage
from support.judging import aio

DENIED = Denial(code="no", status=403, message="no")


class Clock:
    """Nanoseconds that pass only when a test says so."""

    now = 0

    def __call__(self) -> int:
        return self.now


class Gates:
    """Stages that wait until they are let go, and what becomes of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.open: dict[str, asyncio.Future[Any]] = {}
        self.log: list[str] = []
        self.cancelled = asyncio.Event()

    def run(self, name: str, *, stubborn: bool = False):
        async def waits(_facts: Any) -> Any:
            self.log.append(f"{name} begins")
            self.open[name] = asyncio.get_running_loop().create_future()
            try:
                return await self.open[name]
            except asyncio.CancelledError:
                self.log.append(f"{name} is cancelled")
                self.cancelled.set()
                if stubborn:
                    raise ValueError("the text of a prompt") from None
                raise

        return waits

    def guard(self, name: str, **fields: Any):
        run = fields.pop("run", None) or self.run(name)
        passes = fields.pop("passes", 0.5)
        return stage(name, "prompt", f"verdict.{name}", judges=Judges.RAW, may=May.DENY, passes=passes, run=run, **fields)

    def embed(self, **fields: Any):
        return stage("embed", "prompt", "wire.body", cost=20.0, run=fields.pop("run", None) or self.run("embed"), **fields)

    def begin(self, *placements: Any) -> tuple[Execution, asyncio.Task[Any]]:
        plan = compile_plan(placements)
        execution = Execution(plan, self.clock)
        execution.give({"prompt": "p"})
        return execution, asyncio.get_running_loop().create_task(execution.ensure(plan.request))

    async def after(self, ns: int, *names: str, result: Any = ("done",)) -> None:
        """Let these stages go when so many nanoseconds have passed."""
        await settled()
        self.clock.now += ns
        for name in names:
            self.open[name].set_result(result)
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@aio
async def test_the_wall_time_is_that_of_the_slowest_and_the_trace_says_so():
    gates = Gates()
    execution, task = gates.begin(gates.guard("guard"), gates.embed(), stage("reads", "wire.body verdict.guard", "wire.path"))
    await gates.after(10_000, "guard")
    await gates.after(5_000, "embed")
    await task

    assert 15_000 == gates.clock.now
    assert [("guard", 10_000, 0), ("embed", 15_000, 10_000), ("reads", 0, 0)] == [
        (ran.stage, ran.ns, ran.ahead) for ran in execution.trace
    ]
    assert 15_000 == sum(ran.ns - ran.ahead for ran in execution.trace)


@aio
async def test_a_stage_that_ends_before_its_turn_has_cost_nothing_beside_the_others():
    gates = Gates()
    execution, task = gates.begin(gates.guard("guard"), gates.embed())
    await gates.after(4_000, "embed")
    await gates.after(6_000, "guard")
    await task

    assert [("guard", 10_000, 0), ("embed", 4_000, 4_000)] == [(ran.stage, ran.ns, ran.ahead) for ran in execution.trace]


@aio
async def test_a_stage_that_does_not_wait_runs_between_with_the_others_under_way():
    gates = Gates()
    between = gates.guard("between", passes=0.6, run=lambda facts: gates.log.append("between") or ("v",))
    execution, task = gates.begin(gates.guard("guard"), between, gates.embed())
    await gates.after(1, "guard")
    assert ["guard", "between"] == [ran.stage for ran in execution.trace]
    await gates.after(1, "embed")
    await task

    assert ["embed begins", "guard begins", "between"] == sorted(gates.log[:2]) + gates.log[2:]
    assert ("done", "v") == (execution.get("wire.body"), execution.get("verdict.between"))


@pytest.mark.parametrize("stubborn", [False, True], ids=["", "and raises when it is cancelled"])
@aio
async def test_a_denial_cancels_the_others_and_nothing_of_them_is_kept(stubborn, caplog):
    gates = Gates()
    execution, task = gates.begin(gates.guard("guard"), gates.embed(run=gates.run("embed", stubborn=stubborn)))
    await gates.after(1, "guard", result=DENIED)

    assert "guard" == (await task).stage
    assert "embed is cancelled" == gates.log[-1]
    assert (None, {}) == (execution.get("wire.body"), execution.seen)
    assert [("guard", "denied")] == [(ran.stage, ran.verdict) for ran in execution.trace]
    assert not left_behind()
    assert not caplog.text


@aio
async def test_a_result_that_came_before_a_denial_is_dropped():
    gates = Gates()
    execution, task = gates.begin(gates.guard("guard"), gates.embed())
    await gates.after(1, "embed")
    await gates.after(1, "guard", result=DENIED)

    assert "guard" == (await task).stage
    assert (None, {}) == (execution.get("wire.body"), execution.seen)


@aio
async def test_an_answer_cancels_the_others():
    gates = Gates()
    answers = gates.guard("answers", run=lambda facts: ANSWER, passes=0.6)
    _, task = gates.begin(gates.guard("guard"), answers, gates.embed())
    await gates.after(1, "guard")

    assert ANSWER is await task
    assert "embed is cancelled" == gates.log[-1]


@aio
async def test_the_first_denial_in_plan_order_wins_not_in_time():
    gates = Gates()
    _, task = gates.begin(gates.guard("first"), gates.guard("second", passes=0.6))
    await gates.after(1, "second", result=DENIED)
    assert not task.done()
    await gates.after(1, "first", result=DENIED)

    assert "first" == (await task).stage


@aio
async def test_a_failure_counts_when_its_turn_comes(caplog):
    gates = Gates()

    async def fails(_facts):
        raise ValueError("the text of a prompt")

    execution, task = gates.begin(
        gates.guard("guard"),
        gates.embed(run=fails, on_error=OnError.FALLBACK, fallback=("none",)),
        gates.guard("last", passes=0.99),
    )
    await settled()
    assert not task.done()
    await gates.after(1, "guard", "last")
    await task

    assert "none" == execution.get("wire.body")
    assert {"guard": "ok", "embed": "error", "last": "ok"} == {ran.stage: ran.verdict for ran in execution.trace}
    assert "the text" not in caplog.text


@aio
async def test_limits_are_those_of_each_stage():
    gates = Gates()
    _, task = gates.begin(gates.guard("guard"), gates.embed(limit=0.001))
    await gates.cancelled.wait()
    assert not task.done()
    await gates.after(1, "guard")

    assert ("stage_timeout", "embed") == ((denial := await task).code, denial.stage)


@aio
async def test_the_end_of_the_exchange_ends_them_all():
    gates = Gates()
    execution, task = gates.begin(gates.guard("guard"), gates.guard("second", passes=0.6), gates.embed())
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {"guard is cancelled", "second is cancelled", "embed is cancelled"} == set(gates.log[3:])
    assert {} == execution.seen
    assert not left_behind()


@aio
async def test_a_stage_that_is_not_due_does_not_start():
    gates = Gates()
    guard = stage("guard", "prompt", "model", outside="endpoint.state", passes=0.5, run=gates.run("guard"))
    execution, task = gates.begin(guard, gates.embed())
    await gates.after(1, "guard", "embed")
    await task
    gates.log.clear()
    execution.give({"endpoint.state": 1})
    again = asyncio.get_running_loop().create_task(execution.ensure(execution.plan.request))
    await gates.after(1, "guard")
    await again

    assert ["guard begins"] == gates.log


@aio
async def test_of_two_that_are_due_again_both_start_where_the_stage_before_them_is_not():
    gates = Gates()
    one = stage("one", "prompt", "model", outside="endpoint.state", cost=1.0, run=gates.run("one"))
    two = stage("two", "prompt", "provider", outside="endpoint.state", cost=2.0, run=gates.run("two"))
    execution, task = gates.begin(gates.guard("guard"), one, two)
    await gates.after(1, "guard", "one", "two")
    await task
    gates.log.clear()
    execution.give({"endpoint.state": 1})
    again = asyncio.get_running_loop().create_task(execution.ensure(execution.plan.request))
    await settled()

    assert {"one begins", "two begins"} == set(gates.log)
    await gates.after(1, "one", "two")
    await again
