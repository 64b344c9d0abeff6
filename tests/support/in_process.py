"""A worker in this process, on a thread of its own, whose compiled steps a test can break.

The listener, the layers, the exchange and the stages are the real ones; only `break_step` replaces what one step does.
"""

import asyncio
import copy
import dataclasses
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from outgate.pipeline.plan import Plan, Step
from outgate.proxy.handler import SOCKETS
from outgate.server.runtime import Runtime
from outgate.server.worker import _eager
from outgate.server.worker_config import WorkerConfig
from outgate.server.worker_master import master_for

type Broken = Callable[[Step], Step]


class InProcessGateway:
    """`policy` and `state` as for `outgate run`; `certs` must hold a CA. Set `broken` to `{step name: function of the step}`."""

    def __init__(self, policy: Path, state: Path, certs: Path, env: dict[str, str] | None = None) -> None:
        self.broken: dict[str, Broken] = {}
        self.ca = certs / "mitmproxy-ca-cert.pem"
        self.port = 0
        self.runtime: Runtime | None = None
        self.gateway: Any = None
        self.world: Any = None
        self._settings = (policy, state, certs)
        self._env = env or {}
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        os.environ.update(self._env)
        self._thread.start()
        self._ready.wait(40)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        SOCKETS.clear()
        for name in self._env:
            os.environ.pop(name, None)

    def proxy_url(self, workload: str, token: str) -> str:
        return f"http://{workload}:{token}@127.0.0.1:{self.port}"

    def call[T](self, function: Callable[[], T]) -> T:
        """Run a function on the gateway's loop and give its result."""

        async def on_loop() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(10)

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        policy, state, certs = self._settings
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_task_factory(_eager)
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        config = WorkerConfig(
            policy=str(policy),
            state=str(state),
            certs=str(certs),
            listen_fd=listening.detach(),
        )
        self.runtime = runtime = await Runtime.worker(config, None)  # no supervisor: it keeps the model server itself
        master, gateway = master_for(config, runtime, self._loop)
        gateway.deps = gateway.deps._replace(policy=self._policy)
        self.gateway = gateway
        await master.addons.get("proxyserver").setup_servers()
        await master.running()
        self._ready.set()
        await self._stop.wait()
        for server in master.addons.get("proxyserver").servers:
            await server.stop()
        await master.done()
        await runtime.stop()

    def _policy(self) -> Any:
        assert self.runtime is not None
        live = self.runtime.policy()
        if live is None or not self.broken:
            return live
        broken = copy.copy(live)
        broken.routes = tuple(dataclasses.replace(route, plan=self._break(route.plan)) for route in live.routes)
        broken.head = self._break(live.head)
        return broken

    def _break(self, plan: Plan) -> Plan:
        def steps(phase: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(self.broken[step.name](step) if step.name in self.broken else step for step in phase)

        phases = ("request", "response", "streams", "close", "after")
        return dataclasses.replace(plan, **{name: steps(getattr(plan, name)) for name in phases})
