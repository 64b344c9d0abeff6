"""Backend to endpoint, never a failed one."""

import time
from collections import Counter

import pytest

from outgate.errors import Denial
from outgate.inference.input_tokens import InputTokens
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.stages.pick_endpoint import PickEndpoint, PickEndpointSettings, PromptReads, Reads
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.picking.load import Load as Told
from support.replicas import Clock, backend, replicas
from support.speed import slowness


class Load:
    def __init__(self, **load: int) -> None:
        self.load = load

    def in_flight(self, backend: Backend, endpoint: Endpoint) -> int:
        return self.load.get(endpoint.name, 0)

    def unread(self, backend: Backend, endpoint: Endpoint) -> int:
        return 0


def _stage(load: Load | None = None, port=None, **settings) -> PickEndpoint:
    clock = Clock()
    port = port or replicas(clock)
    return PickEndpoint(PickEndpointSettings(**settings), load or Load(), port, StateSecret(bytes(32)), clock)


def _picked(stage: PickEndpoint, of: Backend, *failed: str) -> str:
    outcome = stage.run(Reads(of, frozenset(failed) if failed else None))
    return outcome.code if isinstance(outcome, Denial) else outcome[0].name


def test_rotation_takes_each_in_turn_perbackend() -> None:
    stage = _stage()
    first, second = backend("x", "y", "z"), backend("x", "y", name="other")

    assert ["x", "y", "z", "x"] == [_picked(stage, first) for _ in range(4)]
    assert ["x", "y"] == [_picked(stage, second) for _ in range(2)]


@pytest.mark.parametrize("strategy", ["rotate", "least_in_flight", "two_choices"])
def test_failed_endpoints_are_out_until_none_is_left(strategy: str) -> None:
    stage = _stage(strategy=strategy)
    of = backend("x", "y", "z")

    assert {"y", "z"} == {_picked(stage, of, "x") for _ in range(6)}
    assert {"z"} == {_picked(stage, of, "x", "y", "unknown") for _ in range(6)}
    assert "no_endpoint_left" == _picked(stage, of, "x", "y", "z")
    assert 503 == stage.run(Reads(of, frozenset("xyz"))).status


def test_least_in_flight_and_turns_among_equals() -> None:
    stage = _stage(Load(x=3, y=1, z=1), strategy="least_in_flight")

    assert Counter(y=6, z=3) == Counter(_picked(stage, backend("x", "y", "z")) for _ in range(9))
    assert "z" == _picked(stage, backend("x", "y", "z"), "y")


def test_contract() -> None:
    contract = _stage().contract

    assert (("backend",), ("endpoint.state",), ("endpoint",)) == (contract.reads, contract.outside, contract.writes)


def _asked(stage: PickEndpoint, of: Backend, text: str, *, tenant: str = "t", failed=(), tokens: int | None = None) -> Endpoint:
    prompt = Prompt(None, (Leaf(0, "content", text, Channel.USER, 0),))
    principal = Principal(name="w", tenant=tenant)
    counted = None if tokens is None else InputTokens(4 * tokens, lambda: tokens)
    [endpoint] = stage.run(PromptReads(of, frozenset(failed), prompt, counted, principal, "m"))
    return endpoint


@pytest.mark.parametrize("strategy", ["consistent_hash", "prefix_cache"])
def test_the_same_prompt_goes_to_the_same_endpoint_and_elsewhere_where_that_has_failed(strategy: str) -> None:
    stage, of = _stage(strategy=strategy), backend("x", "y", "z")
    text = "a long system prompt " * 200
    home = _asked(stage, of, text)

    assert {home.name} == {_asked(stage, of, text).name for _ in range(10)}
    assert home.name != _asked(stage, of, text, failed={home.name}).name


def test_what_is_in_the_cache_is_no_work_again() -> None:
    stage, of, text = _stage(strategy="prefix_cache"), backend("x", "y"), "x" * 25_600

    assert [6400, 1] == [_asked(stage, of, text).work for _ in range(2)]
    assert 900 == _asked(stage, of, "y" * 300, tokens=900).work


def test_attack_of_a_tenant_that_probes_for_prompts_of_another_by_where_they_go() -> None:
    stage, of, text = _stage(strategy="prefix_cache"), backend("x", "y"), "x" * 25_600
    _asked(stage, of, text, tenant="victim")

    assert 6400 == _asked(stage, of, text, tenant="attacker").work


def test_a_full_endpoint_is_left_alone_until_what_it_told_is_stale() -> None:
    clock = Clock()
    port = replicas(clock)
    stage, of = _stage(port=port, strategy="prefix_cache"), backend("x", "y")
    port.tell(of, of.endpoints[0], Told(50.0, 1.0))
    assert {"y"} == {_asked(stage, of, letter * 300).name for letter in "abcdefgh"}
    clock.now += 2.1

    assert "x" in {_asked(stage, of, letter * 300).name for letter in "ijklmnop"}


def test_a_pick_with_the_hashes_of_512_blocks_and_the_standing_of_64_replicas_takes_less_than_two_milliseconds() -> None:
    stage, of = _stage(strategy="prefix_cache"), backend(*(f"r{at}" for at in range(64)))
    text = "".join(f"{at:08}" for at in range(64 * 256))

    def quickest() -> float:
        start = time.thread_time()
        _asked(stage, of, text, tokens=32_768)
        return time.thread_time() - start

    assert sorted(quickest() for _ in range(60))[30] < 0.002 * slowness()


def test_a_strategy_that_reads_the_prompt_takes_requests_without_one() -> None:
    of = backend("x", "y")
    for strategy in ("consistent_hash", "prefix_cache"):
        outcome = _stage(strategy=strategy).run(PromptReads(of, None, None, None, None, None))
        assert outcome[0].name in ("x", "y")
