"""A ledger that cannot be reached, callers that go away, accounts that have stopped."""

import asyncio
import sqlite3
import time

from outgate.stores.accounts import Hold
from support.budgets import ask, limit, line, make, running


def test_a_ledger_that_cannot_be_reached_refuses_and_recovers(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            real = accounts._ledger.turn

            def broken(turn):
                raise sqlite3.OperationalError("disk I/O error")

            accounts._ledger.turn = broken
            refused, reason = await accounts.reserve(ask("x")), accounts.health.reason
            accounts._ledger.turn = real
            return refused, reason, await accounts.reserve(ask("y")), accounts.health.reason

    refused, ill, admitted, well = asyncio.run(story())

    assert ("accounts_unavailable", 503) == (refused.code, refused.status)
    assert isinstance(admitted, Hold)
    assert "disk I/O error" in ill
    assert not well


def test_what_was_not_told_to_the_ledger_is_told_later_once(tmp_path):
    async def story():
        async with running(tmp_path, limit(10_000)) as accounts:
            await accounts.reserve(ask("x"))
            real, told = accounts._ledger.turn, []

            def fails_after_the_commit(turn):
                told.append(real(turn))
                raise sqlite3.OperationalError("the answer was lost")

            accounts.close(line("x"))
            accounts._ledger.turn = fails_after_the_commit
            await accounts.refresh()
            accounts._ledger.turn = real
            await accounts.reserve(ask("y"))
            accounts.close(line("y"))
            return len(told), (await accounts.standings())[0].settled

    assert (1, 200) == asyncio.run(story())


def test_a_stopped_account_refuses(tmp_path):
    async def story():
        accounts = make(tmp_path, limit(1000))
        await accounts.start()
        await accounts.stop()
        return await accounts.reserve(ask("x"))

    assert "accounts_unavailable" == asyncio.run(story()).code


def test_a_cancelled_caller_cuts_no_turn_off(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            waiting = asyncio.ensure_future(accounts.reserve(ask("x")))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting.cancel()
            outcomes = [await accounts.reserve(ask(str(number))) for number in range(11)]
            return outcomes, (await accounts.standings())[0].leased

    outcomes, leased = asyncio.run(story())

    assert 10 == sum(isinstance(each, Hold) for each in outcomes)
    assert 1000 == leased


def test_a_ledger_that_is_moved_away_refuses_new_spend_and_is_told(tmp_path, caplog):
    folder, moved = tmp_path / "accounts", tmp_path / "moved"

    async def story():
        async with running(folder, limit(1000)) as accounts:
            folder.rename(moved)
            refused, reason = await accounts.reserve(ask("x")), accounts.health.reason
            moved.rename(folder)
            await accounts.refresh()
            return refused, reason, await accounts.reserve(ask("y")), accounts.health.reason

    refused, reason, admitted, none = asyncio.run(story())

    assert "accounts_unavailable" == refused.code
    assert "No such file or directory" in reason
    assert isinstance(admitted, Hold)
    assert "" == none


def test_a_ledger_that_is_gone_at_start_is_begun_anew_with_a_word(tmp_path, caplog):
    async def serve(name):
        async with running(tmp_path / "accounts", limit(1000)) as accounts:
            await accounts.reserve(ask(name))

    asyncio.run(serve("x"))
    assert "is gone" not in caplog.text
    (tmp_path / "accounts").rename(tmp_path / "moved")
    asyncio.run(serve("y"))

    assert "ledger.sqlite is gone, a new ledger is begun: every budget starts at nothing" in caplog.text


def test_a_ledger_that_another_process_has_locked_refuses_within_half_a_second(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
            other.execute("begin immediate")
            start = time.monotonic()
            refused = await accounts.reserve(ask("x"))
            seconds = time.monotonic() - start
            other.execute("rollback")
            other.close()
            return refused, seconds, await accounts.reserve(ask("y"))

    refused, seconds, admitted = asyncio.run(story())

    assert "accounts_unavailable" == refused.code
    assert seconds < 0.5
    assert isinstance(admitted, Hold)
