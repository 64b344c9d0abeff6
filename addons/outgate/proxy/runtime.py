"""What one process holds: its ports, made once, and the live policy, which may be replaced.

The composition root: the only place that reads the environment, the clock and the random source.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from outgate.encoders.client import Encoder
from outgate.encoders.supervise import EncoderSupervisor, listening
from outgate.encoders.wire import EncoderError
from outgate.metering.metrics import Metrics
from outgate.metering.prices import Prices
from outgate.metering.tokenizers import Tokenizers
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_policy
from outgate.policy.ports import Ports
from outgate.policy.reload import Reloader
from outgate.proxy.exchange import Surroundings
from outgate.proxy.limits import Limits
from outgate.stores.accounts import Accounts
from outgate.stores.answers import MemoryAnswers
from outgate.stores.memo import Memo
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.dns import CachingResolver

if TYPE_CHECKING:
    from outgate.proxy.worker import WorkerConfig

_ENCODER_START = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things lie in the state folder."""

    state: Path

    def make(self) -> "Layout":
        """Create the folder, readable by its owner alone."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    @property
    def accounts(self) -> Path:
        return self.state / "accounts"

    @property
    def metrics(self) -> Path:
        return self.state / "metrics"

    @property
    def encoder(self) -> Path:
        return self.state / "encoder.sock"


class Runtime:
    """The ports of one process and its live policy. Made by `worker` or `single`, ended by `stop`."""

    def __init__(self, layout: Layout, policy: Path, encoder: str, *, index: int, workers: int, pin: str) -> None:
        self._accounts = Accounts(
            layout.accounts,
            worker=f"w{index}",
            workers=workers,
            wall=time.time,
            monotonic=time.monotonic,
            ids=_run_id,
        )
        self._encoder = Encoder(encoder)
        self._client = Client(CachingResolver(time.monotonic))
        self._credentials = Credentials(os.environ, time.monotonic)
        memo = Memo(secrets.token_bytes(32))
        self._tokenizers = Tokenizers(memo, SystemRandom())
        self._ports = Ports(
            accounts=self._accounts,
            answers=MemoryAnswers(time.time),
            encoder=self._encoder,
            memo=memo,
            client=self._client,
            credentials=self._credentials,
            tokenizers=self._tokenizers,
            prices=Prices(time.time),
            metrics=Metrics(layout.metrics),
            wall=time.time,
            monotonic=time.monotonic,
            ids=exchange_id,
        )
        self._reloader = Reloader(policy, lambda path: load_policy(path, self._ports), pin=pin, swapped=self._swapped)
        self._tasks: set[asyncio.Task[Any]] = set()

    @classmethod
    async def worker(cls, config: "WorkerConfig") -> "Runtime":
        """A worker's runtime, started. Raises PolicyError."""
        layout = Layout(state=Path(config.state))
        runtime = cls(layout, Path(config.policy), config.encoder, index=config.index, workers=config.workers, pin=config.pin)
        await runtime.start()
        return runtime

    @classmethod
    async def single(cls, policy: Path, state: Path, *, pin: str = "") -> "Runtime":
        """The runtime of a process that is alone (mitmdump, mitmweb): it keeps the encoder itself. Raises PolicyError."""
        layout = Layout(state=state).make()
        runtime = cls(layout, policy, str(layout.encoder), index=0, workers=1, pin=pin)
        runtime.in_background(EncoderSupervisor.of_socket(str(layout.encoder), time.monotonic).run())
        with contextlib.suppress(EncoderError):
            await listening(str(layout.encoder), _ENCODER_START)
        await runtime.start()
        return runtime

    async def start(self) -> None:
        await self._accounts.start()
        await self._reloader.start()
        self.in_background(self._reloader.watch(lambda: asyncio.sleep(1.0)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._reloader.stop()
        await self._encoder.close()
        self._client.close()
        await self._accounts.stop()

    def retire(self) -> None:
        """Stop as soon as the event loop allows; from now on there is no policy."""
        self._reloader.current = None
        self.in_background(self.stop())

    def reload_soon(self) -> None:
        self.in_background(self._reloader.reload())

    def policy(self) -> LivePolicy | None:
        return self._reloader.current

    def surroundings(self) -> Surroundings:
        return Surroundings(
            policy=self.policy,
            nanoseconds=time.perf_counter_ns,
            seconds=time.monotonic,
            wall=time.time,
            ids=exchange_id,
            credentials=self._credentials,
            tokenizers=self._tokenizers,
        )

    def limits(self) -> Limits:
        """The limits of the policy at start; listeners keep them until the process is restarted."""
        policy = self.policy()
        assert policy is not None
        return Limits(**{name: getattr(policy.gateway.limits, name) for name in Limits._fields})

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run beside the exchanges, kept until it ends."""
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _swapped(self, policy: LivePolicy) -> None:
        self._client.keep(policy.catalog.backends)


def exchange_id() -> str:
    """A request id: 128 random bits."""
    return "req_" + secrets.token_hex(16)


def _run_id() -> str:
    return secrets.token_hex(6)
