"""Run one worker process: first the policy, then mitmproxy, with only the addons that the gateway needs, to serve it.

Started by the supervisor as `python -O -m outgate.server.worker CONFIG`, where CONFIG is the JSON of a WorkerConfig. Says
`model_server` on its status pipe when a policy needs that process, `ready` once it serves, `alive` every second from then on,
`accounts REASON` when they cannot be kept (without a reason when they can again), and `provider` with a line of `metering.outages`.
Its standard input brings levels of the log.
Ends on SIGTERM, or when its standard input does (the supervisor is gone), after its exchanges have; SIGHUP reloads the policy.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Coroutine
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from outgate.errors import PolicyError
from outgate.server.layout import Layout
from outgate.server.logs import FirstToSay, Log
from outgate.server.memory import freeze_startup_objects, return_large_blocks
from outgate.server.runtime import Runtime
from outgate.server.worker_config import WorkerConfig

_LONGEST = 500
"""Bytes of a line that are told: less than a pipe takes at once."""


def main() -> None:
    """Entry point. Exit codes: 0 after a drain, 2 when the policy is refused or the state folder cannot be used."""
    config = WorkerConfig.decode(sys.argv[1])
    first = FirstToSay(Layout(state=Path(config.state)).said)
    log = Log(config.log, config.log_level, first).begin()
    without_other_addons()
    return_large_blocks()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(config, log))
        except _UnusableError as error:
            log.say(f"outgate refuses to run: {error}")
            sys.exit(2)


def without_other_addons() -> None:
    """Put an empty `mitmproxy.addons` in place, unless the real one is there; its submodules import as usual.

    The package imports every addon when it is imported: a web framework, LDAP, a parser generator, 11 MB that a worker never uses.
    """
    name = "mitmproxy.addons"
    spec = find_spec(name) if name not in sys.modules else None
    if spec is not None:
        package = ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or ())
        package.__spec__ = spec
        sys.modules[name] = package


class _UnusableError(Exception):
    """The policy or the state folder cannot be used."""


async def _runtime(config: WorkerConfig) -> Runtime:
    try:
        return await Runtime.worker(config, partial(_tell, config.status_fd))
    except PolicyError as error:
        raise _UnusableError(f"the policy is refused\n{error}") from error
    except (OSError, sqlite3.Error) as error:
        raise _UnusableError(f"the state folder {config.state} cannot be used: {error}") from error


def _loop_factory() -> Any:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


def _eager(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> asyncio.Task[Any]:
    """Tasks start at once (mitmproxy relies on it); uvloop passes `eager_start` itself on some Pythons, which must not clash."""
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)


async def _serve(config: WorkerConfig, log: Log) -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(_eager)
    runtime = await _runtime(config)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # the supervisor decides
    loop.add_signal_handler(signal.SIGHUP, runtime.reload_soon)
    loop.add_reader(sys.stdin.fileno(), _on_word, sys.stdin.fileno(), log, stop)
    from outgate.server.worker_master import drain, master_for  # a policy that is refused need not wait for mitmproxy

    master, gateway = master_for(config, runtime, loop)
    await master.addons.get("proxyserver").setup_servers()
    await master.running()
    freeze_startup_objects()
    _tell(config.status_fd, "ready")
    runtime.in_background(_signs_of_life(config.status_fd))
    await stop.wait()
    loop.remove_reader(sys.stdin.fileno())
    await drain(master, gateway, config.drain)
    await master.done()
    await runtime.stop()


def _on_word(descriptor: int, log: Log, stop: asyncio.Event) -> None:
    """What the supervisor writes is a level of the log; where it is gone, the end."""
    if levels := os.read(descriptor, 4096).decode().split():
        log.use(levels[-1])
    else:
        stop.set()


async def _signs_of_life(descriptor: int) -> None:
    while True:
        await asyncio.sleep(1.0)
        _tell(descriptor, "alive")


def _tell(descriptor: int, subject: str, words: str = "") -> None:
    """Tell the supervisor, unless it does not read: a worker never waits for it."""
    if descriptor >= 0:
        os.set_blocking(descriptor, False)
        with contextlib.suppress(BlockingIOError):
            os.write(descriptor, f"{subject} {words}".encode()[:_LONGEST] + b"\n")


if __name__ == "__main__":
    main()
