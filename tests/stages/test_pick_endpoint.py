"""Backend to endpoint, never a failed one."""

from collections import Counter

import pytest

from outgate.errors import Denial
from outgate.stages.pick_endpoint import PickEndpoint, PickEndpointSettings, Reads
from outgate.upstreams.catalog import Backend, Endpoint


def _backend(*names: str, name: str = "b") -> Backend:
    endpoints = tuple(Endpoint(name=each, host=f"{each}.test", port=443) for each in names)
    return Backend(name=name, provider="p", dialect="openai", host="p.test", endpoints=endpoints)


class Load:
    def __init__(self, **load: int) -> None:
        self.load = load

    def in_flight(self, backend: Backend, endpoint: Endpoint) -> int:
        return self.load.get(endpoint.name, 0)


def _picked(stage: PickEndpoint, backend: Backend, *failed: str) -> str:
    outcome = stage.run(Reads(backend, frozenset(failed) if failed else None))
    return outcome.code if isinstance(outcome, Denial) else outcome[0].name


def test_rotation_takes_each_in_turn_per_backend() -> None:
    stage = PickEndpoint(PickEndpointSettings(), Load())
    first, second = _backend("x", "y", "z"), _backend("x", "y", name="other")

    assert ["x", "y", "z", "x"] == [_picked(stage, first) for _ in range(4)]
    assert ["x", "y"] == [_picked(stage, second) for _ in range(2)]


@pytest.mark.parametrize("strategy", ["rotate", "least_in_flight"])
def test_failed_endpoints_are_out_until_none_is_left(strategy: str) -> None:
    stage = PickEndpoint(PickEndpointSettings(strategy=strategy), Load())
    backend = _backend("x", "y", "z")

    assert {"y", "z"} == {_picked(stage, backend, "x") for _ in range(6)}
    assert {"z"} == {_picked(stage, backend, "x", "y", "unknown") for _ in range(6)}
    assert "no_endpoint_left" == _picked(stage, backend, "x", "y", "z")
    assert 503 == stage.run(Reads(backend, frozenset("xyz"))).status


def test_least_in_flight_and_turns_among_equals() -> None:
    stage = PickEndpoint(PickEndpointSettings(strategy="least_in_flight"), Load(x=3, y=1, z=1))

    assert Counter(y=6, z=3) == Counter(_picked(stage, _backend("x", "y", "z")) for _ in range(9))
    assert "z" == _picked(stage, _backend("x", "y", "z"), "y")


def test_contract() -> None:
    contract = PickEndpoint(PickEndpointSettings(), Load()).contract

    assert (("backend",), ("endpoint.state",), ("endpoint",)) == (contract.reads, contract.outside, contract.writes)
