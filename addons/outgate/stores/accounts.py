"""Token accounts of one worker: reserve before a request, settle after it; one journal for both, and for audit.

On the event loop only memory is touched and one line appended; the ledger is asked by a thread, ahead of need, and waited for only
where the lease of an account is empty. A line that cannot be written refuses new spend, and is written again at the next turn.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from outgate.errors import Denial
from outgate.stores.health import Health
from outgate.stores.holds import Amount, Ask, Hold
from outgate.stores.journal import Folders, Journal, Run
from outgate.stores.leases import Leases
from outgate.stores.ledger import Ledger, Standing, TokensOf, Turn, warning
from outgate.stores.limits import BudgetLimits, Limit
from outgate.stores.recovery import recover
from outgate.stores.segments import FULL, Full, Segments
from outgate.stores.windows import steady_clock

__all__ = ["Accounts", "Amount", "Ask", "BudgetLimits", "ClosingLine", "Hold", "Limit", "Settlement", "Standing"]

_log = logging.getLogger(__name__)
_AMOUNT = '["%s",%d,%d,%d]'  # an account's key holds nothing that JSON escapes
_ENTRY = '["%s",%d,%d,%d,%d]'
_CLOSED = 4096
_UNWRITTEN = 4096
_RECOVER_EVERY = 4
_UNAVAILABLE = Denial(
    code="accounts_unavailable", status=503, message="Budgets cannot be kept at the moment, so nothing may be spent.", retry_after=1
)


class ClosingLine(NamedTuple):
    """How an exchange ended: what to charge its hold with, and the audit record, a JSON object that is not empty."""

    exchange_id: str
    tokens_in: int
    tokens_out: int
    record: bytes


class Settlement(NamedTuple):
    """What a closing line did: tokens beyond the hold, the most over its accounts."""

    debt: int = 0


class Accounts:
    """The accounts of one worker, in a folder that all workers share.

    `limits` apply to every request, besides those its stage passes. `worker` names the worker, `ids` makes its run's name unique.
    `durable` waits for the disk at every line. `tick` is how often, in seconds, the ledger is told and idle leases are given back.
    Must be started on the event loop that uses it.
    """

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        limits: Iterable[Limit] = (),
        *,
        worker: str,
        workers: int,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        ids: Callable[[], str],
        durable: bool = False,
        tick: float = 0.5,
        full: Full = FULL,
        journal: Callable[..., Journal] = Journal,
    ) -> None:
        self.limits = BudgetLimits(limits)
        self._folder, self._run_name, self._workers = folder, f"{worker}.{ids()}", workers
        self._folders = Folders(folder / "journals", folder / "audit")
        self._clock, self._tick, self._full = steady_clock(wall, monotonic), tick, full
        self._new_journal = lambda path: journal(path, durable=durable)
        self._leases = Leases(self._clock)
        self.health = Health("accounts", monotonic)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="accounts")
        self._closed: dict[str, None] = {}
        self._unwritten: list[ClosingLine] = []
        self._untold: TokensOf | None = None
        self._turns, self._reachable, self._idle, self._stopping = 0, True, False, False
        self._wake, self._done = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the ledger, fold what dead workers left, begin a journal. Raises OSError or sqlite3.Error."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._open)
        self._task = loop.create_task(self._keep())

    async def stop(self) -> None:
        """Give every lease back and archive the journal; where holds are open, they are left for another worker to judge."""
        if self._task is None:
            return
        self._stopping = True
        self._wake.set()
        await self._task
        self._task = None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def try_reserve(self, ask: Ask, limits: BudgetLimits | None = None) -> Hold | Denial | None:
        """Hold what a request may cost in every matching account, and journal it; None where the ledger must be asked first.

        Idempotent by exchange id: the same cost is the same hold, another cost replaces it.
        """
        known = self._leases.holds.get(ask.exchange_id)
        hold = self._leases.take(ask, (limits or self.limits).matching(ask.principal, ask.model))
        if not isinstance(hold, Hold) or hold is known:
            return hold
        try:
            self._segments.open(ask.exchange_id, self._open_line(ask, hold))
        except OSError as error:
            self._leases.close(hold, ())
            self.health.failed(self._said(error))
            return _UNAVAILABLE
        if self._leases.low:
            self._wake.set()
        return hold

    async def reserve(self, ask: Ask, limits: BudgetLimits | None = None) -> Hold | Denial:
        """Like `try_reserve`, and asks the ledger where the lease is empty."""
        while (outcome := self.try_reserve(ask, limits)) is None:
            self._leases.ask_for(ask := ask.exactly(), (limits or self.limits).matching(ask.principal, ask.model))
            await self.refresh()
            if not self._reachable:
                return self.try_reserve(ask, limits) or _UNAVAILABLE
        return outcome

    def close(self, line: ClosingLine) -> Settlement | None:
        """Settle the hold at what was really used and append the line; None where the exchange is closed already."""
        if line.exchange_id in self._closed:
            return None
        self._closed[line.exchange_id] = None
        if len(self._closed) > _CLOSED:
            del self._closed[next(iter(self._closed))]
        try:
            return self._settle(line)
        except OSError as error:
            self.health.failed(self._said(error))
            if line.exchange_id in self._leases.holds or len(self._unwritten) < _UNWRITTEN:
                self._unwritten.append(line)
            return Settlement()

    def limit(self, limits: Iterable[Limit]) -> None:
        """What is in force from now on: standings tell it from the next turn on."""
        self._untold = self.limits.plus(limits).tokens_of

    def release(self, exchange_id: str) -> None:
        """Lift a hold of which nothing was spent. Nothing happens where there is none."""
        if exchange_id in self._leases.holds:
            self.close(ClosingLine(exchange_id, 0, 0, b'{"outcome":"released"}'))

    async def standings(self) -> tuple[Standing, ...]:
        """Every account, after this worker's journal has been folded."""
        await self.refresh()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.standings)

    async def refresh(self, *, idle: bool = False) -> None:
        """Wait for a turn that has not begun: fold, lend, and with `idle`, give back what was not used since the last such turn."""
        if self._stopping:
            self._reachable = False
            return
        done = self._done
        self._idle = self._idle or idle
        self._wake.set()
        await done.wait()

    async def _keep(self) -> None:
        """Take turns: when something is wanted, and at every tick. Nobody else does, so that no turn is ever cut off."""
        while not self._stopping:
            try:
                async with asyncio.timeout(self._tick):
                    await self._wake.wait()
            except TimeoutError:
                self._idle = True
            self._wake.clear()
            await self._turn()
        self._leases.release_all()
        await self._turn()

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        done, self._done = self._done, asyncio.Event()
        idle, self._idle = self._idle, False
        returns, wants = self._leases.begin_turn(idle=idle)
        spent: dict[str, tuple[float, ...]] = {}
        try:
            self._write_again()
            if self.health.reason:
                self._segments.probe()
            turn = Turn(run=self._run_name, batches=self._segments.due(), returns=returns, wants=wants, limits=self._untold)
            spent, self._leases.spent = self._leases.spent, {}
            grants = await loop.run_in_executor(self._thread, self._ledger.turn, turn)
            self._segments.told(turn.batches)
            self._leases.end_turn(wants, grants)
            self._untold = None if self._untold is turn.limits else self._untold
            self._reachable = True
            self.health.worked()
        except Exception as error:
            self.health.failed(self._said(error))
            self._leases.undo_turn(returns)
            self._leases.spent |= spent
            self._reachable = False
        finally:
            done.set()
        if spent and self._reachable:
            await loop.run_in_executor(self._thread, self._warn, spent)
        if idle and self._reachable:
            await loop.run_in_executor(self._thread, self._keep_house)
            self._follow()

    def _said(self, error: Exception) -> str:
        """What failed, for operators: the system's or SQLite's own words and the folder, never the line."""
        known = isinstance(error, OSError) and error.strerror
        words = known or (str(error) if isinstance(error, sqlite3.Error) else type(error).__name__)
        return f"{words} ({self._folder})"

    def _write_again(self) -> None:
        while self._unwritten:
            self._settle(self._unwritten[0])
            del self._unwritten[0]

    def _follow(self) -> None:
        try:
            self._segments.follow(self._clock())
        except OSError as error:
            _log.error("no new journal could be begun: %s", error.strerror)

    def _warn(self, spent: dict[str, tuple[float, ...]]) -> None:
        """On the thread: log budgets that have come to a share of which is to be warned. What fails is found the next time."""
        with suppress(sqlite3.Error):
            for standing, share in self._ledger.warned(spent):
                _log.warning("%s", warning(standing, share))

    def _keep_house(self) -> None:
        """On the thread: archive what is folded; now and then, fold what dead workers left."""
        try:
            self._segments.archive(self._ledger)
            self._turns += 1
            if self._turns % _RECOVER_EVERY == 0:
                recover(self._folders, self._ledger, self._run_name)
        except (OSError, sqlite3.Error) as error:
            _log.error("folded journals were not archived: %s", type(error).__name__)

    def _open(self) -> None:
        for folder in (self._folder, *self._folders):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger, begun = self._folder / "ledger.sqlite", self._folder.with_name(f".{self._folder.name}-begun")
        if begun.exists() and not ledger.exists():
            _log.error("accounts: %s is gone, a new ledger is begun: every budget starts at nothing", ledger)
        self._ledger = Ledger(ledger, workers=self._workers)
        begun.touch(mode=0o600)
        self._ledger.prune(self._clock())
        recover(self._folders, self._ledger, self._run_name)
        run = Run.create(self._folders.journals, self._run_name)
        self._segments = Segments(run, self._folders, self._new_journal, self._full)
        self._ledger.serve()

    def _close(self) -> None:
        self._segments.shut()
        if self._leases.holds or self._unwritten or not self._reachable:
            self._segments.run.release()
        else:
            self._ledger.end(self._run_name)
            self._segments.archive(self._ledger, ended=True)
        self._ledger.close()

    def _open_line(self, ask: Ask, hold: Hold) -> bytes:
        told = orjson.dumps(
            {
                "event": "open",
                "id": ask.exchange_id,
                "time": round(self._clock(), 3),
                "outgate.workload": ask.principal.name,
                "outgate.tenant": ask.principal.tenant,
                "gen_ai.request.model": ask.model,
            }
        )
        return b'%b,"hold":[%b]}' % (told[:-1], ",".join(map(_AMOUNT.__mod__, hold.amounts)).encode())

    def _settle(self, line: ClosingLine) -> Settlement:
        hold = self._leases.holds.get(line.exchange_id)
        entries = () if hold is None else self._leases.entries(hold, line.tokens_in, line.tokens_out)
        settle = ",".join(map(_ENTRY.__mod__, entries)).encode()
        data = b'{"event":"close","id":%b,"settle":[%b],%b' % (orjson.dumps(line.exchange_id), settle, line.record[1:])
        self._segments.close(line.exchange_id, data, entries)
        if hold is not None:
            self._leases.close(hold, entries)
        return Settlement(max([entry.debt for entry in entries], default=0))
