"""Assemble mitmproxy in a worker: only the addons that the gateway needs, on sockets that the supervisor holds.

Kept apart from `worker`, which imports it when a policy is live: mitmproxy takes longer to import than a policy takes to refuse.
"""

import asyncio
import contextlib
import logging
import socket
from functools import partial

from outgate.metering.metrics import Metrics
from outgate.proxy.gateway import Gateway
from outgate.proxy.handler import SOCKETS
from outgate.proxy.master import SteadyOptions, WorkerMaster, serving_addons
from outgate.server.background import every
from outgate.server.hardening import harden, insist
from outgate.server.runtime import Runtime
from outgate.server.sentinel import Sentinel
from outgate.server.worker_config import WorkerConfig

_log = logging.getLogger(__name__)


def master_for(config: WorkerConfig, runtime: Runtime, loop: asyncio.AbstractEventLoop) -> tuple[WorkerMaster, Gateway]:
    """The master and its gateway, hardened; it listens once its servers are set up. Raises OptionsError."""
    master = WorkerMaster(SteadyOptions(), loop)
    gateway = Gateway(runtime.exchange_deps(), runtime.limits(), identity=runtime.identity())
    sentinel = Sentinel(lambda: runtime.policy() is not None)
    master.addons.add(gateway, *serving_addons(), sentinel)
    modes = []
    for name, descriptor in (("gateway", config.listen_fd), ("gatewaytransparent", config.transparent_fd)):
        if descriptor >= 0:
            SOCKETS[name] = socket.socket(fileno=descriptor)
            modes.append(f"{name}@{SOCKETS[name].getsockname()[1]}")
    harden(master.options)
    master.options.update(confdir=config.certs, mode=modes, tcp_timeout=int(runtime.limits().idle_seconds))
    insist(master.options, _log.error)
    runtime.in_background(every(1.0, partial(_show, runtime.metrics, gateway)))
    return master, gateway


def _show(metrics: Metrics, gateway: Gateway) -> None:
    metrics.set("outgate_connections", len(gateway.shares))
    metrics.set("outgate_exchanges_in_flight", len(gateway.exchanges))


async def drain(master: WorkerMaster, gateway: Gateway, seconds: float) -> None:
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
