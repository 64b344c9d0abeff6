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

from outgate.metering.metrics import Metrics
from outgate.metering.outages import Outages
from outgate.model_server.supervise import ModelServerSupervisor
from outgate.server.admin import Admin, Standing
from outgate.server.audit_files import AS_IT_COMES, AuditCopy, AuditSettings, keep
from outgate.server.layout import Layout, authority_problem
from outgate.server.logs import Log
from outgate.server.worker_config import WorkerConfig
from outgate.server.worker_process import DEAD, WorkerProcess

_log = logging.getLogger(__name__)
_BACKOFF = (0.0, 0.2, 1.0, 5.0)
_REFUSED = 2
"""A worker's exit code when it cannot run with what it was given. At the first start there is no use in trying again; later there
is, since the policy may be mended, and its siblings serve on with the one in force.
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


class Supervisor:
    """Owner of the sockets and processes; it holds no policy and sees no request."""

    def __init__(self, settings: RunSettings, log: Log) -> None:
        self._settings, self._log, self._announce = settings, log, log.say
        self._layout = Layout(state=settings.state)
        self._workers = [WorkerProcess(index) for index in range(settings.workers)]
        self._sockets: dict[str, socket.socket] = {}
        self._stopping = asyncio.Event()
        self._wants_model_server = asyncio.Event()
        count = Metrics(self._layout.metrics).add
        self._model_server = ModelServerSupervisor.of_socket(str(self._layout.models), time.monotonic, _log.warning, count)
        self._outages = Outages(_now)
        self._served = self._complete = self._refused = False

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
                if worker.serves and worker.silent == DEAD:
                    _log.error("worker %d does not answer and is ended", worker.index)
                    worker.signal(signal.SIGKILL)

    def _open(self) -> None:
        for name, address in (("listen", self._settings.listen), ("transparent", self._settings.transparent)):
            if address is not None:
                self._sockets[name] = _bound(address)
        host, port = self._sockets["listen"].getsockname()[:2]
        self._announce(f"outgate listens on http://{host}:{port} with {self._settings.workers} worker(s)")

    async def _keep(self, worker: WorkerProcess) -> None:
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

    async def _once(self, worker: WorkerProcess) -> int:
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
        worker.has_ended(time.monotonic())
        asyncio.get_running_loop().remove_reader(reading)
        os.close(reading)
        return code

    def _config(self, worker: WorkerProcess, descriptors: dict[str, int], status: int) -> WorkerConfig:
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

    def _on_status(self, worker: WorkerProcess, reading: int) -> None:
        told = os.read(reading, 4096)
        if not told:
            asyncio.get_running_loop().remove_reader(reading)
        *lines, worker.untold = (worker.untold + told).split(b"\n")
        for line in lines:
            worker.silent = 0
            self._told(worker, *line.decode(errors="replace").partition(" ")[::2])

    def _told(self, worker: WorkerProcess, subject: str, words: str) -> None:
        if subject == "model_server":
            self._wants_model_server.set()
        elif subject == "accounts":
            worker.trouble = f"accounts: {words}" if words else ""
        elif subject == "provider":
            self._outages.hear(words)
        elif subject == "ready":
            self._is_ready(worker)

    def _is_ready(self, worker: WorkerProcess) -> None:
        """Say once that all serve, and of a worker that was started again, that it does."""
        again, self._served = worker.is_back(time.monotonic()), True
        if again is not None:
            self._announce(f"worker {worker.index} is back after {again:.1f} s")
        elif not self._complete and all(each.ready for each in self._workers):
            self._complete = True
            self._announce("outgate is ready")

    def _signal_workers(self, number: signal.Signals) -> None:
        for worker in self._workers:
            worker.signal(number)

    def _change_level(self, number: signal.Signals) -> None:
        """Tell more or less, here and in the workers: one that is only starting reads it once it serves."""
        level = self._log.heard(number)
        self._announce(f"the log tells level {level} from now on")
        for worker in self._workers:
            worker.write(level)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _serve_admin(self) -> web.AppRunner:
        admin = Admin(self._layout, self._settings.certs, self._standing, self._outages.samples, _now)
        opened = _bound(self._settings.admin)
        runner = await admin.serve(opened)
        host, port = opened.getsockname()[:2]
        self._announce(f"metrics on http://{host}:{port}/metrics, probes on /healthz and /readyz")
        return runner

    def _standing(self) -> Standing:
        down = self._wants_model_server.is_set() and not self._model_server.up
        return Standing(self._workers, self._stopping.is_set(), ["model server down"] * down)


def run(settings: RunSettings) -> int:
    """Run the gateway in the foreground; returns its exit code: 0 after SIGTERM, 2 when it cannot run with what it was given."""
    log = Log(settings.log, settings.log_level).begin()
    problem = authority_problem(settings.certs)
    try:
        Layout(state=settings.state).make().said.unlink(missing_ok=True)  # by a gateway before: this one says it again
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


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _bound(address: tuple[str, int]) -> socket.socket:
    """A listening socket. Raises OSError with the address in it."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    opened = socket.create_server(address, family=family, backlog=4096)
    opened.setblocking(False)
    return opened
