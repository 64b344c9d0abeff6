import asyncio
from typing import NamedTuple

import pytest

from outgate.errors import Denial
from outgate.net.headers import Headers
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import May
from outgate.pipeline.executor import Execution, Ran
from outgate.pipeline.plan import Answer
from pipeline.running import Exchange
from pipeline.standard import stage


class _Out(NamedTuple):
    model: str


def _one(run, writes="model", **fields) -> Exchange:
    return Exchange((stage("x", "prompt", writes, run=run, **fields),))


def _deny(facts):
    return Denial(code="no", status=403, message="no")


def test_an_undeclared_read_is_the_failure_of_the_stage():
    assert "stage_failed" == _one(lambda facts: (facts.tools,)).request().code


def test_nothing_can_be_written_through_the_view():
    def writes(facts):
        facts.prompt = "mine"
        return ("m",)

    exchange = _one(writes)

    assert "stage_failed" == exchange.request().code
    assert "<prompt>" == exchange.execution.get("prompt")


@pytest.mark.parametrize(
    "result",
    [
        None,
        "m",
        ["m"],
        {"model": "m"},
        (),
        ("m", "n"),
        _Out("m"),
        Answer(200, Headers(), None, "cache", (1, 2)),
        Denial(code="no", status=403, message="no", outputs=(1, 2)),
    ],
    ids=["none", "text", "list", "mapping", "too few", "too many", "named tuple", "answer of too many", "denial of too many"],
)
def test_a_result_that_the_contract_does_not_allow_is_the_failure_of_the_stage(result):
    exchange = _one(lambda facts: result, may=May.RESPOND)
    denial = exchange.request()

    assert ("stage_failed", "x") == (denial.code, denial.stage)
    assert exchange.execution.get("model") is None
    assert [("x", "error")] == [(run.stage, run.verdict) for run in exchange.execution.trace]


@pytest.mark.parametrize("error", [ValueError("p"), RecursionError(), MemoryError(), AssertionError(), StopIteration()], ids=repr)
def test_whatever_is_raised_is_the_failure_of_the_stage(error):
    def raises(facts):
        raise error

    assert "stage_failed" == _one(raises).request().code


def test_a_stage_that_hangs_is_ended_by_its_limit():
    async def hangs(facts):
        await asyncio.Event().wait()

    assert "stage_timeout" == _one(hangs, limit=0.01).request().code


def test_the_end_of_the_task_passes():
    async def hangs(facts):
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    plan = compile_plan((stage("x", "prompt", "model", run=hangs, limit=60.0),))

    async def cancel():
        task = asyncio.get_running_loop().create_task(Execution(plan, lambda: 0).ensure(plan.request))
        await started.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())


def test_a_denial_names_its_stage_and_the_stage_is_due_again():
    exchange = _one(_deny)

    assert "x" == exchange.request().stage
    exchange.request()
    assert {"x": 2} == exchange.runs


def test_an_answer_writes_its_outputs():
    answer = Answer(200, Headers(), None, "cache", ("key",))
    exchange = _one(lambda facts: answer, may=May.RESPOND)

    assert answer is exchange.request()
    assert "key" == exchange.execution.get("model")
    assert ["answered"] == [run.verdict for run in exchange.execution.trace]


def test_an_equal_value_keeps_the_old_object():
    exchange = _one(lambda facts: ([facts.prompt[0]],))
    exchange.request()
    before = exchange.execution.get("model")
    exchange.execution.give({"prompt": "<other>"})
    exchange.request()

    assert {"x": 2} == exchange.runs
    assert before is exchange.execution.get("model")


def test_a_fork_shares_nothing_but_the_trace():
    exchange = _one(lambda facts: (facts.prompt,))
    exchange.request()
    fork = exchange.execution.fork()
    fork.give({"prompt": "other"})
    asyncio.run(fork.ensure(exchange.plan.request))

    assert ("<prompt>", "other") == (exchange.execution.get("model"), fork.get("model"))
    assert exchange.execution.trace is fork.trace
    assert 2 == len(fork.trace)


def test_the_trace_tells_time_and_verdict():
    exchange = _one(lambda facts: ("m",))
    exchange.request()

    assert [Ran("x", 1, "ok")] == exchange.execution.trace


def test_a_given_fact_without_a_slot_is_skipped():
    exchange = _one(lambda facts: ("m",))
    exchange.execution.give({"usage": 1})

    assert exchange.execution.get("usage") is None


def test_dropping_keeps_what_later_steps_read():
    placements = (
        stage("x", "prompt", "model"),
        stage("answers", "model", may=May.RESPOND, run=lambda facts: ()),
        stage("tail", "model outcome", optional="model", run=lambda facts: ()),
    )
    exchange = Exchange(placements)
    exchange.request()
    exchange.execution.drop()

    assert exchange.execution.get("prompt") is None
    assert ("x", "model", ("<prompt>",)) == exchange.execution.get("model")


class _Caller(NamedTuple):
    conn: str


def test_adopted_results_are_not_made_again():
    placements = (stage("who", "conn", "principal", view=_Caller), stage("x", "principal", "model"))
    early, late = compile_plan(placements[:1]), compile_plan(placements)
    head, whole = Execution(early, lambda: 0), Execution(late, lambda: 0)
    for execution in (head, whole):
        execution.give({"conn": "c"})
    asyncio.run(head.ensure(early.request))
    whole.adopt(head)
    asyncio.run(whole.ensure(late.request))

    assert ["x"] == [run.stage for run in whole.trace]
    assert ("x", "model", (head.get("principal"),)) == whole.get("model")


def test_adopted_results_are_made_again_for_other_inputs():
    placements = (stage("who", "conn", "principal", view=_Caller),)
    plan = compile_plan(placements)
    head, whole = Execution(plan, lambda: 0), Execution(plan, lambda: 0)
    head.give({"conn": "c"})
    whole.give({"conn": "d"})
    asyncio.run(head.ensure(plan.request))
    whole.adopt(head)
    asyncio.run(whole.ensure(plan.request))

    assert ("who", "principal", ("d",)) == whole.get("principal")
