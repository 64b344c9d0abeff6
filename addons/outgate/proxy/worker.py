"""One worker process: mitmproxy with only the addons the gateway needs, and the live plan.

Started by the supervisor as `python -O -m outgate.proxy.worker_main CONFIG`, where CONFIG is the JSON of a WorkerConfig. Says
`encoder` on its status pipe when a policy asks the encoder process, and `ready` once it serves; ends on SIGTERM, or when its
standard input does (the supervisor is gone), after its exchanges have; SIGHUP reloads the policy.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Coroutine
from typing import Any

from mitmproxy.addons import next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options

from outgate.errors import PolicyError
from outgate.proxy.fast_addons import FastAddonManager
from outgate.proxy.gateway import Gateway
from outgate.proxy.hardening import harden, insist
from outgate.proxy.listener import SOCKETS
from outgate.proxy.memory import return_large_blocks, settle
from outgate.proxy.runtime import Runtime
from outgate.proxy.sentinel import Sentinel
from outgate.proxy.steady_options import SteadyOptions
from outgate.proxy.worker_config import WorkerConfig

_log = logging.getLogger(__name__)


class WorkerMaster(Master):
    """mitmproxy's master without its views, logs and scripts."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(options, event_loop=loop, with_termlog=False)
        self.addons = FastAddonManager(self)
        self._legacy_log_events.uninstall()
        setattr(self._legacy_log_events, "uninstall", lambda: None)  # noqa: B010  Master.done() would uninstall twice


def main() -> None:
    """Entry point. Exit codes: 0 after a drain, 2 when the policy is refused or the state folder cannot be used."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = WorkerConfig.decode(sys.argv[1])
    return_large_blocks()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(config))
        except _UnusableError as error:
            sys.stderr.write(f"outgate refuses to run: {error}\n")
            sys.exit(2)


class _UnusableError(Exception):
    """What a worker is to run with cannot be used."""


async def _runtime(config: WorkerConfig) -> Runtime:
    try:
        return await Runtime.worker(config, lambda: _tell(config.status_fd, b"encoder\n"))
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


async def _serve(config: WorkerConfig) -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(_eager)
    runtime = await _runtime(config)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # the supervisor decides
    loop.add_signal_handler(signal.SIGHUP, runtime.reload_soon)
    loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing is ever written there: it becomes readable when the supervisor dies
    master, gateway = _master(config, runtime, loop)
    await master.addons.get("proxyserver").setup_servers()
    await master.running()
    settle()
    _tell(config.status_fd, b"ready\n")
    await stop.wait()
    loop.remove_reader(sys.stdin.fileno())
    await _drain(master, gateway, config.drain)
    await master.done()
    await runtime.stop()


def _master(config: WorkerConfig, runtime: Runtime, loop: asyncio.AbstractEventLoop) -> tuple[WorkerMaster, Gateway]:
    master = WorkerMaster(SteadyOptions(), loop)
    gateway = Gateway(runtime.surroundings(), runtime.limits(), identity=runtime.identity())
    sentinel = Sentinel(lambda: runtime.policy() is not None)
    master.addons.add(gateway, proxyserver.Proxyserver(), next_layer.NextLayer(), tlsconfig.TlsConfig(), sentinel)
    modes = []
    for name, descriptor in (("gateway", config.listen_fd), ("gatewaytransparent", config.transparent_fd)):
        if descriptor >= 0:
            SOCKETS[name] = socket.socket(fileno=descriptor)
            modes.append(f"{name}@{SOCKETS[name].getsockname()[1]}")
    harden(master.options)
    master.options.update(confdir=config.certs, mode=modes, tcp_timeout=int(runtime.limits().idle_seconds))
    insist(master.options, _log.error)
    return master, gateway


async def _drain(master: WorkerMaster, gateway: Gateway, seconds: float) -> None:
    """Accept nothing new; let exchanges end, also those that begin meanwhile on open connections, for so many seconds."""
    for server in master.addons.get("proxyserver").servers:
        await server.stop()
    for listening in SOCKETS.values():
        listening.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while running := gateway.drain():
                await asyncio.wait(running)
                await asyncio.sleep(0)  # what ended leaves the gateway's books
            connections = master.addons.get("proxyserver").connections
            await asyncio.gather(*(each.farewell() for each in list(connections.values())))  # and its last bytes the process


def _tell(descriptor: int, message: bytes) -> None:
    if descriptor >= 0:
        os.write(descriptor, message)


if __name__ == "__main__":
    main()
