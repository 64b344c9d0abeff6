"""Upkeep of replicas: lists, probes and shared ejections, each when it is due."""

import asyncio

import orjson
import pytest

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.upstreams.client import Fetched
from outgate.upstreams.health import Ejection
from outgate.upstreams.picking.load import Load
from outgate.upstreams.replica_settings import HealthSettings, ReplicaSettings
from outgate.upstreams.upkeep import Upkeep
from support.replicas import Clock, attempt, backend, replicas
from upstreams.tls_server import aio

SUDDEN = HealthSettings(slow_start=0.0, probe_path="/health")


class Engines:
    """A client whose replicas answer probes by the name: a status, or an error."""

    def __init__(self, **answers):
        self.answers, self.busy, self.asked, self.text = answers, 0, [], b""

    def in_flight(self, _backend, _endpoint):
        return self.busy

    async def fetch(self, _backend, method, path, *, endpoint):
        self.asked.append((endpoint.name, method, path))
        answer = self.answers[endpoint.name]
        if isinstance(answer, Exception):
            raise answer
        return Fetched(answer, None, self.text)


async def _nothing(_):
    return {}


async def _settled(upkeep):
    upkeep.look()
    while pending := list(upkeep._running.values()):
        await asyncio.wait(pending)


def _out(port, of):
    return {name for name, share in port.health.snapshot(of, of.endpoints).shares.items() if share == 0.0}


@aio
@pytest.mark.parametrize(
    ("answer", "out"),
    [
        (200, set()),
        (302, set()),
        (404, {"x"}),
        (503, {"x"}),
        (UpstreamError(FailureKind.CONNECT, "refused"), {"x"}),
        (TimeoutError(), {"x"}),
        (UpstreamError(FailureKind.TIMEOUT, "slots", reason=FailureReason.QUEUE_TIMED_OUT), set()),
    ],
)
async def test_a_probe_says_up_or_down(answer, out):
    of, port = backend("x", "y", replicas=ReplicaSettings(health=SUDDEN)), replicas()
    engines = Engines(x=answer, y=200)
    upkeep = Upkeep(port, engines, _nothing, Clock())
    upkeep.keep((of,))
    await _settled(upkeep)

    assert out == _out(port, of)
    assert [("x", "GET", "/health"), ("y", "GET", "/health")] == engines.asked


@aio
async def test_probes_are_due_again_and_not_asked_of_a_backend_without_a_free_slot():
    clock, of = Clock(), backend("x", "y", replicas=ReplicaSettings(health=SUDDEN), max_in_flight=2)
    engines = Engines(x=200, y=200)
    upkeep = Upkeep(replicas(), engines, _nothing, clock)
    upkeep.keep((of,))
    counts = []
    for seconds, busy in ((0, 0), (1, 0), (5, 0), (5, 1)):
        clock.now, engines.busy = clock.now + seconds, busy
        await _settled(upkeep)
        counts.append(len(engines.asked))

    assert [2, 2, 4, 4] == counts


@aio
async def test_lists_are_there_before_the_first_request(tmp_path):
    (tmp_path / "list").write_bytes(orjson.dumps({"endpoints": [{"address": "10.0.0.1:1"}]}))
    of, port = backend("own", replicas=ReplicaSettings(file=str(tmp_path / "list"), fixed=False)), replicas()
    upkeep = Upkeep(port, Engines(), _nothing, Clock())
    upkeep.keep((of,))
    await upkeep.listed()

    assert ["10.0.0.1:1"] == [each.name for each in port.members.of(of)]


@aio
async def test_ejections_are_told_until_they_are_known_and_those_of_others_taken():
    clock, told = Clock(), []
    of, port = backend("x", "y", "z", "w"), replicas(clock)

    async def share(news):
        told.append(dict(news))
        if len(told) == 1:
            raise OSError("disk full")
        return {("b", "y.test:443"): Ejection(clock.now + 5, 1)}

    upkeep = Upkeep(port, Engines(), share, clock)
    upkeep._backends = (of,)
    port.keep((of,))
    for _ in range(5):
        port.health.observe(attempt(of, "x", FailureKind.CONNECT))
    for _ in range(3):
        await _settled(upkeep)

    ejected = {("b", "x.test:443"): Ejection(clock.now + 10, 1)}
    assert [ejected, ejected, {}] == told
    assert {"x", "y"} == _out(port, of)


@aio
async def test_the_age_of_a_load_grows_while_a_replica_tells_nothing():
    clock, of = Clock(), backend("x", "y", replicas=ReplicaSettings(metrics_path="/metrics", metrics_every=1.0))
    engines, ages = Engines(x=200, y=500), []
    engines.text = b"vllm:num_requests_waiting 3\n"
    upkeep = Upkeep(replicas(clock), engines, _nothing, clock, lambda *age: ages.append(age))
    upkeep.keep((of,))
    for _ in range(3):
        await _settled(upkeep)
        clock.now += 1.0

    assert [0.0, 1.0, 1.0] == [seconds for _, name, seconds in ages if name == "x"]
    assert [0.0, 1.0, 2.0] == [seconds for _, name, seconds in ages if name == "y"]


@aio
async def test_the_load_that_a_replica_tells_is_known_until_it_is_stale():
    clock, of = Clock(), backend("x", "y", replicas=ReplicaSettings(metrics_path="/metrics"))
    port, engines = replicas(clock), Engines(x=200, y=503)
    engines.text = b"vllm:num_requests_waiting 3\n"
    upkeep = Upkeep(port, engines, _nothing, clock)
    upkeep.keep((of,))
    await _settled(upkeep)

    assert [Load(3.0, 0.0), None] == [port.load(of, each) for each in of.endpoints]
    engines.answers["x"] = UpstreamError(FailureKind.CONNECT, "refused")
    clock.now += 2.1
    await _settled(upkeep)
    assert port.load(of, of.endpoints[0]) is None
