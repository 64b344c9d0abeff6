"""A random plan of stages of random kinds: run side by side, the outcome is that of running one after the other."""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from outgate.errors import Denial
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import OnError
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan
from pipeline.generated import GIVEN, OUTSIDE, pipeline
from pipeline.running import left_behind

DENIED = Denial(code="no", status=403, message="no")
FATES = ("value",) * 9 + ("deny", "raise", "cancelled")


def _random(rng: Random, counts: Counter[str]) -> Plan:
    return compile_plan([_behaving(rng, placement, counts) for placement in pipeline(rng)])


def _behaving(rng: Random, placement: Any, counts: Counter[str]) -> Any:
    """A stage that gives its value, denies, answers or fails: the same for the same input, after some turns of the loop."""
    turns, salt, fate = rng.randint(0, 6), rng.random(), rng.choice(FATES)
    contract = placement.contract
    if rng.random() < 0.3:
        contract = replace(contract, on_error=OnError.FALLBACK, fallback=(0,) * len(contract.writes))

    def outcome(facts: Any) -> Any:
        if fate == "value" or hash((salt, *facts)) % 3:
            return placement.run(facts)
        if fate == "deny":
            return DENIED
        raise asyncio.CancelledError if fate == "cancelled" else ValueError

    def at_once(facts: Any) -> Any:
        counts[placement.name] += 1
        return outcome(facts)

    async def waits(facts: Any) -> Any:
        counts[placement.name] += 1
        for _ in range(turns):
            await asyncio.sleep(0)
        return outcome(facts)

    return placement._replace(run=waits if rng.random() < 0.7 else at_once, contract=contract)


def _told(execution: Execution) -> Any:
    return execution.slots, execution.seen, [(ran.stage, ran.verdict) for ran in execution.trace]


async def _passes(plan: Plan, rng: Random) -> list[Any]:
    """Three passes, outside facts changing in between, each on a fork."""
    execution = Execution(plan, lambda: 0)
    execution.give(GIVEN)
    told = []
    for number in range(3):
        ended = await execution.ensure(plan.request)
        told.append((ended, *_told(execution)))
        execution = execution.fork()
        execution.give(dict.fromkeys(rng.sample(OUTSIDE, 2), number))
    return told


async def _cut(plan: Plan, after: int) -> Any:
    """A pass that is cancelled after so many turns of the loop: what it left; None where it had ended."""
    execution = Execution(plan, lambda: 0)
    execution.give(GIVEN)
    task = asyncio.get_running_loop().create_task(execution.ensure(plan.request))
    for _ in range(after):
        await asyncio.sleep(0)
    task.cancel()
    ended = (await asyncio.gather(task, return_exceptions=True))[0]
    return _told(execution) if isinstance(ended, asyncio.CancelledError) else None


@pytest.mark.exhaustive
@pytest.mark.parametrize("eager", [False, True], ids=["tasks start later", "tasks start at once"])
def test_prop_P7_side_by_side_is_one_after_the_other(eager):
    rng = Random(7)
    seen: Counter[str] = Counter()

    async def compare() -> None:
        if eager:
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        for _ in range(400):
            counts: Counter[str] = Counter()
            plan, seed = _random(rng, counts), rng.random()
            alone = replace(plan, beside={})
            found = await _passes(plan, Random(seed))
            assert await _passes(alone, Random(seed)) == found
            assert not left_behind()
            seen["plans"] += bool(plan.beside)
            seen["denied"] += bool(plan.beside) and found[0][0] is not None
            cut = await _cut(plan, rng.randint(0, 12))
            if cut is not None and plan.beside:
                seen["cut"] += 1
                _is_prefix(cut, found[0])
            assert not left_behind()

    asyncio.run(compare())

    assert seen["plans"] > 200
    assert seen["denied"] > 50
    assert seen["cut"] > 50


def _is_prefix(cut: Any, whole: Any) -> None:
    """What a cancelled pass left is what the whole one had written until then."""
    slots, seen, trace = cut
    assert trace == whole[3][: len(trace)]
    assert list(seen) in ([stage for stage, _ in trace], [stage for stage, _ in trace[:-1]]), "a denial is told, and not kept"
    assert all(value in (None, whole[1][at]) for at, value in enumerate(slots))
