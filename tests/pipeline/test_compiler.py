from time import process_time

import pytest

from outgate.errors import PolicyError
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.facts import Origin
from outgate.pipeline.plan import Plan
from pipeline.corpus import HEAD
from pipeline.standard import AUTHENTICATE, AUTHORIZE, STANDARD, stage


def test_no_stages_make_an_empty_plan():
    plan = compile_plan(())

    assert ((), 1) == (plan.order, plan.size)


def test_the_connection_plan_knows_only_the_head():
    plan = compile_plan((AUTHENTICATE, AUTHORIZE), given=HEAD, closing=False)

    assert ("authenticate", "authorize") == plan.order
    assert "model.requested" not in plan.first


def test_a_tunnel_plan_knows_only_what_it_is_told():
    plan = compile_plan(
        (stage("who", "conn destination", "principal"),), given=frozenset({Origin.CONNECTION}), known=frozenset({"destination"})
    )

    assert {"conn", "destination", "principal"} == set(plan.first)


def test_a_refusal_is_sorted_by_place_and_names_nothing_twice():
    placements = (
        stage("b", "model", source="p.yaml:9"),
        stage("a", "model", source="p.yaml:3"),
        stage("c", "model", source="o.yaml:7"),
    )
    with pytest.raises(PolicyError) as refused:
        compile_plan(placements)

    assert [("o.yaml", 7), ("p.yaml", 3), ("p.yaml", 9)] == [(p.file, p.line) for p in refused.value.problems]


def test_a_plan_cannot_be_changed():
    plan = compile_plan(STANDARD)
    with pytest.raises(AttributeError):
        plan.hash = ""  # type: ignore[misc]
    assert isinstance(plan, Plan)


def test_an_order_that_is_all_free_is_found_at_once():
    placements = tuple(stage(f"s{i:02}", "conn", cost=1 + i % 7, passes=0.9 - i / 200) for i in range(60))
    start = process_time()
    compile_plan(placements)

    assert process_time() - start < 1.0


def test_stages_keep_their_contracts():
    plan = compile_plan(STANDARD)

    assert list(plan.order) == list(plan.contracts)
    assert {placement.name: placement.contract for placement in STANDARD} == dict(plan.contracts)
