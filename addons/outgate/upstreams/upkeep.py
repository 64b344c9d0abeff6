"""Keep the replicas of the policy in force up to date, beside the requests: lists, probes, and ejections that workers share.

Each kind of work of a backend runs once at a time, so that a replica that is slow to answer delays nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from outgate.errors import FailureReason, UpstreamError
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.client import Client
from outgate.upstreams.health import Ejection, Key
from outgate.upstreams.picking.load import load_of
from outgate.upstreams.replicas import Changes, Replicas

_log = logging.getLogger(__name__)
PERIOD = 0.25
"""Seconds between two looks at what is due; ejections are shared as often."""
_LISTING_SECONDS = 5.0
_PROBE_SECONDS = 2.0
_LOAD_SECONDS = 1.0
_OK, _UP_BELOW = 200, 400

type Share = Callable[[Mapping[Key, Ejection]], Awaitable[Mapping[Key, Ejection]]]
"""Tells the other workers of a machine what is new, and gets what they found; raises OSError where that fails."""


class Upkeep:
    """The work of one process. `monotonic` gives seconds; `share` is asked at each look where there are several places to go to;
    `aged` is told how old the load of a replica is when it is asked again: backend, endpoint, seconds.
    """

    def __init__(
        self, replicas: Replicas, client: Client, share: Share, monotonic: Callable[[], float],
        aged: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.replicas, self.client, self._share, self._monotonic = replicas, client, share, monotonic
        self._aged = aged
        self._changes = Changes(replicas)
        self._backends: tuple[Backend, ...] = ()
        self._due: dict[tuple[str, Backend], float] = {}
        self._running: dict[tuple[str, Backend | None], asyncio.Task[None]] = {}

    def keep(self, backends: Iterable[Backend]) -> None:
        """A policy with these backends has come into force."""
        self._backends = tuple(backends)
        self.replicas.keep(self._backends)
        self._due = {key: at for key, at in self._due.items() if key[1] in self._backends}
        self.look()

    async def listed(self) -> None:
        """Wait, for a while, until the replicas of each backend have been listed once."""
        listing = [task for (kind, _), task in self._running.items() if kind == "list"]
        if listing:
            await asyncio.wait(listing, timeout=_LISTING_SECONDS)

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                self.look()
                await asyncio.sleep(PERIOD)
        finally:
            for task in self._running.values():
                task.cancel()

    def look(self) -> None:
        """Start what is due, and does not run yet."""
        for backend in self._backends:
            told = backend.replicas
            if told.dns or told.file:
                self._start("list", backend, told.every, self._list)
            if told.health.probe_path:
                self._start("probe", backend, told.health.probe_every, self._probe_all)
            if told.metrics_path:
                self._start("load", backend, told.metrics_every, self._load_all)
        if len(self._backends) > 1 or any(len(self.replicas.members.of(backend)) > 1 for backend in self._backends):
            self._begin(("share", None), self._exchange())

    def _start(self, kind: str, backend: Backend, every: float, work: Callable[[Backend], Coroutine[Any, Any, None]]) -> None:
        now = self._monotonic()
        if (kind, backend) not in self._running and now >= self._due.get((kind, backend), 0.0):
            self._due[kind, backend] = now + every
            self._begin((kind, backend), work(backend))

    def _begin(self, key: tuple[str, Backend | None], work: Coroutine[Any, Any, None]) -> None:
        if key in self._running:
            work.close()
            return
        task = self._running[key] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: tuple[str, Backend | None], task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("upkeep of replicas failed (%s)", key[0], exc_info=error)

    async def _list(self, backend: Backend) -> None:
        await self.replicas.members.refresh(backend)
        self._changes.note(backend)

    async def _probe_all(self, backend: Backend) -> None:
        """Not while the backend has no free slot: a probe would wait for one, and say nothing about the replica."""
        members = self.replicas.members.of(backend)
        if sum(self.client.in_flight(backend, each) for each in members) < backend.max_in_flight:
            await asyncio.gather(*(self._probe(backend, each) for each in members))

    async def _probe(self, backend: Backend, endpoint: Endpoint) -> None:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                found = await self.client.fetch(backend, "GET", backend.replicas.health.probe_path, endpoint=endpoint)
        except UpstreamError as error:
            if error.reason is FailureReason.QUEUE_TIMED_OUT:
                return
            self.replicas.health.probed(backend, endpoint, up=False)
        except TimeoutError:
            self.replicas.health.probed(backend, endpoint, up=False)
        else:
            self.replicas.health.probed(backend, endpoint, up=found.status < _UP_BELOW)

    async def _load_all(self, backend: Backend) -> None:
        await asyncio.gather(*(self._load(backend, each) for each in self.replicas.members.of(backend)))

    async def _load(self, backend: Backend, endpoint: Endpoint) -> None:
        """A replica that tells nothing keeps what it told, until that is too old for who asks."""
        self._aged(backend.name, endpoint.name, self.replicas.load_age(backend, endpoint))
        with suppress(UpstreamError, TimeoutError, UnicodeError):
            async with asyncio.timeout(_LOAD_SECONDS):
                found = await self.client.fetch(backend, "GET", backend.replicas.metrics_path, endpoint=endpoint)
            load = load_of(found.body.decode()) if found.status == _OK else None
            if load is not None:
                self.replicas.tell(backend, endpoint, load)

    async def _exchange(self) -> None:
        """Where it fails, what is new is told the next time."""
        health = self.replicas.health
        news = dict(health.news)
        try:
            health.merge(await self._share(news))
        except OSError:
            _log.warning("ejections of replicas cannot be shared with the other workers")
            return
        for key, each in news.items():
            if health.news.get(key) == each:
                del health.news[key]
