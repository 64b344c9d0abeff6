"""promises.md L4: clocks that step, windows that end while a request is open."""

import asyncio

import pytest

from outgate.stores.accounts import Hold
from support.budgets import NOON, Clock, ask, limit, line, running


@pytest.mark.parametrize("step", [-86400, -3600, 3600, 86400])
def test_a_step_of_the_wall_clock_resets_nothing_L4(tmp_path, step):
    async def story():
        clock = Clock()
        async with running(tmp_path, limit(100, window="minute"), clock=clock) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x"))
            clock.step(step)
            return await accounts.reserve(ask("y")), (await accounts.standings())[0]

    refused, standing = asyncio.run(story())

    assert "budget_exhausted" == refused.code
    assert 100 == standing.settled


@pytest.mark.parametrize("step", [-86400, -3600, -61])
def test_a_worker_that_restarts_with_an_earlier_clock_resets_nothing_L4(tmp_path, step):
    async def story():
        async with running(tmp_path, limit(100, window="minute")) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x"))
        async with running(tmp_path, limit(100, window="minute"), clock=Clock(NOON + step)) as accounts:
            return await accounts.reserve(ask("y"))

    assert "budget_exhausted" == asyncio.run(story()).code


def test_usage_within_the_hold_belongs_to_its_window_and_debt_to_the_present_one(tmp_path):
    async def story():
        clock = Clock()
        async with running(tmp_path, limit(1000, window="minute"), clock=clock) as accounts:
            await accounts.reserve(ask("x"))
            clock.pass_(60)
            accounts.close(line("x", 60, 640))
            await accounts.refresh()
            return [await accounts.reserve(ask(str(number))) for number in range(10)]

    assert 4 == sum(isinstance(each, Hold) for each in asyncio.run(story()))
