"""Restart the model server with a growing pause: at once at first, at most every half minute, never while stopping.

The child holds the reading end of a pipe whose writing end only this process has, so it cannot outlive its parent.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from outgate.model_server.wire import ModelServerError

FIRST_PAUSE, LAST_PAUSE = 0.1, 30.0
HEALTHY = 30.0
"""Seconds after which a child that ends counts as one that worked."""
_PASSED_ON = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


class Child(Protocol):
    """What asyncio calls a subprocess."""

    async def wait(self) -> int: ...

    def kill(self) -> None: ...


class ModelServerSupervisor:
    """Keeps one child alive. `spawn` starts it, `clock` is monotonic seconds, `sleep` waits; all three are real by `of_socket`.

    `run` never returns until it is cancelled, and then kills the child.
    """

    def __init__(
        self,
        spawn: Callable[[], Awaitable[Child]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spawn, self._clock, self._sleep = spawn, clock, sleep
        self.starts = 0

    @classmethod
    def of_socket(cls, path: str, clock: Callable[[], float], models: Sequence[str] = ()) -> "ModelServerSupervisor":
        """The supervisor of `python -m outgate.model_server.process` on this socket."""
        return cls(lambda: spawn(path, os.environ, models), clock)

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
        except OSError:
            return
        self.starts += 1
        try:
            await child.wait()
        except asyncio.CancelledError:
            _kill(child)
            await child.wait()
            raise


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
    """Wait until the model server accepts connections. Raises ModelServerError(down) after `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            while not await _accepts(path):
                await sleep(0.02)
    except TimeoutError:
        raise ModelServerError("down") from None


async def _accepts(path: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True
