"""Compose one process: its ports, made once, and the live policy, which may be replaced.

The composition root: the only place that reads the environment, the clock and the random source.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from outgate.answers.shared import SharedAnswers
from outgate.documents.reader import DocumentReader
from outgate.exchange.deps import ExchangeDeps
from outgate.metering.metrics import Metrics
from outgate.metering.notices import PERIOD, Notices
from outgate.metering.prices import Prices
from outgate.metering.refusals import PERIOD as SECOND
from outgate.metering.refusals import Refusals
from outgate.model_server.client import ModelClient
from outgate.model_server.supervise import ModelServerSupervisor, listening
from outgate.model_server.wire import ModelServerError
from outgate.net.via import pseudonym
from outgate.policy.files import files_of, shared_secret
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_policy
from outgate.policy.reload import Reloader
from outgate.policy.schema import LimitsSection
from outgate.policy.stage_types import Ports, models_asked, needs_model_server
from outgate.routing.latency import Latencies
from outgate.server.at_start import AtStart
from outgate.server.background import each_of, every
from outgate.server.layout import Layout
from outgate.server.memory import trim_after_start
from outgate.server.replicas import congestion_of, credentials_of, upkeep_of
from outgate.server.telling import Tell, Telling
from outgate.server.worker_config import WorkerConfig
from outgate.stages.token_budget import TokenBudget
from outgate.stores.accounts import Accounts, ClosingLine
from outgate.stores.answers import MemoryAnswers, Room
from outgate.stores.flights import Flights
from outgate.stores.memo import Memo
from outgate.stores.refused import Refused
from outgate.stores.segments import FULL, Full
from outgate.stores.state_secret import StateSecret
from outgate.tokens.tokenizers import Tokenizers
from outgate.upstreams.retry_budget import RetryBudget

if TYPE_CHECKING:
    from outgate.proxy.tls import ClientIdentity

_log = logging.getLogger(__name__)
_MODEL_SERVER_START, _GRACE = 15.0, 5.0
_ANSWER_BYTES = 8 * 1024 * 1024
_MEMO_BYTES = 6 * 1024 * 1024
"""What a worker remembers at most: part of the 230 MB that it may use in all."""
_run_id = partial(secrets.token_hex, 6)
_POLICY, _RELOADS = "outgate_policy_info", "outgate_policy_reloads_total"


class Runtime:
    """The ports of one process and its live policy. Made by `worker` or `single`, ended by `stop`.

    `tell` is how its supervisor hears of it; without one, it keeps the model server itself.
    """

    def __init__(
        self,
        layout: Layout,
        policy: Path,
        tell: Tell | None = None,
        *,
        index: int = 0,
        workers: int = 1,
        pin: str = "",
        full: Full = FULL,
    ) -> None:
        self._policy, self._socket = policy, str(layout.models)
        self._telling = Telling(tell, self.keep_model_server)
        self._retired = self._keeps_model_server = False
        self._accounts = Accounts(
            layout.accounts, worker=f"w{index}", workers=workers, wall=time.time, monotonic=time.monotonic, ids=_run_id, full=full
        )
        self._accounts.health.changed = self._telling.accounts
        self._prices, self._latencies = Prices(time.time), Latencies(time.monotonic)
        self.metrics = metrics = Metrics(layout.metrics)
        self._notices, self._refusals, self._in_force = Notices(), Refusals(time.time), ""
        self._models = ModelClient(self._socket, partial(metrics.observe, "outgate_model_server_seconds"), metrics.observe)
        self._upkeep = upkeep_of(layout, metrics, time.time, time.monotonic)
        self._client, self._asked, self._budget = self._upkeep.client, asyncio.Event(), RetryBudget(time.monotonic)
        self._credentials = credentials_of(self._client, os.environ, time.monotonic, time.time)
        kept, memo = MemoryAnswers(time.time, max_bytes=_ANSWER_BYTES), Memo(secrets.token_bytes(32), max_bytes=_MEMO_BYTES)
        self._tokenizers = Tokenizers(memo, SystemRandom())
        self._ports = Ports(
            accounts=self._accounts,
            answers=SharedAnswers.at(layout.answers, kept, time.time, time.monotonic, metrics),
            flights=Flights(),
            model_server=self._models,
            memo=memo,
            client=self._client,
            credentials=self._credentials,
            documents=DocumentReader(),
            tokenizers=self._tokenizers,
            prices=self._prices,
            latencies=self._latencies,
            metrics=metrics,
            notices=self._notices,
            refusals=self._refusals,
            state_secret=StateSecret.in_folder(layout.state),
            refused=Refused(layout.refused, time.time),
            replicas=self._upkeep.replicas,
            congestion=congestion_of(self._upkeep, metrics),
            wall=time.time,
            monotonic=time.monotonic,
            ids=exchange_id,
        )
        self._at_start: AtStart | None = None
        self._reloader = Reloader(
            policy,
            lambda path: load_policy(path, self._ports),
            pin=pin,
            swapped=self._swapped,
            refused=self._refused,
            files=files_of,
        )
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    async def worker(cls, config: WorkerConfig, tell: Tell | None) -> "Runtime":
        """A worker's runtime, started. Raises PolicyError, OSError or sqlite3.Error."""
        layout = Layout(state=Path(config.state))
        place: Any = {"index": config.index, "workers": config.workers, "full": Full(config.audit_bytes, config.audit_seconds)}
        runtime = cls(layout, Path(config.policy), tell, **place, pin=config.pin)
        await runtime.start()
        return runtime

    @classmethod
    async def single(cls, policy: Path, state: Path, *, pin: str = "") -> "Runtime":
        """The runtime of a process that is alone (mitmdump, mitmweb): it keeps the model server itself. Raises as `worker`."""
        runtime = cls(Layout(state=state).make(), policy, pin=pin)
        await runtime.start()
        return runtime

    async def start(self) -> None:
        """Open the accounts, compile the policy, and wait a while for the model server where the policy asks it."""
        await self._accounts.start()
        try:
            live = await self._reloader.start()
            await self._upkeep.listed()
            if shared := shared_secret(self._policy, live.gateway, os.environ):
                self._ports.state_secret.replace(shared)
        except BaseException:
            await self.stop()
            raise
        self.in_background(self._reloader.watch(lambda: asyncio.sleep(1.0)))
        self.in_background(self._reload_when_asked())
        self.in_background(self._upkeep.run())
        self.in_background(every(PERIOD, self._notices.flush))
        self.in_background(every(SECOND, self._each_second))
        self.in_background(asyncio.to_thread(self._prices.load))
        self.in_background(trim_after_start())
        if needs_model_server(live.stages):
            with contextlib.suppress(ModelServerError, TimeoutError):
                await listening(self._socket, _MODEL_SERVER_START)
                await asyncio.wait_for(self._prepare(live), _MODEL_SERVER_START)

    def keep_model_server(self) -> None:
        """Keep the model server of this machine alive, from the first time this is called."""
        if not self._keeps_model_server:
            self._keeps_model_server = True
            self.in_background(ModelServerSupervisor.of_socket(self._socket, time.monotonic, _log.warning, self.metrics.add).run())

    async def stop(self) -> None:
        """Nothing of it is left when this returns: what runs beside has ended too, the model server's process with it."""
        beside = self._tasks - {asyncio.current_task()}
        for task in beside:
            task.cancel()
        await self._reloader.stop()
        await self._models.close()
        self._client.close()
        self._each_second()
        await self._accounts.stop()
        for each in (self._ports.answers, self.metrics, self._ports.refused):
            each.close()
        if beside:
            await asyncio.wait(beside)

    def retire(self) -> asyncio.Task[None]:
        """From now on there is no policy; stop once the exchanges that run have ended, or some seconds have passed."""
        self._retired = True
        return self.in_background(self._retire())

    async def _retire(self) -> None:
        ended = asyncio.Event()
        if self._reloader.current is not None:
            self._reloader.current.retire(lambda _: ended.set())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await ended.wait()
        await self.stop()

    def reload_soon(self) -> None:
        """Reload after the reload that may be going on; being asked twice meanwhile is being asked once."""
        self._asked.set()

    async def _reload_when_asked(self) -> None:
        while await self._asked.wait():
            self._asked.clear()
            await self._reloader.reload()

    def _each_second(self) -> None:
        self._telling.providers(self.policy(), self._credentials)
        for last, record in self._refusals.flush():
            self._accounts.close(ClosingLine(last, 0, 0, record))

    def policy(self) -> LivePolicy | None:
        return None if self._retired else self._reloader.current

    @property
    def revision(self) -> str:
        return self._in_force

    def exchange_deps(self) -> ExchangeDeps:
        return ExchangeDeps(
            policy=self.policy,
            nanoseconds=time.perf_counter_ns,
            seconds=time.monotonic,
            wall=time.time,
            ids=exchange_id,
            credentials=self._credentials,
            tokenizers=self._tokenizers,
            flights=self._ports.flights,
            budget=self._budget,
            own_name=lambda: pseudonym(self._ports.state_secret.derive("via")),
            attempted=each_of(self._latencies.observe, self._upkeep.replicas.health.observe, self._telling.tally.observe),
            ended=each_of(self._upkeep.replicas.health.ended, self._telling.tally.ended),
            members=self._upkeep.replicas.members.of,
            ejected=self._upkeep.replicas.ejected,
            distrusted=self._notices.distrusted,
        )

    def limits(self) -> LimitsSection:
        """The limits of the policy at start; listeners keep them until the process is restarted."""
        policy = self.policy()
        assert policy is not None
        return policy.gateway.limits

    def identity(self) -> "ClientIdentity | None":
        """The verifier of client certificates, where the policy at start names an authority for them."""
        from outgate.proxy.tls import ClientIdentity  # with mitmproxy, which no refused policy waits for

        policy = self.policy()
        assert policy is not None
        name = policy.gateway.client_ca
        return ClientIdentity(self._policy.parent / name) if name else None

    def in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run beside the exchanges, kept until it ends."""
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _refused(self, refused: bool) -> None:  # noqa: FBT001 - a callback
        self.metrics.set("outgate_policy_refused", float(refused))
        self.metrics.add(_RELOADS, ("refused",), float(refused))

    def _swapped(self, policy: LivePolicy) -> None:
        if self._in_force:
            self.metrics.add(_POLICY, (self._in_force,), -1.0)
            self.metrics.add(_RELOADS, ("applied",))
        self.metrics.add(_POLICY, (policy.revision,))
        self._in_force = policy.revision
        self._at_start = self._at_start or AtStart(policy.gateway, self._policy.parent)
        if late := self._at_start.changed(policy.gateway):
            _log.warning("changed, and read at start only: %s; restart outgate for it to take effect", ", ".join(late))
        self._ports.answers.bound(Room(*policy.gateway.cached_answers.model_dump().values()))
        self._accounts.limit(limit for stage in policy.stages if isinstance(stage, TokenBudget) for limit in stage.limits)
        self._client.keep(policy.catalog.backends)
        self._upkeep.keep(policy.catalog.backends)
        self._telling.tally.keep(backend.name for backend in policy.catalog.backends)
        for problem in (problem for backend in policy.catalog.backends for problem in self._credentials.check(backend)):
            _log.warning("%s%s", problem.message, "; until there is one, its requests are refused" if problem.is_error else "")
        if needs_model_server(policy.stages):
            self._telling.needs_model_server()
            self.in_background(self._prepare(policy))

    def _prepare(self, policy: LivePolicy) -> Coroutine[Any, Any, None]:
        return self._models.prepare(models_asked(policy.stages), _log.warning)


def exchange_id() -> str:
    """A request id: 128 random bits."""
    return "req_" + secrets.token_hex(16)
