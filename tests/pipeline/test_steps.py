from typing import NamedTuple

import pytest

from outgate.errors import Denial
from outgate.inference.verdict import FAILED
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Judges, OnError
from outgate.pipeline.plan import Step
from pipeline.running import Exchange
from pipeline.standard import DISPATCH, HYDRATE, STANDARD, stage, swap, vary


def _step(placements, name) -> Step:
    plan = compile_plan(placements)
    return next(s for s in (*plan.request, *plan.response, *plan.close, *plan.after) if s.name == name)


def test_every_version_of_a_fact_has_its_own_slot():
    plan = compile_plan(swap(HYDRATE))
    slots = {step.name: step for step in plan.request}
    written = [slot for step in (*plan.request, *plan.response, *plan.close, *plan.after) for slot in step.out]

    assert len(set(written)) == len(written)
    assert plan.first["prompt"] not in written
    assert plan.final["prompt"] == slots["redact"].out[0]
    assert plan.final["prompt"] != slots["hydrate"].out[0]
    assert max((*written, *plan.first.values())) < plan.size


def test_the_view_shows_what_is_declared_and_nothing_else():
    view = _step(STANDARD, "token_budget").view

    assert ("principal", "model", "tokens_in", "params", "exchange_id") == view._fields


class Reads(NamedTuple):
    model: str
    prompt: str


def test_a_stage_gets_its_own_view_type_in_its_own_order():
    plan = compile_plan((stage("x", "prompt model", optional="model", view=Reads),))
    (step,) = plan.request

    assert step.view is Reads
    assert (0, plan.first["prompt"]) == step.get(list(range(plan.size)))


def test_a_view_type_of_other_fields_is_not_used():
    (step,) = compile_plan((stage("x", "prompt", view=Reads),)).request

    assert ("prompt",) == step.view._fields


def test_the_answer_of_the_provider_and_of_a_stage_share_a_slot():
    plan = compile_plan(STANDARD)
    dispatch = plan.step("dispatch")

    assert dict(zip(DISPATCH.contract.writes, dispatch.out, strict=True)) == {
        name: plan.first[name] for name in DISPATCH.contract.writes
    }


def test_reads_that_nothing_writes_share_the_slot_of_none():
    plan = compile_plan((stage("x", "hold model", optional="hold model"),))

    assert (0, 0) == plan.request[0].get(list(range(plan.size)))
    assert 0 not in plan.first.values()


@pytest.mark.parametrize(
    ("fields", "error", "expected"),
    [
        ({}, ValueError("secret"), Denial(code="stage_failed", status=503, message="The stage x failed.", stage="x")),
        ({}, TimeoutError(), Denial(code="stage_timeout", status=503, message="The stage x ran out of time.", stage="x")),
        ({"on_error": OnError.OPEN}, ValueError(), (None, None)),
        ({"on_error": OnError.FALLBACK, "fallback": ("m", "p")}, ValueError(), ("m", "p")),
    ],
    ids=["denied", "late", "open", "fallback"],
)
def test_a_failure_becomes_what_is_declared(fields, error, expected):
    (step,) = compile_plan((stage("x", "prompt", "model provider", **fields),)).request

    assert expected == step.on_error(error)


def test_only_coroutine_functions_wait():
    async def waits(facts):
        return ()

    plan = compile_plan((stage("x", "conn", run=waits, limit=2.0), stage("y", "conn")))

    assert [("x", True, 2.0), ("y", False, None)] == [(s.name, s.waits, s.limit) for s in plan.request]


def test_what_nobody_needs_after_the_head_is_not_kept():
    plan = compile_plan(STANDARD)
    needed = {
        slot for step in (*plan.response, *plan.close, *plan.after) for slot in (*step.get(list(range(plan.size))), *step.out)
    }

    assert plan.live_after_head >= needed
    assert not plan.live_after_head & {plan.first["prompt"], plan.final["prompt"], plan.final["wire.body"], plan.final["wire.auth"]}
    assert plan.final["r.stream"] in plan.live_after_head


def test_a_stage_that_needs_the_fallback_model_keeps_it():
    plan = compile_plan(swap(vary(stage("tail", "model outcome"), optional="model")))

    assert plan.final["model"] in plan.live_after_head


GUARDS = (
    stage("in_guard", "prompt", "verdict.in_guard", judges=Judges.RAW, run=lambda facts: ("seen",)),
    stage("parts", "prompt", "verdict.parts", judges=Judges.RAW, on_error=OnError.OPEN, run=lambda facts: (None,)),
)
CLOSE = stage("close", "outcome verdict.*", "line", run=lambda facts: (facts,))


def test_every_verdict_of_the_plan_is_read_as_one_mapping_without_naming_a_guard():
    exchange = Exchange((*GUARDS, CLOSE))
    exchange.request()
    exchange.execution.give({"outcome": "answered"})
    exchange.close()
    facts = exchange.execution.get("line")

    assert ("outcome", "verdicts") == facts._fields
    assert ("answered", {"in_guard": "seen"}) == facts  # what is unset is not there
    with pytest.raises(TypeError):
        facts.verdicts["in_guard"] = "other"


def test_the_mapping_stands_where_the_view_of_the_stage_has_it():
    class View(NamedTuple):
        verdicts: dict
        outcome: str

    exchange = Exchange((*GUARDS, vary(CLOSE, view=View)))
    exchange.request()
    exchange.close()

    assert View({"in_guard": "seen"}, None) == exchange.execution.get("line")


def test_a_plan_without_guards_has_no_verdicts():
    exchange = Exchange((CLOSE,))
    exchange.close()

    assert {} == exchange.execution.get("line").verdicts


def test_verdicts_are_kept_after_the_head_for_whoever_reads_them():
    plan = compile_plan((*STANDARD, stage("tell", "outcome verdict.*")))

    assert plan.final["verdict.prompt_guard"] in plan.live_after_head


@pytest.mark.parametrize("on_error", [OnError.DENY, OnError.OPEN])
def test_the_verdict_of_a_guard_that_failed_says_so_whatever_follows(on_error):
    def broken(facts):
        raise RuntimeError

    exchange = Exchange((stage("g", "prompt", "verdict.g", judges=Judges.RAW, on_error=on_error, run=broken), CLOSE))
    denial = exchange.request()
    exchange.close()

    assert (on_error is OnError.DENY) == isinstance(denial, Denial)
    assert {"g": FAILED} == exchange.execution.get("line").verdicts


def test_a_guard_that_denies_leaves_its_verdict():
    denial = Denial(code="no", status=403, message="no", outputs=("found",))
    exchange = Exchange((stage("g", "prompt", "verdict.g", judges=Judges.RAW, run=lambda facts: denial), CLOSE))
    ended = exchange.request()
    exchange.close()

    assert ("no", "g") == (ended.code, ended.stage)
    assert {"g": "found"} == exchange.execution.get("line").verdicts
