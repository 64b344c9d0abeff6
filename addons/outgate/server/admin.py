"""The admin listener: metrics of all workers, and the probes that say whether the gateway serves, and why not."""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from outgate.metering.metrics import Sample, render
from outgate.server.gauges import authority, budgets
from outgate.server.layout import Layout
from outgate.server.worker_process import WorkerProcess


class Standing(NamedTuple):
    """How the processes stand; `troubles` are those of no worker, in words."""

    workers: Sequence[WorkerProcess]
    stopping: bool
    troubles: Sequence[str] = ()

    @property
    def serves(self) -> bool:
        """One worker that serves and can spend is enough: a probe that fails takes away what the others still do."""
        return bool(self._serving) and not self.stopping

    @property
    def words(self) -> str:
        """`1 of 2 workers ready, worker 1 is being started again, model server down`."""
        reasons = ["stopping"] if self.stopping else list(self._starting())
        reasons += sorted({worker.trouble for worker in self.workers} - {""})
        return ", ".join([f"{len(self._serving)} of {len(self.workers)} workers ready", *reasons, *self.troubles])

    @property
    def _serving(self) -> list[WorkerProcess]:
        return [worker for worker in self.workers if worker.ready and not worker.trouble]

    def _starting(self) -> Iterable[str]:
        if not any(worker.served for worker in self.workers):
            return ("starting",)
        return (f"worker {worker.index} is being started again" for worker in self.workers if worker.served and not worker.serves)


class Admin:
    """What is asked of a gateway. `standing` and `outages` are looked at with each request, `now` gives epoch seconds."""

    def __init__(
        self, layout: Layout, certs: Path, standing: Callable[[], Standing], outages: Callable[[], Iterable[Sample]],
        now: Callable[[], float],
    ) -> None:  # fmt: skip
        self._layout, self._certs, self._standing, self._outages, self._now = layout, certs, standing, outages, now

    async def serve(self, opened: socket.socket) -> web.AppRunner:
        """Answer on this socket until the runner is cleaned up."""
        app = web.Application()
        app.add_routes([web.get("/metrics", self._metrics), web.get("/healthz", self._health), web.get("/readyz", self._readiness)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.SockSite(runner, opened).start()
        return runner

    async def _metrics(self, _: web.Request) -> web.Response:
        workers = self._standing().workers
        counts = (("configured", len(workers)), ("ready", sum(worker.ready for worker in workers)))
        beside = [*(Sample("outgate_workers", (state,), count) for state, count in counts), *self._outages()]
        return web.Response(body=await asyncio.to_thread(self._rendered, beside), content_type="text/plain")

    def _rendered(self, beside: list[Sample]) -> bytes:
        return render(self._layout.metrics, (*beside, *budgets(self._layout.accounts, self._now()), *authority(self._certs)))

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readiness(self, _: web.Request) -> web.Response:
        standing = self._standing()
        return web.Response(status=200 if standing.serves else 503, text=f"{standing.words}\n")
