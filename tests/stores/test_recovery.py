import asyncio
from types import SimpleNamespace

import orjson
import pytest

from outgate.stores.journal import Folders, Run, records
from outgate.stores.ledger import Ledger
from outgate.stores.recovery import recover
from outgate.stores.segments import Full
from support.budgets import NOON, Clock, ask, audited, limit, line, make, running


async def killed(folder, story, **fields):
    """Run a worker up to where it is killed: its thread and its lock go, nothing is written any more."""
    accounts = make(folder, limit(1000), **fields)
    await accounts.start()
    await story(accounts)
    accounts._task.cancel()
    accounts._segments.run.release()
    accounts._thread.shutdown()
    accounts._ledger.close()
    return accounts


async def one_open_one_closed(accounts):
    await accounts.reserve(ask("closed"))
    accounts.close(line("closed", 50, 10))
    await accounts.reserve(ask("open"))


def after(folder, story, **fields):
    """What the next worker finds after a kill."""

    async def both():
        await killed(folder, story, **fields)
        async with running(folder, limit(1000), **fields) as accounts:
            return (await accounts.standings())[0]

    standing = asyncio.run(both())
    return standing.settled, standing.leased


def test_an_open_hold_is_charged_and_audited_as_unknown(tmp_path):
    assert (160, 0) == after(tmp_path, one_open_one_closed)

    unknown = next(fields for fields in audited(tmp_path) if fields["id"] == "open")
    assert {
        "event": "close",
        "id": "open",
        "settle": [["team@day", int(NOON) - 12 * 3600, 100, 100, 0]],
        "time": NOON,
        "outgate.workload": "agent",
        "outgate.tenant": "acme",
        "gen_ai.request.model": "gpt-4o",
        "outcome": "unknown",
        "outgate.charged": "hold",
    } == unknown


def test_what_the_ledger_knew_already_counts_once(tmp_path):
    async def story(accounts):
        await one_open_one_closed(accounts)
        await accounts.refresh()

    assert (160, 0) == after(tmp_path, story)


@pytest.mark.parametrize("torn", [b'{"event":"close","id":"open","settle":[["team@d', b"\x00", b'{"event":"close","id":"open"}'])
def test_a_torn_last_record_is_cut_off(tmp_path, torn):
    async def story(accounts):
        await one_open_one_closed(accounts)
        with accounts._segments._journal.path.open("ab") as file:
            file.write(torn)

    assert (160, 0) == after(tmp_path, story)
    assert ["closed", "open"] == [fields["id"] for fields in audited(tmp_path)]


def test_a_living_worker_folds_what_another_left(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000), worker="w1") as living:
            await killed(tmp_path, one_open_one_closed)
            before = (await living.standings())[0]
            for _ in range(4):
                await living.refresh(idle=True)
            return before, (await living.standings())[0]

    before, standing = asyncio.run(story())

    assert before.leased > 0
    assert (160, 0) == (standing.settled, standing.leased)


def test_recovery_that_was_killed_itself_is_done_again(tmp_path):
    folders = Folders(tmp_path / "journals", tmp_path / "audit")

    class KilledError(Exception):
        pass

    async def story():
        await killed(tmp_path, one_open_one_closed)

    asyncio.run(story())
    ledger = Ledger(tmp_path / "ledger.sqlite", workers=2)
    real, ended = ledger.turn, []

    def dies(step):
        def turn(told):
            if step == "after":
                real(told)
            ended.append(step)
            raise KilledError

        return turn

    for step in ("before", "after"):
        ledger.turn = dies(step)
        with pytest.raises(KilledError):
            recover(folders, ledger, "me")
        _free_locks(folders)
    ledger.turn = real
    recover(folders, ledger, "me")

    assert ["before", "after"] == ended
    assert [(160, 0)] == [(each.settled, each.leased) for each in ledger.standings()]
    assert ["closed", "open"] == [fields["id"] for fields in audited(tmp_path)]
    ledger.close()


def _free_locks(folders):
    """What the kernel does when a process dies."""
    for folder in folders.journals.iterdir():
        copy = folder.with_name(f"{folder.name}x")
        copy.mkdir()
        for path in folder.iterdir():
            path.rename(copy / path.name)
        folder.rmdir()
        copy.rename(folder)


def test_a_journal_that_makes_no_sense_stays_and_stops_nobody(tmp_path):
    async def story():
        await killed(tmp_path, one_open_one_closed)
        for path in (tmp_path / "journals").glob("*/*.jsonl"):
            path.write_bytes(b'{"no":"event"}\n')
        async with running(tmp_path, limit(1000)) as accounts:
            await accounts.reserve(ask("x"))
            accounts.close(line("x"))

    asyncio.run(story())

    assert 1 == len(list((tmp_path / "journals").iterdir()))


def test_a_run_that_was_killed_at_birth_is_cleared_away(tmp_path):
    folders = Folders(tmp_path / "journals", tmp_path / "audit")
    folders.journals.mkdir()
    Run.create(folders.journals, "w0.1").release()

    assert 1 == recover(folders, Ledger(tmp_path / "l.sqlite", workers=1), "me")
    assert [] == list(folders.journals.iterdir())


def test_files_follow_each_other_and_nothing_is_lost(tmp_path):
    async def story(accounts):
        await accounts.reserve(ask("open", 1, 1))
        for number in range(20):
            await accounts.reserve(ask(str(number), 1, 1))
            accounts.close(line(str(number), 1, 1))
            await accounts.refresh(idle=True)
            await accounts.refresh()

    assert (42, 0) == after(tmp_path, story, full=Full(500))
    closed = [fields["id"] for fields in audited(tmp_path)]
    assert sorted([*map(str, range(20)), "open"]) == sorted(closed)
    assert 5 < len(list((tmp_path / "audit").iterdir()))


def test_a_file_that_is_old_is_followed_and_an_empty_one_is_not(tmp_path):
    clock = Clock()

    async def turns(accounts):
        await accounts.refresh(idle=True)
        await accounts.refresh()
        return accounts._segments._journal.path.name

    async def story():
        async with running(tmp_path, limit(1000), full=Full(seconds=3600), clock=clock) as accounts:
            clock.pass_(3600)
            names = [await turns(accounts)]
            accounts.close(line("first", 1, 1))
            names.append(await turns(accounts))
            clock.pass_(3600)
            return [*names, await turns(accounts), await turns(accounts)]

    assert ["00000001.jsonl", "00000001.jsonl", "00000002.jsonl", "00000002.jsonl"] == asyncio.run(story())
    assert ["first"] == [fields["id"] for fields in audited(tmp_path)]


def test_a_new_file_begins_with_what_is_open(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000), full=Full(1)) as accounts:
            await accounts.reserve(ask("open"))
            await accounts.refresh(idle=True)
            await accounts.refresh()
            first = next(records(accounts._segments._journal.path)).fields
            accounts.close(line("open"))
            return first

    first = asyncio.run(story())

    assert ("open", "open") == (first["event"], first["id"])


def test_a_new_file_that_cannot_be_begun_leaves_the_old_one_in_use(tmp_path):
    broken = SimpleNamespace(now=False)

    def journal(path, durable):
        from outgate.stores.journal import Journal

        if broken.now:
            raise OSError(28, "no space left on device")
        return Journal(path, durable=durable)

    async def story():
        async with running(tmp_path, limit(1000), full=Full(1), journal=journal) as accounts:
            await accounts.reserve(ask("a"))
            broken.now = True
            await accounts.refresh(idle=True)
            await accounts.refresh()
            accounts.close(line("a"))

    asyncio.run(story())

    assert ["a"] == [orjson.loads(orjson.dumps(fields))["id"] for fields in audited(tmp_path)]
