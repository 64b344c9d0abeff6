"""One hold per exchange, whatever it is tried with; what is used beyond it is debt."""

import asyncio

from outgate.errors import Denial
from outgate.stores.accounts import Hold, Settlement
from outgate.stores.limits import BudgetLimits
from support.budgets import ask, limit, line, running


def test_fifty_attempts_are_one_hold_A29(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            holds = [await accounts.reserve(ask("x")) for _ in range(50)]
            accounts.close(line("x"))
            return holds, (await accounts.standings())[0].settled

    holds, settled = asyncio.run(story())

    assert 1 == len(set(map(id, holds)))
    assert 100 == settled


def test_another_cost_replaces_the_hold(tmp_path):
    async def story():
        per_model = limit(1000, per=("model",))
        limits = BudgetLimits((per_model,), frozenset({"dear", "cheap"}))
        async with running(tmp_path, per_model) as accounts:
            await accounts.reserve(ask("x", model="dear"), limits)
            hold = await accounts.reserve(ask("x", 200, 300, model="cheap"), limits)
            accounts.close(line("x", 200, 50))
            rest = [await accounts.reserve(ask(str(number), model="dear"), limits) for number in range(10)]
            return hold, rest, {each.key: each.settled for each in await accounts.standings()}

    hold, rest, settled = asyncio.run(story())

    assert [("team@day/model=cheap", 500)] == [(amount.key, amount.tokens) for amount in hold.amounts]
    assert all(isinstance(each, Hold) for each in rest)
    assert {"team@day/model=cheap": 250, "team@day/model=dear": 0} == settled


def test_a_refused_replacement_leaves_the_first_hold_to_the_close(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            refused = await accounts.reserve(ask("x", 2000))
            accounts.close(line("x"))
            return refused, (await accounts.standings())[0].settled, [await accounts.reserve(ask(str(n))) for n in range(10)]

    refused, settled, rest = asyncio.run(story())

    assert isinstance(refused, Denial)
    assert 100 == settled
    assert 9 == sum(isinstance(each, Hold) for each in rest)


def test_debt_is_recorded_and_blocks_the_next_request(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            settlement = accounts.close(line("x", 60, 5000))
            return settlement, await accounts.reserve(ask("y", 1, 1)), (await accounts.standings())[0]

    settlement, following, standing = asyncio.run(story())

    assert Settlement(debt=4960) == settlement
    assert "budget_exhausted" == following.code
    assert (5060, 4960) == (standing.settled, standing.debt)
    assert standing.leased == 0


def test_small_debt_is_paid_from_the_lease(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x", 60, 60))
            return [await accounts.reserve(ask(str(number))) for number in range(10)]

    assert 8 == sum(isinstance(each, Hold) for each in asyncio.run(story()))


def test_output_may_cost_more_than_input_A38(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000, output_weight=4)) as accounts:
            hold = await accounts.reserve(ask("x", 60, 100))
            accounts.close(line("x", 60, 10))
            return hold.amounts[0].tokens, (await accounts.standings())[0].settled

    assert (460, 100) == asyncio.run(story())
