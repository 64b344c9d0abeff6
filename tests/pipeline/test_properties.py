"""Properties that hold for every pipeline, on random ones."""

import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from outgate.errors import PolicyError
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.contract import Contract
from outgate.pipeline.executor import Execution
from outgate.pipeline.order import cheapest, expected_cost
from outgate.pipeline.plan import Edge, Plan
from pipeline.generated import GIVEN, OUTSIDE, function, pipeline
from pipeline.running import Exchange
from pipeline.standard import DISPATCH, INJECT_CREDENTIALS, STANDARD, codes_of, stage


def _from_scratch(plan: Plan, placements: tuple[Placement, ...], given: dict[str, int]) -> dict[str, int]:
    """What every fact finally is, by running everything once in plan order on a plain dict: knows no slots and no fingerprints."""
    by_name = {placement.name: placement for placement in placements}
    now = dict(given)
    for name in plan.order:
        contract = by_name[name].contract
        values = [now[name] for name in (*contract.reads, *contract.outside)]
        now.update(zip(contract.writes, by_name[name].run(values), strict=True))
    return now


def _salted(rng: Random, plan: Plan, placements: tuple[Placement, ...]) -> tuple[Plan, tuple[Placement, ...]]:
    """The same pipeline of other functions."""
    runs = {placement.name: function(rng, len(placement.contract.writes)) for placement in placements}
    steps = tuple(replace(step, run=runs[step.name]) for step in plan.request)
    return replace(plan, request=steps), tuple(placement._replace(run=runs[placement.name]) for placement in placements)


@pytest.mark.exhaustive
@pytest.mark.slow
def test_A48_twelve_thousand_random_retries_equal_a_run_from_scratch():
    rng = Random(7)
    wrong = idle = runs = retries = 0

    async def retry(plan: Plan, placements: tuple[Placement, ...]) -> tuple[int, int, int]:
        given = dict(GIVEN)
        execution = Execution(plan, lambda: 0)
        execution.give(given)
        await execution.ensure(plan.request)
        wrong = idle = runs = 0
        for _ in range(3):
            for name in rng.sample(OUTSIDE, rng.randint(0, 2)):
                given[name] += 1
            execution = execution.fork()
            execution.give({name: given[name] for name in OUTSIDE})
            before, ran = dict(execution.seen), len(execution.trace)
            await execution.ensure(plan.request)
            expected = _from_scratch(plan, placements, given)
            wrong += any(execution.get(name) != expected[name] for name in plan.final)
            idle += sum(before[run.stage] == execution.seen[run.stage] for run in execution.trace[ran:])
            runs += len(execution.trace) - ran
        return wrong, idle, runs

    for _ in range(800):
        placements = pipeline(rng)
        plan = compile_plan(placements)
        for _ in range(5):
            found = _run(retry(*_salted(rng, plan, placements)))
            wrong, idle, runs, retries = wrong + found[0], idle + found[1], runs + found[2], retries + 3

    assert (0, 0, 12_000) == (wrong, idle, retries)
    assert runs < 12_000 * 9 / 2, "fewer than half of the stages run again"


def _run(coroutine):
    """A coroutine that never suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("suspended")


def _legal(order: tuple[str, ...], placements: tuple[Placement, ...]) -> bool:
    """The definition, spelled out: a reader of the final version follows every rewrite that may change what it makes."""
    place = {name: i for i, name in enumerate(order)}
    for reader in placements:
        made = set(reader.contract.writes)
        if any(other in place and place[other] > place[reader.name] for other in reader.contract.after):
            return False
        for read in reader.contract.reads:
            for writer in placements:
                rewrites = read in writer.contract.writes and writer is not reader and read not in made
                spared = read in writer.contract.reads and made <= set(writer.contract.preserves)
                if rewrites and not spared and place[writer.name] > place[reader.name]:
                    return False
    return True


def test_prop_P1_no_compiled_order_reads_what_is_rewritten_later():
    rng = Random(1)
    for _ in range(100):
        placements = pipeline(rng)

        assert _legal(compile_plan(placements).order, placements)


def test_prop_P2_a_stage_runs_only_when_something_it_reads_has_changed():
    exchange = Exchange(STANDARD)
    exchange.request()
    first = dict(exchange.runs)
    exchange.request()

    assert first == dict(exchange.runs)
    assert set(first.values()) == {1}


def test_prop_P3_the_listing_does_not_matter():
    rng = Random(3)
    for _ in range(40):
        placements = list(pipeline(rng))
        plan = compile_plan(placements)
        rng.shuffle(placements)
        other = compile_plan(placements)

        assert (plan.hash, plan.order, plan.edges) == (other.hash, other.order, other.edges)


def test_prop_P4_the_order_is_legal_and_mostly_the_cheapest_of_all():
    rng = Random(4)
    ratios = []
    for _ in range(150):
        names = [f"t{i}" for i in range(rng.randint(1, 6))]
        contracts = {
            n: Contract(cost=rng.choice((0.01, rng.random(), 5.0)), passes=rng.choice((1.0, rng.random(), 0.5))) for n in names
        }
        edges = [Edge(other, name, "") for i, name in enumerate(names) for other in names[:i] if rng.random() < 0.3]
        legal = [o for o in permutations(names) if all(o.index(edge.before) < o.index(edge.after) for edge in edges)]
        found = cheapest(contracts, edges)
        ratios.append(expected_cost(found, contracts) / min(expected_cost(order, contracts) for order in legal))

        assert found in legal
    assert sum(ratio < 1.05 for ratio in ratios) > 0.75 * len(ratios)


def test_prop_P5_every_process_compiles_the_same_plan():
    program = "from pipeline.standard import STANDARD, compile_plan; print(compile_plan(STANDARD).hash)"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert {compile_plan(STANDARD).hash} == found


class _Ledger:
    """A port that knows the exchange: a charge replaces the one it made before."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.calls = 0

    def reserve(self, facts):
        self.calls += 1
        self.held[facts.exchange_id] = facts.tokens_in
        return (facts.tokens_in,)


def test_prop_P6_an_exchange_holds_one_charge_however_often_it_is_tried():
    rng = Random(6)
    ledger = _Ledger()
    exchange = Exchange(
        STANDARD,
        {
            "token_budget": ledger.reserve,
            "model_map": lambda facts: (f"model of {facts.provider_state}", "p"),
            "count_tokens": lambda facts: (len(facts.model),),
        },
    )
    states, previous = 0, None
    for _ in range(50):
        state = rng.choice(("", "a", "longer"))
        states, previous = states + (state != previous), state
        exchange.request(provider_state=state, endpoint_state=rng.random())

    assert {"<exchange.id>": len("model of ") + len(previous)} == ledger.held
    assert ledger.calls == states < 50


def test_prop_P9_an_equal_result_stops_the_change():
    exchange = Exchange(STANDARD, {"model_map": lambda facts: ("same", "p")})
    exchange.request(provider_state="one")
    exchange.request(provider_state="two")

    assert {"model_map": 2, "authorize_model": 1, "cache": 1, "pick_backend": 1, "dispatch": 1} == {
        name: exchange.runs[name] for name in ("model_map", "authorize_model", "cache", "pick_backend", "dispatch")
    }


def test_prop_P10_a_pinned_order_is_taken_exactly_when_it_is_legal():
    rng = Random(10)
    accepted = refused = 0
    for _ in range(12):
        placements = pipeline(rng, size=4)
        for pin in permutations(placement.name for placement in placements):
            try:
                plan = compile_plan(placements, pin=pin)
            except PolicyError as error:
                refused += 1
                assert not _legal(pin, placements)
                assert all(problem.code and problem.repair and problem.stages for problem in error.problems)
            else:
                accepted += 1
                assert _legal(pin, placements)
                assert pin == plan.order
    assert accepted > 20
    assert refused > 20


def test_prop_P10_a_pin_of_two_stages_is_never_trusted():
    credential, dispatch = INJECT_CREDENTIALS.name, DISPATCH.name

    assert codes_of(STANDARD, pin=(dispatch, credential))
    assert not codes_of((*STANDARD, stage("tag", "conn")), pin=("tag", credential))
