"""Keep the model server alive: ask it twice a second whether it is, end one that does not answer, start another after a pause.

The pause grows up to half a minute; nothing is started while stopping. The child holds the reading end of a pipe
whose writing end only this process has, so it cannot outlive its parent.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from outgate.model_server.wire import Frames, ModelServerDownError, ModelServerError, frame

FIRST_PAUSE, LAST_PAUSE = 0.1, 30.0
HEALTHY = 30.0
"""Seconds after which a child that ends counts as one that worked."""
TICK, STARTING, SILENT = 0.5, 240, 5
"""Seconds between two questions, and for an answer; how many may go unanswered before the first answer, and later. Questions are
counted, not seconds: a machine that was suspended finds its child alive."""
_PASSED_ON = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


type Count = Callable[[str, tuple[str, ...], float], None]


class Child(Protocol):
    """What asyncio calls a subprocess."""

    @property
    def pid(self) -> int: ...

    async def wait(self) -> int: ...

    def kill(self) -> None: ...


class ModelServerSupervisor:
    """Keeps one child alive. `spawn` starts it, `alive` asks it, `clock` is monotonic seconds, `report` takes a line for operators,
    `count` counts a metric.

    `run` never returns until it is cancelled, and then kills the child.
    """

    def __init__(
        self,
        spawn: Callable[[], Awaitable[Child]],
        alive: Callable[[], Awaitable[bool]],
        clock: Callable[[], float],
        report: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        count: Count = lambda _metric, _labels, _amount: None,
    ) -> None:
        self._count = count
        self._spawn, self._alive, self._clock, self._report, self._sleep = spawn, alive, clock, report, sleep
        self._down_since: float | None = None
        self._silent = False
        self.up = False
        self.starts = 0

    @classmethod
    def of_socket(
        cls, path: str, clock: Callable[[], float], report: Callable[[str], None], count: Count, models: Sequence[str] = ()
    ) -> "ModelServerSupervisor":
        """The supervisor of `python -m outgate.model_server.process` on this socket."""
        return cls(lambda: spawn(path, os.environ, models), lambda: is_alive(path), clock, report, count=count)

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            started = self._clock()
            await self._live_once()
            if self._clock() - started >= HEALTHY:
                pause = FIRST_PAUSE
            await self._sleep(pause)
            pause = min(pause * 2, LAST_PAUSE)

    async def _live_once(self) -> None:
        try:
            child = await self._spawn()
        except OSError as error:
            self._ended(f"cannot be started ({error.strerror})", "unstartable")
            return
        self.starts += 1
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(child))
            try:
                code = await child.wait()
            except asyncio.CancelledError:
                _kill(child)
                await child.wait()
                raise
            finally:
                watch.cancel()
        self._ended(*(("does not answer", "silent") if self._silent else (f"ended with {code}", "ended")))

    async def _watch(self, child: Child) -> None:
        """Ask until there is no answer any more, then end the child."""
        self._silent = False
        silent, allowed = 0, STARTING
        while silent < allowed:
            if await self._alive():
                silent, allowed = 0, SILENT
                self._answered()
            else:
                silent += 1
            await self._sleep(TICK)
        self._silent = True
        _kill(child)

    def _answered(self) -> None:
        if not self.up:
            self.up = True
            self._count("outgate_model_server_up", (), 1.0)
        if self._down_since is not None:
            self._report(f"model server is back after {self._clock() - self._down_since:.1f} s")
            self._down_since = None

    def _ended(self, how: str, reason: str) -> None:
        self._count("outgate_model_server_restarts_total", (reason,), 1.0)
        if self.up:
            self.up = False
            self._count("outgate_model_server_up", (), -1.0)
        if self._down_since is None:
            self._down_since = self._clock()
            self._report(f"model server {how}, restarting; requests that need it are refused")


def _kill(child: Child) -> None:
    try:
        child.kill()
    except ProcessLookupError:
        return


async def spawn(path: str, environ: Mapping[str, str], models: Sequence[str] = ()) -> Child:
    """Start the model server with no secret of ours in its environment, and nothing but the pipe shared with it."""
    arguments = [argument for entry in models for argument in ("--model", entry)]
    passed = {name: environ[name] for name in _PASSED_ON if name in environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "outgate.model_server.process", "--socket", path, *arguments,
        stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, env=passed | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


async def listening(path: str, limit: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """Wait until the model server answers. Raises ModelServerDownError after `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            while not await is_alive(path):
                await sleep(0.02)
    except TimeoutError:
        raise ModelServerDownError from None


async def is_alive(path: str, limit: float = TICK) -> bool:
    """Whether a model server on this socket answers within `limit` seconds, once it has done what it has in hand."""
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(frame({"alive": 1}))
                return {"alive": 1} in Frames().feed(await reader.read(64))
            finally:
                writer.close()
    except (OSError, TimeoutError, ModelServerError):
        return False
