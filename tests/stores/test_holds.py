"""Holds by a bound: who is let in is the same as if every request had been counted."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.stores.accounts import Hold
from support.budgets import NOON, Clock, ask, by_bound, limit, line, running

BUDGET = 4_000
LIMITS = (limit(BUDGET), limit(1_500, name="each", per=("workload",)), limit(9_000, name="dear", output_weight=3))

requests = st.tuples(
    st.integers(0, 7),  # the exchange
    st.sampled_from(["agent", "other"]),
    st.integers(1, 400),  # input tokens
    st.integers(0, 300),  # output tokens
    st.integers(0, 900),  # what the bound is above the count
)
closes = st.tuples(st.integers(0, 7), st.integers(0, 400), st.integers(0, 300))


async def told(folder, steps, *, bounds):
    """What became of each request, and what each account was told in the end."""
    found = []
    async with running(folder, *LIMITS) as accounts:
        for step in steps:
            if len(step) == 3:
                accounts.close(line(f"x{step[0]}", *step[1:]))
                continue
            number, who, tokens_in, output, above = step
            exact = ask(f"x{number}", tokens_in, output, principal=Principal(name=who, tenant="acme"))
            if exact.exchange_id in accounts._closed:
                continue
            outcome = await accounts.reserve(by_bound(exact, above) if bounds else exact)
            found.append(outcome.code if isinstance(outcome, Denial) else "held")
        for number in range(8):
            accounts.close(line(f"x{number}", 0, 0))
        standings = [(each.key, each.settled, each.debt) for each in await accounts.standings()]
    return found, standings


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(requests, requests, closes), max_size=24))
def test_bounds_admit_and_refuse_what_counts_do_L1(steps):
    with TemporaryDirectory() as folder:
        counted, by_counts = asyncio.run(told(Path(folder, "a"), steps, bounds=False))
        bounded, by_bounds = asyncio.run(told(Path(folder, "b"), steps, bounds=True))

    assert counted == bounded
    assert [(key, settled) for key, settled, _ in by_counts] == [(key, settled) for key, settled, _ in by_bounds]
    assert all(debt >= other for (_, _, debt), (_, _, other) in zip(by_counts, by_bounds, strict=True))


def held(tmp_path, *asks, budget=BUDGET, workers=1):
    async def story():
        async with running(tmp_path, limit(budget), workers=workers) as accounts:
            outcomes = [await accounts.reserve(each) for each in asks]
            for each in asks:
                accounts.close(line(each.exchange_id, 0, 0))
            return outcomes

    return asyncio.run(story())


def counting(exact, above, made):
    bounded = by_bound(exact, above)
    return bounded._replace(counting=lambda: made.append(exact.exchange_id) or exact.tokens_in)


def test_far_from_the_end_of_a_budget_nothing_is_counted(tmp_path):
    made = []
    first, second = held(tmp_path, *[counting(ask(name), 500, made) for name in "ab"], budget=1_000_000)

    assert {"a"} == set(made)  # an account's first request is what its first lease is sized by
    assert (100, 600) == (first.amounts[0].tokens, second.amounts[0].tokens)


def test_where_room_is_short_earlier_bounds_are_counted_before_anybody_is_refused(tmp_path):
    made = []
    asks = [counting(ask(f"r{number}"), 300, made) for number in range(10)]
    outcomes = held(tmp_path, *asks, ask("last"), budget=1000)

    assert [Hold] * 10 == [type(each) for each in outcomes[:10]]
    assert "budget_exhausted" == outcomes[10].code
    assert sorted(each.exchange_id for each in asks) == sorted(set(made))


def test_a_retry_keeps_the_hold_of_its_bound_A29(tmp_path):
    bounded = by_bound(ask("x"), 500)
    outcomes = held(tmp_path, ask("first"), *[bounded] * 20, budget=1_000_000)

    assert 1 == len({id(hold) for hold in outcomes[1:]})


def test_a_retry_keeps_a_hold_that_was_counted_meanwhile_A29(tmp_path):
    async def story():
        async with running(tmp_path, limit(2000), workers=1) as accounts:
            await accounts.reserve(ask("first"))
            bounded = by_bound(ask("x"), 200)
            await accounts.reserve(bounded)
            await accounts.reserve(ask("large", 1000, 600))
            again = [await accounts.reserve(bounded) for _ in range(3)]
            for name in ("first", "x", "large"):
                accounts.close(line(name, 0, 0))
            return again

    again = asyncio.run(story())

    assert {100} == {hold.amounts[0].tokens for hold in again}
    assert 1 == len({id(hold) for hold in again})


def test_nothing_is_left_of_an_exchange_that_has_ended(tmp_path):
    async def story():
        async with running(tmp_path, limit(1_000_000)) as accounts:
            for name in "ab":
                await accounts.reserve(by_bound(ask(name), 500))
            open_ = dict(accounts._leases._loose)
            for name in "ab":
                accounts.close(line(name))
            return open_, accounts._leases._loose, accounts._leases.holds

    open_, loose, holds = asyncio.run(story())

    assert (["b"], {}, {}) == (list(open_), loose, holds)


def test_a_hold_of_a_bound_goes_back_to_the_window_it_was_made_in(tmp_path):
    async def story():
        clock = Clock(NOON)
        async with running(tmp_path, limit(1_000, window="minute"), clock=clock, workers=1) as accounts:
            await accounts.reserve(ask("first", 1, 1))
            await accounts.reserve(by_bound(ask("x"), 50))
            clock.pass_(60)
            outcomes = [await accounts.reserve(ask("y", 500, 500)), await accounts.reserve(ask("z", 1, 0))]
            for name in ("first", "x", "y", "z"):
                accounts.close(line(name, 0, 0))
            return outcomes

    fits, refused = asyncio.run(story())

    assert 1000 == fits.amounts[0].tokens
    assert isinstance(refused, Denial)
