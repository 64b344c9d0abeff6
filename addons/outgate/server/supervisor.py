"""Supervise `outgate run`: hold the listening sockets, keep the workers and the model server alive, answer metrics and probes.

The model server is started when a worker says that a policy needs it. A worker that gives no sign of life is ended and replaced, as
the model server is. Every child holds the reading end of a pipe from here, so
that none outlives this process, however it ends.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from outgate.metering.metrics import Metrics, Sample, render
from outgate.model_server.supervise import ModelServerSupervisor
from outgate.server.audit_files import AS_IT_COMES, AuditCopy, AuditSettings, keep
from outgate.server.gauges import authority, budgets
from outgate.server.layout import Layout, authority_problem
from outgate.server.logs import Log
from outgate.server.worker_config import WorkerConfig

_log = logging.getLogger(__name__)
_BACKOFF = (0.0, 0.2, 1.0, 5.0)
_REFUSED = 2
"""A worker's exit code when it cannot run with what it was given. At the first start there is no use in trying again; later there
is, since the policy may be mended, and its siblings serve on with the one in force.
"""
_QUIET, _DEAD = 5, 10
"""Seconds without a sign of life after which a worker does not count as ready, and after which it is replaced; counted one by one,
so that a machine that was suspended finds its workers alive.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The arguments of `outgate run`. `listen`, `transparent` and `admin` are `(host, port)`; port 0 lets the kernel choose."""

    policy: Path
    state: Path
    certs: Path
    listen: tuple[str, int]
    admin: tuple[str, int]
    transparent: tuple[str, int] | None = None
    workers: int = 1
    pin: str = ""
    drain: float = 30.0
    log: str = "text"
    log_level: str = "warning"
    audit: AuditSettings = AS_IT_COMES


class Worker:
    """One worker process and its readiness. `silent` is how many seconds it gave no sign of life."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: asyncio.subprocess.Process | None = None
        self.serves = False
        self.silent = 0
        self.trouble = ""
        """Why it serves nothing that spends; empty while it does."""
        self.untold = b""
        self.failures = 0

    @property
    def ready(self) -> bool:
        return self.serves and self.silent < _QUIET


class Supervisor:
    """Owner of the sockets and processes; it holds no policy and sees no request."""

    def __init__(self, settings: RunSettings, log: Log) -> None:
        self._settings, self._log, self._announce = settings, log, log.say
        self._layout = Layout(state=settings.state)
        self._workers = [Worker(index) for index in range(settings.workers)]
        self._sockets: dict[str, socket.socket] = {}
        self._stopping = asyncio.Event()
        self._wants_model_server = asyncio.Event()
        count = Metrics(self._layout.metrics).add
        self._model_server = ModelServerSupervisor.of_socket(str(self._layout.models), time.monotonic, _log.warning, count)
        self._served = self._refused = False

    async def run(self) -> int:
        """Run until SIGTERM or SIGINT. Returns the exit code. Raises OSError where an address cannot be listened on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal_workers, signal.SIGHUP)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.add_signal_handler(number, self._change_level, number)
        self._open()
        copy = AuditCopy(self._layout.accounts, sys.stdout.fileno()) if self._settings.audit.copied else None
        admin = await self._serve_admin()
        async with asyncio.TaskGroup() as group:
            kept = keep(self._layout.accounts / "audit", self._settings.audit.kept, _now)
            works = (self._keep_model_server(), self._watch_workers(), kept)
            beside = [group.create_task(work) for work in works]
            keepers = [group.create_task(self._keep(worker)) for worker in self._workers]
            await self._stopping.wait()
            for opened in self._sockets.values():
                opened.close()
            self._signal_workers(signal.SIGTERM)
            await asyncio.wait(keepers)
            for task in beside:
                task.cancel()
        if copy is not None:
            await asyncio.to_thread(copy.stop)
        await admin.cleanup()
        return _REFUSED if self._refused else 0

    async def _keep_model_server(self) -> None:
        await self._wants_model_server.wait()
        await self._model_server.run()

    async def _watch_workers(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for worker in self._workers:
                worker.silent += 1
                if worker.serves and worker.silent == _DEAD:
                    _log.error("worker %d does not answer and is ended", worker.index)
                    _signal(worker, signal.SIGKILL)

    def _open(self) -> None:
        for name, address in (("listen", self._settings.listen), ("transparent", self._settings.transparent)):
            if address is not None:
                self._sockets[name] = _bound(address)
        host, port = self._sockets["listen"].getsockname()[:2]
        self._announce(f"outgate listens on http://{host}:{port} with {self._settings.workers} worker(s)")

    async def _keep(self, worker: Worker) -> None:
        """Start a worker, and again whenever it dies, a little later each time it dies young."""
        while not self._stopping.is_set():
            code = await self._once(worker)
            if code == _REFUSED and not self._served:
                self._refused = True
                self._stopping.set()
            elif not self._stopping.is_set():
                _log.error("worker %d ended with %s", worker.index, code)
                await self._pause(_BACKOFF[min(worker.failures, len(_BACKOFF) - 1)])
                worker.failures += 1

    async def _once(self, worker: Worker) -> int:
        reading, writing = os.pipe()
        descriptors = {name: opened.fileno() for name, opened in self._sockets.items()}
        config = self._config(worker, descriptors, writing)
        try:
            worker.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-O",
                "-m",
                "outgate.server.worker",
                config.encode(),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(writing, *descriptors.values()),
            )
        finally:
            os.close(writing)
        asyncio.get_running_loop().add_reader(reading, self._on_status, worker, reading)
        code = await worker.process.wait()
        worker.serves, worker.trouble, worker.untold = False, "", b""
        asyncio.get_running_loop().remove_reader(reading)
        os.close(reading)
        return code

    def _config(self, worker: Worker, descriptors: dict[str, int], status: int) -> WorkerConfig:
        settings = self._settings
        return WorkerConfig(
            policy=str(settings.policy),
            state=str(settings.state),
            certs=str(settings.certs),
            index=worker.index,
            workers=settings.workers,
            listen_fd=descriptors["listen"],
            transparent_fd=descriptors.get("transparent", -1),
            status_fd=status,
            pin=settings.pin,
            drain=settings.drain,
            log=self._log.style,
            log_level=self._log.level,
            audit_bytes=settings.audit.full.size,
            audit_seconds=settings.audit.full.seconds,
        )

    def _on_status(self, worker: Worker, reading: int) -> None:
        told = os.read(reading, 4096)
        if not told:
            asyncio.get_running_loop().remove_reader(reading)
        *lines, worker.untold = (worker.untold + told).split(b"\n")
        for line in lines:
            worker.silent = 0
            self._told(worker, *line.decode(errors="replace").partition(" ")[::2])

    def _told(self, worker: Worker, subject: str, words: str) -> None:
        if subject == "model_server":
            self._wants_model_server.set()
        elif subject == "accounts":
            worker.trouble = f"accounts: {words}" if words else ""
        elif subject == "ready":
            worker.serves, worker.failures, self._served = True, 0, True
            if all(each.ready for each in self._workers):
                self._announce("outgate is ready")

    def _signal_workers(self, number: signal.Signals) -> None:
        for worker in self._workers:
            _signal(worker, number)

    def _change_level(self, number: signal.Signals) -> None:
        """Tell more or less, here and in the workers: one that is only starting reads it once it serves."""
        level = self._log.heard(number)
        self._announce(f"the log tells level {level} from now on")
        for worker in self._workers:
            if worker.process is not None and worker.process.stdin is not None:
                worker.process.stdin.write(f"{level}\n".encode())

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    # -- for people and probes ------------------------------------------------------------------------------------------

    async def _serve_admin(self) -> web.AppRunner:
        app = web.Application()
        app.add_routes([web.get("/metrics", self._metrics), web.get("/healthz", self._health), web.get("/readyz", self._readiness)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        opened = _bound(self._settings.admin)
        await web.SockSite(runner, opened).start()
        host, port = opened.getsockname()[:2]
        self._announce(f"metrics on http://{host}:{port}/metrics, probes on /healthz and /readyz")
        return runner

    async def _metrics(self, _: web.Request) -> web.Response:
        ready = sum(worker.ready for worker in self._workers)
        counts = (("configured", len(self._workers)), ("ready", ready))
        workers = [Sample("outgate_workers", (state,), count) for state, count in counts]
        body = await asyncio.to_thread(self._rendered, workers)
        return web.Response(body=body, content_type="text/plain")

    def _rendered(self, workers: list[Sample]) -> bytes:
        beside = (*workers, *budgets(self._layout.accounts, _now()), *authority(self._settings.certs))
        return render(self._layout.metrics, beside)

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readiness(self, _: web.Request) -> web.Response:
        """200 while one worker serves and can spend: a probe that fails takes away what the others still do."""
        serving = [worker for worker in self._workers if worker.ready and not worker.trouble]
        reasons = ["stopping"] * self._stopping.is_set() + sorted({worker.trouble for worker in self._workers} - {""})
        reasons += ["model server down"] * (self._wants_model_server.is_set() and not self._model_server.up)
        text = ", ".join([f"{len(serving)} of {len(self._workers)} workers ready", *reasons])
        return web.Response(status=200 if serving and not self._stopping.is_set() else 503, text=f"{text}\n")


def run(settings: RunSettings) -> int:
    """Run the gateway in the foreground; returns its exit code: 0 after SIGTERM, 2 when it cannot run with what it was given."""
    log = Log(settings.log, settings.log_level).begin()
    problem = authority_problem(settings.certs)
    try:
        Layout(state=settings.state).make()
    except OSError as error:
        problem = problem or f"state: {settings.state} cannot be used ({error.strerror})"
    if problem:
        log.say(f"outgate refuses to run: {problem}")
        return _REFUSED
    try:
        return asyncio.run(Supervisor(settings, log).run())
    except OSError as error:
        log.say(f"outgate refuses to run: {error}")
        return _REFUSED


def _signal(worker: Worker, number: signal.Signals) -> None:
    if worker.process is not None and worker.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            worker.process.send_signal(number)


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _bound(address: tuple[str, int]) -> socket.socket:
    """A listening socket. Raises OSError with the address in it."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    opened = socket.create_server(address, family=family, backlog=4096)
    opened.setblocking(False)
    return opened
