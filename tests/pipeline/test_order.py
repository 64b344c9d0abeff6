import pytest

from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Contract
from outgate.pipeline.order import cheapest, expected_cost
from outgate.pipeline.plan import Edge
from pipeline.more_stages import SECRET_GUARD
from pipeline.standard import PROMPT_GUARD, STANDARD, problems_of, stage, swap, vary


def _costs(**stages: tuple[float, float]) -> dict[str, Contract]:
    return {name: Contract(cost=cost, passes=passes) for name, (cost, passes) in stages.items()}


@pytest.mark.parametrize(
    ("contracts", "needs", "expected"),
    [
        ({}, (), ()),
        (_costs(b=(1, 1), a=(1, 1)), (), ("a", "b")),
        (_costs(b=(1, 1), a=(2, 1)), (), ("b", "a")),
        (_costs(dear=(9, 0.5), cheap=(1, 0.5)), (), ("cheap", "dear")),
        (_costs(a=(1, 0.9), b=(2, 0.5)), (), ("b", "a")),
        (_costs(a=(1, 1), stops=(1, 0.5)), (), ("stops", "a")),
        (_costs(a=(1, 1), stops=(1, 0.5)), (("a", "stops"),), ("a", "stops")),
        (_costs(a=(1, 1)), (("elsewhere", "a"), ("a", "elsewhere")), ("a",)),
    ],
    ids=["nothing", "by name", "cheap first", "cheap guard first", "per millisecond", "what stops first", "needs", "other phase"],
)
def test_the_stage_that_ends_most_per_millisecond_comes_first(contracts, needs, expected):
    edges = [Edge(before, after, "") for before, after in needs]

    assert expected == cheapest(contracts, edges) == cheapest(dict(reversed(contracts.items())), edges[::-1])


def test_a_cheap_stop_behind_a_dear_need_is_not_seen():
    """What the greedy choice gives away, on purpose."""
    contracts = _costs(a=(1, 0.9), key=(3, 1), opens=(0.1, 0.01))
    found = cheapest(contracts, [Edge("key", "opens", "")])

    assert ("a", "key", "opens") == found
    assert expected_cost(found, contracts) > expected_cost(("key", "opens", "a"), contracts)


def test_expected_cost_counts_only_what_is_reached():
    assert 1 + 0.5 * 10 == expected_cost(("stops", "then"), _costs(stops=(1, 0.5), then=(10, 1)))


def test_a_legal_pin_is_kept_and_told():
    plan = compile_plan(STANDARD, pin=("token_budget", "pick_backend", "pick_endpoint"))
    order = plan.order

    assert order.index("token_budget") < order.index("pick_backend") < order.index("pick_endpoint")
    assert "pinned by policy" in [
        edge.reason for edge in plan.edges if (edge.before, edge.after) == ("token_budget", "pick_backend")
    ]


def test_a_dear_pin_is_told():
    strict = swap(SECRET_GUARD, vary(PROMPT_GUARD, passes=0.5))
    plan = compile_plan(strict, pin=("secret_guard", "prompt_guard"))

    assert ["W_ORDER_COST"] == [warning.code for warning in plan.warnings]
    assert not compile_plan(strict, pin=("prompt_guard", "secret_guard")).warnings


def test_a_pin_settles_who_writes_last():
    placements = (stage("one", "prompt", "prompt"), stage("two", "prompt", "prompt"))

    assert ["E_WAW_AMBIGUOUS"] == [p.code for p in problems_of(placements)]
    assert ("two", "one") == compile_plan(placements, pin=("two", "one")).order


def test_an_indirect_dependency_is_told_with_its_way():
    found = problems_of(STANDARD, pin=("token_budget", "redact"))

    assert [("E_STALE_CHARGE", ("redact", "count_tokens", "token_budget"), "tokens.in")] == [
        (p.code, p.path, p.fact) for p in found
    ]


def test_a_direct_dependency_is_told_once():
    found = problems_of(STANDARD, pin=("pick_backend", "model_map"))

    assert [("E_STALE_READ", "model"), ("E_STALE_READ", "provider")] == [(p.code, p.fact) for p in found]


def test_a_wrong_pin_is_refused_beside_every_other_problem():
    codes = {p.code for p in problems_of(swap(stage("x", "weather")), pin=("pick_backend", "model_map", "ghost"))}

    assert {"E_STALE_READ", "E_PIN_UNKNOWN", "E_UNKNOWN_FACT"} == codes
