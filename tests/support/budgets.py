"""Accounts under a clock that tests move, and workers that spend in processes of their own."""

import asyncio
import os
import random
import sqlite3
import time
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import orjson

from outgate.inference.principal import Principal
from outgate.stores.accounts import Accounts, Ask, ClosingLine, Hold, Limit

NOON = 1_795_392_000.0 + 12 * 3600
"""A Monday, 12:00 UTC."""
AGENT = Principal(name="agent", tenant="acme")
_ids = count()


class Clock:
    """Wall and monotonic time; `pass_` moves both, `step` the wall alone."""

    def __init__(self, now: float = NOON) -> None:
        self.time = now
        self.elapsed = 1000.0

    def pass_(self, seconds: float) -> None:
        self.time += seconds
        self.elapsed += seconds

    def step(self, seconds: float) -> None:
        self.time += seconds

    def wall(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.elapsed


def limit(tokens: int, **fields) -> Limit:
    return Limit(**{"name": "team", "tokens": tokens, "window": "day"} | fields)


def make(folder: Path, *limits: Limit, clock: Clock | None = None, **fields) -> Accounts:
    clock = clock or Clock()
    fields = {"worker": "w0", "workers": 2, "tick": 3600.0} | fields
    return Accounts(folder, limits, wall=clock.wall, monotonic=clock.monotonic, ids=lambda: str(next(_ids)), **fields)


@asynccontextmanager
async def running(folder: Path, *limits: Limit, **fields):
    accounts = make(folder, *limits, **fields)
    await accounts.start()
    try:
        yield accounts
    finally:
        await accounts.stop()


def ask(exchange_id: str, tokens_in: int = 60, output: int = 40, *, principal: Principal = AGENT, model: str = "gpt-4o") -> Ask:
    return Ask(exchange_id, principal, model, tokens_in, output)


def by_bound(exact: Ask, above: int) -> Ask:
    """The same, known by a bound of its input that is so many tokens above the count."""
    return exact._replace(tokens_in=exact.tokens_in + above, counting=lambda: exact.tokens_in)


def line(exchange_id: str, tokens_in: int = 60, tokens_out: int = 40) -> ClosingLine:
    return ClosingLine(exchange_id, tokens_in, tokens_out, orjson.dumps({"outcome": "answered"}))


def audited(folder: Path) -> list[dict]:
    """Every closing line there is, archived or not."""
    paths = sorted([*(folder / "audit").glob("*.jsonl"), *(folder / "journals").glob("*/*.jsonl")])
    lines = [orjson.loads(text) for path in paths for text in path.read_bytes().splitlines()]
    return [fields for fields in lines if fields["event"] == "close"]


def burst(folder: Path, worker: int, requests: int, tenants: int, budget: int, barrier, results) -> None:
    """All at once: reserve `requests` times 100 tokens for each of so many tenants, then settle what was admitted at 37."""

    async def spend() -> None:
        per_tenant = limit(budget, per=("tenant",))
        async with running(folder, per_tenant, worker=f"w{worker}") as accounts:
            await asyncio.to_thread(barrier.wait)
            asks = [
                ask(f"{worker}-{tenant}-{number}", principal=Principal(name="agent", tenant=f"t{tenant}"))
                for number in range(requests)
                for tenant in range(tenants)
            ]
            outcomes = await asyncio.gather(*map(accounts.reserve, asks))
            await asyncio.to_thread(barrier.wait)
            admitted = [(a.principal.tenant, a.exchange_id) for a, o in zip(asks, outcomes, strict=True) if isinstance(o, Hold)]
            for _, exchange_id in admitted:
                accounts.close(line(exchange_id, 30, 7))
            results.put(admitted)

    asyncio.run(spend())


def spend_until_killed(folder: Path, worker: str, seed: int, budget: int) -> None:
    """Reserve, settle, and acknowledge each request once its line is written: `id tokens` in the file `acknowledged`."""

    async def spend() -> None:
        random_ = random.Random(seed)
        clock = {"wall": time.time, "monotonic": time.monotonic}
        accounts = Accounts(
            folder, (limit(budget, window="month"),), worker=worker, workers=2, ids=lambda: str(seed), tick=0.02, **clock
        )
        await accounts.start()
        acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in count():
            exchange_id = f"{seed}-{number}"
            output = random_.randint(1, 40)
            assert isinstance(await accounts.reserve(ask(exchange_id, 10, output)), Hold)
            await asyncio.sleep(random_.choice((0, 0, 0.0005)))
            used = random_.randint(0, output)
            accounts.close(line(exchange_id, 10, used))
            os.write(acknowledged, b"%s %d\n" % (exchange_id.encode(), 10 + used))

    asyncio.run(spend())


def peek(folder: Path) -> list[tuple[str, int, int, int, int]]:
    """(account, limit, settled, leased, debt), read by a bystander while workers are at work."""
    database = sqlite3.connect(folder / "ledger.sqlite", timeout=5)
    try:
        return database.execute("select key, tokens, settled, leased, debt from account").fetchall()
    finally:
        database.close()
