"""promises.md L3: the journal cannot be written."""

import asyncio
import errno
import os
import resource
import subprocess
import sys

import pytest

from outgate.stores.accounts import Hold
from outgate.stores.journal import Journal
from support.budgets import ask, audited, limit, line, running


class Disk:
    """Writes until it is full; while it is full, half of each record still fits."""

    full = False

    def journal(self, path, durable):
        return Journal(path, durable=durable, write=self.write)

    def write(self, file, data):
        if self.full:
            os.write(file, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "no space left on device")
        return os.write(file, data)


def test_new_spend_is_refused_and_the_gateway_recovers_without_a_restart(tmp_path):
    disk = Disk()

    async def story():
        async with running(tmp_path, limit(1000), journal=disk.journal) as accounts:
            await accounts.reserve(ask("before"))
            disk.full = True
            refused = accounts.try_reserve(ask("during")) or await accounts.reserve(ask("during"))
            accounts.close(line("before"))
            ill = not accounts.health.reason
            disk.full = False
            await accounts.refresh()
            admitted = await accounts.reserve(ask("after"))
            accounts.close(line("after"))
            return refused, ill, admitted, not accounts.health.reason, (await accounts.standings())[0].settled

    refused, ill, admitted, well, settled = asyncio.run(story())

    assert ("accounts_unavailable", 503, 1) == (refused.code, refused.status, refused.retry_after)
    assert isinstance(admitted, Hold)
    assert (False, True) == (ill, well)
    assert 200 == settled
    assert ["before", "after"] == [fields["id"] for fields in audited(tmp_path)]


def test_a_refused_request_holds_nothing(tmp_path):
    disk = Disk()

    async def story():
        async with running(tmp_path, limit(1000), journal=disk.journal) as accounts:
            await accounts.reserve(ask("0"))
            disk.full = True
            for number in range(1, 50):
                accounts.try_reserve(ask(f"x{number}"))
            disk.full = False
            return [await accounts.reserve(ask(str(number))) for number in range(1, 12)]

    assert 9 == sum(isinstance(each, Hold) for each in asyncio.run(story()))


def test_lines_that_wait_are_bounded_and_settlements_never_dropped(tmp_path):
    disk = Disk()

    async def story():
        async with running(tmp_path, limit(10_000), journal=disk.journal) as accounts:
            await accounts.reserve(ask("held"))
            disk.full = True
            for number in range(6000):
                accounts.close(line(f"denied-{number}", 0, 0))
            accounts.close(line("held"))
            waiting = len(accounts._unwritten)
            disk.full = False
            return waiting, (await accounts.standings())[0].settled

    assert (4097, 100) == asyncio.run(story())


def test_a_hold_whose_close_was_never_written_is_charged_after_a_kill(tmp_path):
    disk = Disk()

    async def story():
        async with running(tmp_path, limit(1000), journal=disk.journal) as accounts:
            await accounts.reserve(ask("x"))
            disk.full = True
            accounts.close(line("x", 1, 1))
        async with running(tmp_path, limit(1000), worker="w1") as accounts:
            return (await accounts.standings())[0]

    standing = asyncio.run(story())

    assert (100, 0) == (standing.settled, standing.leased)
    assert ["unknown"] == [fields["outcome"] for fields in audited(tmp_path)]


_LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from support.budgets import ask, limit, line, running

async def story():
    async with running(Path(sys.argv[1]), limit(10**9)) as accounts:
        await accounts.reserve(ask("first"))
        await accounts.refresh()
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
        number = 0
        while (outcome := await accounts.reserve(ask(str(number)))).__class__.__name__ == "Hold":
            accounts.close(line(str(number)))
            number += 1
        refused = outcome.code
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await accounts.refresh()
        await accounts.reserve(ask("last"))
        accounts.close(line("last"))
        accounts.close(line("first"))
        print(refused, number, (await accounts.standings())[0].settled)
asyncio.run(story())
"""


@pytest.mark.slow
def test_a_file_size_limit_of_the_kernel_is_a_full_disk(tmp_path):
    assert resource.RLIM_INFINITY == resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    ran = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    refused, number, settled = ran.stdout.split()
    closed = [fields["id"] for fields in audited(tmp_path)]

    assert "accounts_unavailable" == refused
    assert 100 * (int(number) + 2) == int(settled)
    assert sorted([*map(str, range(int(number))), "first", "last"]) == sorted(closed)
