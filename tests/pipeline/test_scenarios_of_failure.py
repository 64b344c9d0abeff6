"""The acceptance scenarios of what happens when a stage breaks or an attempt fails."""

import asyncio

import pytest

from outgate.errors import Denial
from outgate.inference.verdict import FAILED
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import OnError
from pipeline.running import Exchange
from pipeline.standard import (
    COUNT_TOKENS,
    MODEL_MAP,
    PROMPT_GUARD,
    STANDARD,
    problems_of,
    stage,
    swap,
    vary,
)

DENIED = Denial(code="blocked", status=403, message="no")


def test_A05_a_broken_router_never_means_a_default_model_unless_policy_says_so():
    def broken(facts):
        raise RuntimeError("router is away")

    closed = Exchange(STANDARD, {"model_map": broken})
    fallback = swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=("small", "local")))
    declared = Exchange(fallback, {"model_map": broken})

    assert ("stage_failed", 503, "model_map") == ((denial := closed.request()).code, denial.status, denial.stage)
    assert closed.runs["dispatch"] == 0
    assert declared.request() is None
    assert declared.execution.get("model") == "small"
    assert [("W_DEFAULT_MODEL", ("model_map",))] == [(w.code, w.stages) for w in declared.plan.warnings]


def test_A05_a_model_that_nobody_writes_is_a_warning():
    plan = compile_plan((stage("note", "model", "", optional="model"),))

    assert ["W_DEFAULT_MODEL"] == [w.code for w in plan.warnings]


async def _hangs(facts):
    await asyncio.Event().wait()


def _raises(error):
    def run(facts):
        raise error

    return run


FAULTS = {
    "exception": (_raises(ValueError("boom")), "stage_failed"),
    "timeout": (_hangs, "stage_timeout"),
    "recursion": (_raises(RecursionError()), "stage_failed"),
    "memory": (_raises(MemoryError()), "stage_failed"),
    "undeclared read": (lambda facts: (facts.weather,), "stage_failed"),
    "too many facts": (lambda facts: (1, 2, 3, 4, 5), "stage_failed"),
    "too few facts": (lambda facts: (), "stage_failed"),
    "not a tuple": (lambda facts: "fine", "stage_failed"),
    "nothing": (lambda facts: None, "stage_failed"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "victim", [p.name for p in STANDARD if p.name in {"authenticate", "prompt_guard", "redact", "cache", "token_budget"}]
)
def test_A14_a_fault_in_a_closed_stage_never_forwards(victim, fault):
    run, code = FAULTS[fault]
    limited = vary(next(p for p in STANDARD if p.name == victim), limit=0.01)
    exchange = Exchange(swap(limited), {victim: run})
    denial = exchange.request()

    assert (code, 503, victim) == (denial.code, denial.status, denial.stage)
    assert "boom" not in denial.message
    assert exchange.runs["dispatch"] == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_A14_a_fault_in_an_open_guard_forwards_and_says_so(fault):
    exchange = Exchange(swap(vary(PROMPT_GUARD, on_error=OnError.OPEN, limit=0.01)), {"prompt_guard": FAULTS[fault][0]})

    assert exchange.request() is None
    assert exchange.runs["dispatch"] == 1
    assert FAILED is exchange.execution.get("verdict.prompt_guard")
    assert ["W_FAIL_OPEN"] == [w.code for w in exchange.plan.warnings]


def test_A15_a_stage_that_fails_open_may_not_leave_a_required_fact_unset():
    (found,) = problems_of(swap(vary(COUNT_TOKENS, on_error=OnError.OPEN)))

    assert ("E_OPEN_REQUIRED", ("count_tokens", "token_budget"), "tokens.in") == (found.code, found.stages, found.fact)


def _attempts(*, expire: bool = False) -> Exchange:
    """A first attempt that is refused a connection, and a second."""
    outcomes = iter([Denial(code="upstream_connect_failed", status=502, message="no connection"), (200, (), "stream", "upstream")])
    behaviours = {
        "dispatch": lambda facts: next(outcomes),
        "pick_endpoint": lambda facts: (f"not {facts.endpoint_state}",),
        "inject_credentials": lambda facts: (f"token {facts.credential_epoch}",),
    }
    exchange = Exchange(STANDARD, behaviours)
    assert exchange.request(endpoint_state=frozenset(), credential_epoch=1) is not None
    exchange.execution = exchange.execution.fork()
    assert exchange.request(endpoint_state=frozenset({"a"}), credential_epoch=2 if expire else 1) is None
    return exchange


def test_A18_connection_refused_runs_only_the_picker_again():
    exchange = _attempts()
    often = {
        name: exchange.runs[name]
        for name in ("cache", "prompt_guard", "model_map", "pick_backend", "encode_request", "inject_credentials")
    }

    assert dict.fromkeys(often, 1) == often
    assert {"pick_endpoint": 2, "originate_tls": 2, "dispatch": 2} == {
        n: exchange.runs[n] for n in ("pick_endpoint", "originate_tls", "dispatch")
    }
    assert ("pick_endpoint", "originate_tls", "dispatch") == tuple(name for name, _ in exchange.plan.reruns["connect_failed"])


def test_A19_a_token_that_expired_between_attempts_is_taken_again():
    assert 2 == _attempts(expire=True).runs["inject_credentials"]
    assert 1 == _attempts(expire=False).runs["inject_credentials"]


def test_A20_unauthorized_takes_the_credential_again_and_nothing_else():
    plan = compile_plan(STANDARD)

    assert (("inject_credentials", "credential.epoch changed"), ("dispatch", "wire.auth changed")) == plan.reruns["unauthorized"]


def test_A29_fifty_attempts_reserve_once():
    exchange = Exchange(STANDARD, {"dispatch": lambda facts: DENIED})
    for attempt in range(50):
        exchange.request(endpoint_state=attempt)

    assert {"token_budget": 1, "dispatch": 50} == {name: exchange.runs[name] for name in ("token_budget", "dispatch")}
