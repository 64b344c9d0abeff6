from outgate.pipeline.compiler import compile_plan
from pipeline.more_stages import SECRET_GUARD
from pipeline.standard import PROMPT_GUARD, STANDARD, problems_of, stage, swap, vary


def test_a_legal_pin_is_kept_and_told():
    plan = compile_plan(STANDARD, pin=("token_budget", "route", "pick_endpoint"))
    order = plan.order

    assert order.index("token_budget") < order.index("route") < order.index("pick_endpoint")
    assert "pinned by policy" in [edge.reason for edge in plan.edges if (edge.before, edge.after) == ("token_budget", "route")]


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
    found = problems_of(STANDARD, pin=("route", "model_map"))

    assert [("E_STALE_READ", "model"), ("E_STALE_READ", "provider")] == [(p.code, p.fact) for p in found]


def test_a_wrong_pin_is_refused_beside_every_other_problem():
    codes = {p.code for p in problems_of(swap(stage("x", "weather")), pin=("route", "model_map", "ghost"))}

    assert {"E_STALE_READ", "E_PIN_UNKNOWN", "E_UNKNOWN_FACT"} == codes
