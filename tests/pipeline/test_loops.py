import asyncio

import pytest

from outgate.errors import Denial
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Effect, May, OnError, Release
from pipeline.more_stages import DECORATOR, ROUTER
from pipeline.running import Exchange
from pipeline.standard import codes_of, vary


def _settles(facts):
    return ("large",)


async def _decorates(facts):
    return (f"{facts.prompt} for {facts.model}",)


def test_a_knot_is_one_stage_of_the_plan():
    plan = compile_plan((ROUTER, DECORATOR), loop=2)

    assert ("router+decorator",) == plan.order
    assert ("prompt",) == plan.contracts["router+decorator"].reads
    assert {"model", "prompt"} == set(plan.contracts["router+decorator"].writes)


def test_members_that_wait_are_awaited_and_rewrites_start_from_what_came_before():
    exchange = Exchange((ROUTER, vary(DECORATOR, limit=1.0)), {"router": _settles, "decorator": _decorates}, loop=3)

    assert exchange.request() is None
    assert "<prompt> for large" == exchange.execution.get("prompt")
    assert {"router": 2, "decorator": 1} == exchange.runs
    assert 3.0 == exchange.plan.contracts["router+decorator"].limit


def test_a_knot_that_settled_is_not_run_again():
    exchange = Exchange((ROUTER, DECORATOR), {"router": _settles, "decorator": lambda facts: ("same",)}, loop=2)
    exchange.request()
    before = dict(exchange.runs)
    exchange.request()

    assert before == dict(exchange.runs)


def test_one_round_is_not_enough_to_agree():
    exchange = Exchange((ROUTER, DECORATOR), {"router": _settles, "decorator": lambda facts: ("same",)}, loop=1)

    assert "loop_not_converged" == exchange.request().code


def test_a_member_that_breaks_its_contract_fails_the_knot():
    exchange = Exchange((ROUTER, DECORATOR), {"router": lambda facts: ("a", "b")}, loop=2)

    assert "stage_failed" == exchange.request().code


@pytest.mark.parametrize(
    "change",
    [
        {"effect": Effect.CHARGE},
        {"releases": Release.THIRD_PARTY},
        {"on_error": OnError.OPEN},
        {"may": May.RESPOND},
        {"writes": "model verdict.router"},
        {"reads": "prompt tools@initial"},
    ],
    ids=str,
)
def test_what_must_not_run_in_rounds_stays_a_cycle(change):
    assert codes_of((vary(ROUTER, **change), DECORATOR), loop=2) >= {"E_CYCLE"}


def test_two_members_that_write_one_fact_stay_a_cycle():
    assert "E_CYCLE" in codes_of((vary(ROUTER, writes="model hold"), vary(DECORATOR, writes="prompt hold")), loop=2)


def test_a_knot_that_no_member_can_begin_stays_a_cycle():
    first, second = vary(ROUTER, reads="provider"), vary(DECORATOR, reads="model", writes="provider")

    assert "E_CYCLE" in codes_of((first, second), loop=2)


def test_a_denial_inside_a_knot_names_its_member():
    exchange = Exchange((ROUTER, DECORATOR), {"router": lambda facts: Denial(code="no", status=403, message="no")}, loop=2)

    assert "router" == exchange.request().stage


def test_rounds_end_with_the_task():
    async def hangs(facts):
        await asyncio.Event().wait()

    exchange = Exchange(
        (vary(ROUTER, limit=0.005), vary(DECORATOR, limit=0.005)), {"router": hangs, "decorator": _decorates}, loop=2
    )

    assert "stage_timeout" == exchange.request().code
