from outgate.pipeline.compiler import compile_plan
from pipeline.standard import PROMPT_GUARD, STANDARD, problems_of, stage, swap, vary


def test_a_legal_pin_is_kept_and_told():
    plan = compile_plan(STANDARD, pin=("redact", "prompt_guard", "model_map"))
    order = plan.order

    assert order.index("redact") < order.index("prompt_guard") < order.index("model_map")
    assert "pinned by policy" in [edge.reason for edge in plan.edges if (edge.before, edge.after) == ("redact", "prompt_guard")]


def test_a_dear_pin_is_told():
    strict = swap(vary(PROMPT_GUARD, passes=0.5))
    plan = compile_plan(strict, pin=("redact", "prompt_guard"))

    assert ["W_ORDER_COST"] == [warning.code for warning in plan.warnings]
    assert not compile_plan(strict, pin=("prompt_guard", "redact")).warnings


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
    found = problems_of(STANDARD, pin=("route", "model_map"))

    assert [("E_STALE_READ", "model"), ("E_STALE_READ", "provider")] == [(p.code, p.fact) for p in found]


def test_a_wrong_pin_is_refused_beside_every_other_problem():
    codes = {p.code for p in problems_of(swap(stage("x", "weather")), pin=("route", "model_map", "ghost"))}

    assert {"E_STALE_READ", "E_PIN_UNKNOWN", "E_UNKNOWN_FACT"} == codes
