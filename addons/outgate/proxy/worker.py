"""One worker process: mitmproxy with only the addons the gateway needs, and the live plan.

Started by the supervisor as `python -O -m outgate.proxy.worker CONFIG`, where CONFIG is the JSON of a WorkerConfig. Says `ready`
on its status pipe once it serves; ends on SIGTERM after its exchanges have; SIGHUP reloads the policy.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from mitmproxy.addons import next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options

from outgate.errors import PolicyError
from outgate.proxy.fast_addons import FastAddonManager
from outgate.proxy.gateway import Gateway
from outgate.proxy.hardening import harden, insist
from outgate.proxy.listener import SOCKETS
from outgate.proxy.runtime import Runtime
from outgate.proxy.sentinel import Sentinel

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """What a worker is told: paths, its place among its siblings, and the descriptors it inherits. Seconds for `drain`."""

    policy: str
    state: str
    certs: str
    index: int = 0
    workers: int = 1
    listen_fd: int = -1
    transparent_fd: int = -1
    status_fd: int = -1
    encoder: str = ""
    pin: str = ""
    drain: float = 30.0

    def encode(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def decode(cls, text: str) -> "WorkerConfig":
        return cls(**orjson.loads(text))


class WorkerMaster(Master):
    """mitmproxy's master without its views, logs and scripts."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(options, event_loop=loop, with_termlog=False)
        self.addons = FastAddonManager(self)
        self._legacy_log_events.uninstall()
        setattr(self._legacy_log_events, "uninstall", lambda: None)  # noqa: B010  Master.done() would uninstall twice


def main() -> None:
    """Entry point. Exit codes: 0 after a drain, 2 when the policy is refused."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = WorkerConfig.decode(sys.argv[1])
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(config))
        except PolicyError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)


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
    runtime = await Runtime.worker(config)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # the supervisor decides
    loop.add_signal_handler(signal.SIGHUP, runtime.reload_soon)
    master, gateway = _master(config, runtime, loop)
    await master.addons.get("proxyserver").setup_servers()
    await master.running()
    _tell(config.status_fd, b"ready\n")
    await stop.wait()
    await _drain(master, gateway, config.drain)
    await master.done()
    await runtime.stop()


def _master(config: WorkerConfig, runtime: Runtime, loop: asyncio.AbstractEventLoop) -> tuple[WorkerMaster, Gateway]:
    master = WorkerMaster(Options(), loop)
    gateway = Gateway(runtime.surroundings(), runtime.limits(), observed=False)
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
    """Accept nothing new; let exchanges end, for so many seconds."""
    for server in master.addons.get("proxyserver").servers:
        await server.stop()
    running = [exchange.task for exchange in gateway.exchanges if exchange.task is not None]
    if running:
        await asyncio.wait(running, timeout=seconds)


def _tell(descriptor: int, message: bytes) -> None:
    if descriptor >= 0:
        os.write(descriptor, message)


if __name__ == "__main__":
    main()
