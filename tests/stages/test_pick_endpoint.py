"""Backend to endpoint, never a failed one."""

from collections import Counter

import pytest

from outgate.errors import Denial
from outgate.stages.pick_endpoint import PickEndpoint, PickEndpointSettings, Reads
from outgate.upstreams.catalog import Backend, Endpoint
from support.replicas import backend, replicas


class Load:
    def __init__(self, **load: int) -> None:
        self.load = load

    def in_flight(self, backend: Backend, endpoint: Endpoint) -> int:
        return self.load.get(endpoint.name, 0)


def _picked(stage: PickEndpoint, of: Backend, *failed: str) -> str:
    outcome = stage.run(Reads(of, frozenset(failed) if failed else None))
    return outcome.code if isinstance(outcome, Denial) else outcome[0].name


def test_rotation_takes_each_in_turn_perbackend() -> None:
    stage = PickEndpoint(PickEndpointSettings(), Load(), replicas())
    first, second = backend("x", "y", "z"), backend("x", "y", name="other")

    assert ["x", "y", "z", "x"] == [_picked(stage, first) for _ in range(4)]
    assert ["x", "y"] == [_picked(stage, second) for _ in range(2)]


@pytest.mark.parametrize("strategy", ["rotate", "least_in_flight"])
def test_failed_endpoints_are_out_until_none_is_left(strategy: str) -> None:
    stage = PickEndpoint(PickEndpointSettings(strategy=strategy), Load(), replicas())
    of = backend("x", "y", "z")

    assert {"y", "z"} == {_picked(stage, of, "x") for _ in range(6)}
    assert {"z"} == {_picked(stage, of, "x", "y", "unknown") for _ in range(6)}
    assert "no_endpoint_left" == _picked(stage, of, "x", "y", "z")
    assert 503 == stage.run(Reads(of, frozenset("xyz"))).status


def test_least_in_flight_and_turns_among_equals() -> None:
    stage = PickEndpoint(PickEndpointSettings(strategy="least_in_flight"), Load(x=3, y=1, z=1), replicas())

    assert Counter(y=6, z=3) == Counter(_picked(stage, backend("x", "y", "z")) for _ in range(9))
    assert "z" == _picked(stage, backend("x", "y", "z"), "y")


def test_contract() -> None:
    contract = PickEndpoint(PickEndpointSettings(), Load(), replicas()).contract

    assert (("backend",), ("endpoint.state",), ("endpoint",)) == (contract.reads, contract.outside, contract.writes)
