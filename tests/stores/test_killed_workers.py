"""promises.md L2: workers are killed at random points under load. The oracle is a file of what
was acknowledged.
"""

import asyncio
import multiprocessing
import os
import random
import signal
import time

import pytest

from support.budgets import audited, limit, peek, running, spend_until_killed

_CONTEXT = multiprocessing.get_context("forkserver")
_KILLS = 20
_BUDGET = 10**7


def start(folder, seed):
    worker = _CONTEXT.Process(target=spend_until_killed, args=(folder, f"w{seed % 2}", seed, _BUDGET), daemon=True)
    worker.start()
    return worker


def kill(worker):
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(10)


def wait_for(path, more, worker):
    """Until so many more bytes are acknowledged."""
    enough = size(path) + more
    deadline = time.monotonic() + 20
    while size(path) < enough:
        worker.join(0.002)
        assert time.monotonic() < deadline, "nothing is acknowledged any more"


def size(path):
    return path.stat().st_size if path.exists() else 0


async def last_word(folder):
    async with running(folder, limit(_BUDGET, window="month"), worker="w9") as accounts:
        return await accounts.standings()


@pytest.mark.exhaustive
@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_counted_twice(tmp_path):
    _CONTEXT.set_forkserver_preload(["support.budgets"])
    random_, oracle, samples = random.Random(7), tmp_path / "acknowledged", []
    workers = [start(tmp_path, seed) for seed in range(2)]
    for number in range(_KILLS):
        wait_for(oracle, random_.randint(1, 2000), workers[0])
        kill(workers[number % 2])
        samples += peek(tmp_path)
        workers[number % 2] = start(tmp_path, number + 2)
    for worker in workers:
        kill(worker)
    told = {text.split()[0].decode(): int(text.split()[1]) for text in oracle.read_bytes().splitlines()}
    standing = asyncio.run(last_word(tmp_path))[0]
    closed = audited(tmp_path)
    settled = {fields["id"]: sum(entry[2] for entry in fields["settle"]) for fields in closed}

    assert _KILLS < len(told)
    assert len(settled) == len(closed)
    assert told == {exchange_id: settled.get(exchange_id) for exchange_id in told}
    assert (sum(settled.values()), 0, 0) == (standing.settled, standing.leased, standing.debt)
    assert all(used + leased - debt <= tokens and leased >= 0 for _, tokens, used, leased, debt in samples)
    unknown = [fields for fields in closed if fields["outcome"] == "unknown"]
    assert len(unknown) <= _KILLS + 2
