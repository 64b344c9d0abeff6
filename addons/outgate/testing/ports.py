"""Ports for behaviour tests: the real engines over a folder that is thrown away, and a client that records instead of dialling.

Models run in this process instead of the model server's.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import orjson

from outgate.dialects import sse
from outgate.documents.reader import DocumentReader
from outgate.errors import FailureKind, UpstreamError
from outgate.metering.metrics import Metrics
from outgate.metering.prices import Prices
from outgate.model_server.client import findings
from outgate.model_server.loading import maker
from outgate.model_server.process import MODELS
from outgate.model_server.scheduler import Model
from outgate.net.headers import Headers
from outgate.policy.stage_types import Ports
from outgate.routing.latency import Latencies
from outgate.stores.accounts import Accounts
from outgate.stores.answers import MemoryAnswers
from outgate.stores.flights import Flights
from outgate.stores.memo import Memo
from outgate.stores.refused import Refused
from outgate.stores.state_secret import SIZE, StateSecret
from outgate.testing.cases import ProviderAnswer
from outgate.tokens.tokenizers import Tokenizers
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.client import Fetched, OutboundRequest
from outgate.upstreams.congestion import Congestion
from outgate.upstreams.credentials import BoundCredential
from outgate.upstreams.dns import CachingResolver
from outgate.upstreams.health import Health
from outgate.upstreams.members import Members
from outgate.upstreams.replicas import Replicas

NOW = 1_767_225_600.0
"""The wall clock of behaviour tests stands still: 2026-01-01 00:00 UTC."""


def _wall() -> float:
    return NOW


def _stand_in(_: Callable[[], None]) -> None:
    """Load no other tokenizer beside a test: o200k stands in, so that a case is counted alike each time."""


@cache
def _model(name: str, state: Path) -> Model:
    """A model, loaded with the first request of this process that asks it."""
    return dict(maker(entry, state) for entry in MODELS)[name]()


class LocalModels:
    """Answers what the model server would. Models that keep something keep it in `state`; the others are shared by all tests."""

    def __init__(self, state: Path = Path()) -> None:
        self._state = state

    async def prepare(self, asked: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """Load models ahead of the tests: loading is no stage's time."""
        for model, options in asked:
            await asyncio.to_thread(self._loaded, model, options)

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:  # noqa: ARG002
        known = await asyncio.to_thread(self._loaded, model, options)
        jobs = [known.split(item) for item in items]
        return [known.merge(job, await asyncio.to_thread(known.run, job.pieces, options)) for job in jobs]

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str = "") -> list[Any]:
        return [findings(found) for found in await self.ask("pii", texts, options=entities, share=share)]

    def _loaded(self, name: str, options: tuple[str, ...]) -> Model:
        model = _model(name, self._state if name == "answers" else Path())
        if (prepare := getattr(model, "prepare", None)) is not None:
            prepare(options)
        return model


class GivenAnswer:
    """A provider's answer: the case's, else a 404 that every dialect can read, and that no stage repeats, keeps or charges."""

    def __init__(self, answer: ProviderAnswer | None) -> None:
        self.status = answer.status if answer is not None else 404
        streams = answer is not None and bool(answer.events)
        self.headers = Headers([("content-type", "text/event-stream" if streams else "application/json")])
        self._unread = [_NOBODY] if answer is None else [sse.encode(_bytes(one)) for one in answer.events] or [_bytes(answer.body)]

    async def read(self) -> bytes:
        return self._unread.pop(0) if self._unread else b""

    async def close(self) -> None:
        """Nothing is open."""


_NOBODY = b'{"type": "error", "error": {"type": "not_found_error", "message": "nobody was asked"}}'


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


class RecordingClient:
    """Keeps what would be sent, dials nothing, and answers what the case says."""

    def __init__(self) -> None:
        self.sent: list[OutboundRequest] = []
        self.answer: ProviderAnswer | None = None
        self.services: Mapping[str, ProviderAnswer] = {}

    async def open(self, request: OutboundRequest) -> GivenAnswer:
        self.sent.append(request)
        return GivenAnswer(self.answer)

    def in_flight(self, _: Backend, __: Endpoint) -> int:
        return 0

    def unread(self, _: Backend, __: Endpoint) -> int:
        return 0

    async def fetch(self, backend: Backend, *_: Any, **__: Any) -> Fetched:
        said = self.services.get(backend.name)
        if said is None:
            raise UpstreamError(FailureKind.CONNECT, "behaviour tests dial nothing", sent=False)
        return Fetched(said.status, Headers([]), _bytes(said.body))


class NoCredentials:
    """A credential without any secret for every backend that has one: tests show that one travels, not which."""

    def bound(self, backend: Backend) -> BoundCredential | None:
        if backend.credential is None:
            return None
        return BoundCredential(backend=backend.name, origination=backend.origination, headers=())

    def epoch(self, _: Backend) -> int:
        return 0

    def count(self, _: Backend) -> int:
        return 1

    def spare(self, _: Backend) -> bool:
        return False

    def before(self, _: Backend, __: BoundCredential) -> tuple[()]:
        return ()

    async def ready(self, _: Backend) -> None: ...

    def refused(self, _: Backend, __: BoundCredential) -> None: ...

    def limited(self, _: Backend, __: BoundCredential, ___: float | None) -> None: ...

    def worked(self, _: Backend, __: BoundCredential, ___: float | None = None) -> None: ...


@asynccontextmanager
async def behaviour_ports() -> AsyncIterator[Ports]:
    """The ports, started; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="outgate-check-") as name:
        folder = Path(name)
        ids = map("req_test{:04d}".format, itertools.count())
        accounts = _accounts(folder, ids)
        memo, client, replicas = Memo(bytes(32)), RecordingClient(), _replicas()
        refused = Refused(folder / "refused.sqlite", _wall)
        await accounts.start()
        metrics = Metrics(folder / "metrics")
        try:
            yield Ports(
                accounts=accounts,
                answers=MemoryAnswers(_wall),
                flights=Flights(),
                model_server=LocalModels(folder),
                memo=memo,
                client=client,
                credentials=NoCredentials(),
                documents=DocumentReader(),
                tokenizers=Tokenizers(memo, Random(0), spawn=_stand_in),  # noqa: S311 - samples long texts
                prices=Prices(_wall),
                latencies=Latencies(time.monotonic),
                metrics=metrics,
                state_secret=StateSecret(bytes(SIZE)),
                refused=refused,
                replicas=replicas,
                congestion=Congestion(replicas, client),
                wall=_wall,
                monotonic=time.monotonic,
                ids=lambda: next(ids),
            )
        finally:
            await accounts.stop()
            metrics.close()
            refused.close()


def _replicas() -> Replicas:
    members = Members(CachingResolver(time.monotonic))
    return Replicas(members, Health(_wall), Random(0), time.monotonic)  # noqa: S311 - no secret


def _accounts(folder: Path, ids: Iterable[str]) -> Accounts:
    numbers = iter(ids)
    return Accounts(folder / "accounts", worker="check", workers=1, wall=_wall, monotonic=time.monotonic, ids=lambda: next(numbers))
