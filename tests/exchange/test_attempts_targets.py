"""Targets behind one another: one that a stage refuses is passed over, and the search ends with the last of them."""

import asyncio
from collections import namedtuple
from types import SimpleNamespace

import pytest

from outgate.errors import Denial, FailureKind
from outgate.exchange.attempts import AttemptPorts, Attempts
from outgate.inference.attempt import NotAsked
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan, Step
from outgate.stages.dispatch import FailedAttempt
from outgate.stages.pick_endpoint import NONE_LEFT
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.retry_budget import RetryBudget
from outgate.upstreams.retry_policy import RoutePolicy, Where, Why

NAMES = ("provider.state", "model.state", "provider", "model", "backend", "endpoint", "endpoint.state", "r.status", "r.stream")
SLOTS = {name: at for at, name in enumerate(NAMES)}
ONE = Endpoint(name="one", host="127.0.0.1", port=1)
DOWN = FailedAttempt(code="c", status=502, message="m", kind=FailureKind.CONNECT, sent=False)
"""Leaves the provider; a status of 503 leaves this model of it."""


def step(name, run, reads, writes, *, waits=False):
    slots = [SLOTS[read] for read in reads]
    return Step(
        name=name,
        run=run,
        view=namedtuple("Facts", [read.replace(".", "_") for read in reads]),  # noqa: PYI024
        get=lambda values: tuple(values[slot] for slot in slots),
        out=tuple(SLOTS[write] for write in writes),
        waits=waits,
        limit=None,
        on_error=lambda error: error,
    )


def searched(chain, refusals, answers, **policy):
    """What one exchange asked, in turn, its records and its end. `chain` is words such as `a/large`, `refusals` say by provider why
    a stage behind the map refuses it, `answers` what the provider says.
    """
    asked = []

    def mapped(facts):
        for each in chain:
            provider, model = each.split("/")
            if provider not in (facts.provider_state or ()) and (provider, model) not in (facts.model_state or ()):
                return provider, model
        return Denial(code="no_provider", status=503, message="m")

    def judged(facts):
        if facts.provider in refusals:
            return Denial(code=refusals[facts.provider], status=503, message="m")
        return (Backend(name=facts.provider, provider=facts.provider, dialect="openai", host="a.test", endpoints=(ONE,)),)

    async def dispatch(facts):
        asked.append(f"{facts.provider}/{facts.model}")
        said = answers[facts.provider]
        return said if isinstance(said, Denial) else (said, None)

    plan = Plan(
        request=(
            step("model_map", mapped, ("provider.state", "model.state"), ("provider", "model")),
            step("judge", judged, ("provider", "model"), ("backend",)),
            step("pick", lambda _: (ONE,), ("backend",), ("endpoint",)),
            step("dispatch", dispatch, ("provider", "model", "endpoint"), ("r.status", "r.stream"), waits=True),
        ),
        first=SLOTS,
        final=SLOTS,
        size=len(SLOTS),
    )
    credentials = SimpleNamespace(epoch=lambda _: 0, count=lambda _: 1, bound=lambda _: None, spare=lambda _: False)
    ports = AttemptPorts(
        credentials=credentials, budget=RetryBudget(lambda: 0.0), seconds=lambda: 0.0, wall=lambda: 0.0, jitter=lambda: 1.0
    )
    made = Attempts(ports, RoutePolicy(**policy), deadline=600.0)
    done, ended = asyncio.run(made.run(Execution(plan, lambda: 0)))
    return asked, made.records, ended or done.get("r.status")


CHAIN = ("a/large", "b/large", "c/large")


@pytest.mark.parametrize("first", [503, DOWN], ids=["model", "provider"])
@pytest.mark.parametrize(
    "code", ["personal_data", "stage_failed", "credential_missing", "no_backend", "translation_loss", "budget_exceeded", NONE_LEFT]
)
def test_a_target_behind_one_that_is_refused_is_asked(code, first):
    asked, records, end = searched(CHAIN, {"b": code}, {"a": first, "c": 200})

    assert (["a/large", "c/large"], 200) == (asked, end)
    assert (NotAsked("b", "large", code),) == records[0].not_asked
    assert records[0].followed in (Where.MODEL, Where.PROVIDER)
    assert () == records[1].not_asked


@pytest.mark.parametrize(
    ("chain", "refusals", "answers", "asked", "refused"),
    [
        (CHAIN, {"b": "x", "c": "y"}, {"a": 503}, ["a/large"], "b x, c y"),
        (CHAIN, {}, {"a": 503, "b": DOWN, "c": 200}, ["a/large", "b/large", "c/large"], ""),
        ((*CHAIN, "d/large"), {"b": "x", "c": "y"}, {"a": DOWN, "d": 200}, ["a/large", "d/large"], "b x, c y"),
        ((*CHAIN, "d/large"), {"b": "x"}, {"a": DOWN, "c": 503, "d": 200}, ["a/large", "c/large", "d/large"], "b x"),
        ((*CHAIN, "d/large"), {"c": "x"}, {"a": 503, "b": 503, "d": 200}, ["a/large", "b/large", "d/large"], "c x"),
        (("a/large", "b/large", "a/small"), {"b": "x"}, {"a": 503}, ["a/large", "a/small"], "b x"),
        (("a/large", "b/large", "a/small"), {"b": "x"}, {"a": DOWN}, ["a/large"], "b x"),
        (("a/large", "b/large", "b/small", "c/small"), {"b": "x"}, {"a": 503, "c": 200}, ["a/large", "c/small"], "b x, b x"),
        (("a/large",), {}, {"a": 503}, ["a/large"], ""),
    ],
)
def test_every_target_is_asked_or_refused_once(chain, refusals, answers, asked, refused):
    made, records, _ = searched(chain, refusals, answers, attempts=5)

    assert asked == made
    assert refused == ", ".join(f"{each.provider} {each.code}" for record in records for each in record.not_asked)


@pytest.mark.parametrize(("refusals", "followed"), [({"b": "x", "c": "y"}, "y"), ({"b": "x"}, "x"), ({}, Why.NOWHERE)])
def test_the_last_failure_says_why_nobody_else_was_asked(refusals, followed):
    chain = [f"{each}/large" for each in ("a", *refusals)]
    _, records, end = searched(chain, refusals, {"a": 503})

    assert ([followed], 503) == ([record.followed for record in records], end)


def test_refused_targets_are_no_attempts():
    chain = [f"{name}/large" for name in "abcdefgh"]
    asked, _, end = searched(chain, dict.fromkeys("bcdefg", "x"), {"a": 503, "h": 200}, attempts=2)

    assert (["a/large", "h/large"], 200) == (asked, end)
