import asyncio

import orjson
import pytest

from outgate.inference.principal import Principal
from outgate.stores.accounts import BudgetLimits, Hold, Settlement
from support.budgets import NOON, Clock, ask, audited, limit, line, running


def test_a_request_is_held_settled_and_the_rest_given_back(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            held = await accounts.reserve(ask("x"))
            accounts.close(line("x", 50, 10))
            return held, (await accounts.standings())[0]

    held, standing = asyncio.run(story())

    assert [("team@day", 100)] == [(amount.key, amount.tokens) for amount in held.amounts]
    assert (60, 0) == (standing.settled, standing.debt)


def test_the_first_request_waits_for_a_lease_and_the_next_do_not(tmp_path):
    async def story():
        async with running(tmp_path, limit(100_000)) as accounts:
            first = accounts.try_reserve(ask("1"))
            await accounts.reserve(ask("1"))
            return first, [accounts.try_reserve(ask(str(number))) for number in range(2, 50)]

    first, following = asyncio.run(story())

    assert first is None
    assert all(isinstance(hold, Hold) for hold in following)


def test_a_used_up_budget_is_refused_until_the_window_ends(tmp_path):
    async def story():
        clock = Clock(NOON + 600)
        async with running(tmp_path, limit(200, window="hour"), clock=clock) as accounts:
            for name in "ab":
                await accounts.reserve(ask(name))
                accounts.close(line(name))
            refused = await accounts.reserve(ask("c"))
            clock.pass_(3000)
            return refused, await accounts.reserve(ask("d"))

    refused, admitted = asyncio.run(story())

    assert ("budget_exhausted", 429, 3000.0) == (refused.code, refused.status, refused.retry_after)
    about = "the request may cost 100 tokens, 0 of 200 are left, until 2026-11-23 13:00 UTC."
    assert f"Too little is left of the budget 'team': {about}" == refused.message
    assert isinstance(admitted, Hold)


def test_a_budget_that_is_only_held_asks_to_come_back_soon(tmp_path):
    async def story():
        async with running(tmp_path, limit(200)) as accounts:
            await asyncio.gather(accounts.reserve(ask("a")), accounts.reserve(ask("b")))
            return await accounts.reserve(ask("c"))

    assert 1.0 == asyncio.run(story()).retry_after


def test_a_request_larger_than_its_budget_is_refused_for_good(tmp_path):
    async def story():
        async with running(tmp_path, limit(99)) as accounts:
            return accounts.try_reserve(ask("a"))

    refused = asyncio.run(story())

    assert ("budget_exhausted", 400, None) == (refused.code, refused.status, refused.retry_after)


@pytest.mark.parametrize("concurrent", [True, False])
def test_a_budget_for_ten_admits_ten(tmp_path, concurrent):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            asks = [ask(str(number)) for number in range(50)]
            if concurrent:
                return await asyncio.gather(*map(accounts.reserve, asks))
            return [await accounts.reserve(each) for each in asks]

    assert 10 == sum(isinstance(outcome, Hold) for outcome in asyncio.run(story()))


def test_every_limit_is_debited_and_one_refusal_leaves_the_others_whole_A17(tmp_path):
    async def story():
        narrow, wide = limit(100, name="narrow", model="gpt-4o"), limit(1000, name="wide")
        async with running(tmp_path, narrow, wide) as accounts:
            first = await accounts.reserve(ask("a"))
            refused = await accounts.reserve(ask("b"))
            others = [await accounts.reserve(ask(str(number), model="other")) for number in range(10)]
            return first, refused, others

    first, refused, others = asyncio.run(story())

    assert ["narrow@day", "wide@day"] == [amount.key for amount in first.amounts]
    assert "narrow" in refused.message
    assert 9 == sum(isinstance(other, Hold) for other in others)


def test_the_limits_of_a_stage_are_debited_besides_the_gateways(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000, name="gateway")) as accounts:
            return await accounts.reserve(ask("x"), accounts.limits.plus([limit(500, name="route")]))

    assert ["gateway@day", "route@day"] == [amount.key for amount in asyncio.run(story()).amounts]


def test_a_request_that_no_limit_matches_is_held_at_nothing_and_still_journalled(tmp_path):
    async def story():
        async with running(tmp_path) as accounts:
            hold = accounts.try_reserve(ask("x"), BudgetLimits())
            accounts.close(line("x"))
            return hold

    assert () == asyncio.run(story()).amounts
    assert ["x"] == [fields["id"] for fields in audited(tmp_path)]


def test_an_exchange_is_closed_once(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            return [accounts.close(line("x")) for _ in range(3)], (await accounts.standings())[0].settled

    settlements, settled = asyncio.run(story())

    assert [Settlement(), None, None] == settlements
    assert 100 == settled
    assert 1 == len(audited(tmp_path))


def test_a_released_hold_costs_nothing(tmp_path):
    async def story():
        async with running(tmp_path, limit(100)) as accounts:
            await accounts.reserve(ask("x"))
            accounts.release("x")
            accounts.release("never reserved")
            return await accounts.reserve(ask("y"))

    assert isinstance(asyncio.run(story()), Hold)
    assert ["released"] == [fields["outcome"] for fields in audited(tmp_path)]


def test_two_workers_share_a_budget_and_idle_leases_come_back(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as one, running(tmp_path, limit(1000), worker="w1") as two:
            await one.reserve(ask("x"))
            one.close(line("x", 10, 0))
            for _ in range(2):
                await one.refresh(idle=True)
            return [await two.reserve(ask(str(number), 99, 0)) for number in range(12)]

    assert 10 == sum(isinstance(each, Hold) for each in asyncio.run(story()))


def test_a_share_of_a_budget_is_warned_of_once_by_one_of_two_workers(tmp_path, caplog):
    async def story():
        async with running(tmp_path, limit(1000)) as one, running(tmp_path, limit(1000), worker="w1") as two:
            for number in range(9):
                for accounts in (one, two)[number % 2 :][:1]:
                    await accounts.reserve(ask(str(number)))
                    accounts.close(line(str(number)))
                    await accounts.refresh(idle=True)
                    await accounts.refresh()

    asyncio.run(story())
    assert ["budget team@day is past 80%: 800 of 1,000 tokens are used; it begins anew at 2026-11-24 00:00 UTC"] == caplog.messages


def test_a_budget_that_warns_of_nothing_warns_of_nothing(tmp_path, caplog):
    async def story():
        async with running(tmp_path, limit(100, warn_at=())) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x"))
            await accounts.standings()

    asyncio.run(story())
    assert [] == caplog.messages


def test_leases_are_fetched_ahead_of_need(tmp_path):
    async def story():
        async with running(tmp_path, limit(100_000)) as accounts:
            waited = 0
            for number in range(500):
                if accounts.try_reserve(ask(str(number))) is None:
                    waited += 1
                    await accounts.reserve(ask(str(number)))
                accounts.close(line(str(number)))
                if number % 5 == 0:
                    await accounts.refresh()
            return waited, (await accounts.standings())[0].settled

    waited, settled = asyncio.run(story())

    assert 1 == waited
    assert 50_000 == settled


def test_reserving_in_memory_never_suspends(tmp_path):
    async def story():
        async with running(tmp_path, limit(100_000)) as accounts:
            await accounts.reserve(ask("x"))
            with pytest.raises(StopIteration) as ended:
                accounts.reserve(ask("y")).send(None)
            return ended.value.value

    assert isinstance(asyncio.run(story()), Hold)


def test_after_a_restart_the_budget_goes_on(tmp_path):
    async def story():
        settled = []
        for number in range(3):
            async with running(tmp_path, limit(1000)) as accounts:
                await accounts.reserve(ask(f"x{number}"))
                accounts.close(line(f"x{number}"))
                settled.append((await accounts.standings())[0].settled)
        return settled

    assert [100, 200, 300] == asyncio.run(story())


def test_nothing_is_leased_after_a_clean_stop_and_the_journal_is_the_audit_log(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x", 50, 10))
        async with running(tmp_path, limit(1000)) as accounts:
            return (await accounts.standings())[0]

    standing = asyncio.run(story())

    assert (60, 0) == (standing.settled, standing.leased)
    assert [{"event": "close", "id": "x", "settle": [["team@day", standing.start, 60, 60, 0]], "outcome": "answered"}] == audited(
        tmp_path
    )
    assert [] == list((tmp_path / "journals").iterdir())


def test_strange_names_do_not_break_the_journal(tmp_path):
    strange = Principal(name='a"b\n\\', tenant="ü/ö")

    async def story():
        async with running(tmp_path, limit(1000, per=("workload", "tenant"))) as accounts:
            await accounts.reserve(ask('x"\n', principal=strange, model='"'))
            accounts.close(line('x"\n'))

    asyncio.run(story())
    lines = [orjson.loads(text) for path in (tmp_path / "audit").iterdir() for text in path.read_bytes().splitlines()]

    assert ['x"\n', 'x"\n'] == [fields["id"] for fields in lines]
    assert 'a"b\n\\' == lines[0]["outgate.workload"]


def test_what_is_kept_is_readable_by_its_owner_alone(tmp_path):
    folder = tmp_path / "accounts"

    async def story():
        async with running(folder, limit(1000)):
            return [each.stat().st_mode & 0o077 for each in (folder, *folder.rglob("*"))]

    assert {0} == set(asyncio.run(story()))


def test_a_lowered_limit_counts_at_once_for_a_worker_that_was_lent_more(tmp_path):
    """The lease of a busy worker never came back: it was spent beyond the new limit."""

    async def story():
        async with running(tmp_path) as accounts:
            await accounts.reserve(ask("a"), BudgetLimits([limit(100_000)]))
            lowered = BudgetLimits([limit(150)])
            accounts.limit(lowered.limits)
            accounts.close(line("a", 60, 40))
            return await accounts.reserve(ask("b"), lowered), (await accounts.standings())[0]

    refused, standing = asyncio.run(story())

    assert ("budget_exhausted", 429) == (refused.code, refused.status)
    assert (150, 100) == (standing.tokens, standing.settled)
