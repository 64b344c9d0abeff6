"""End of the attempts: whatever is refused, limited or not found, the search for another place ends."""

import asyncio
from collections import namedtuple

import pytest

from outgate.errors import Denial, FailureKind
from outgate.exchange.attempts import CREDENTIAL_REFUSED, AttemptPorts, Attempts
from outgate.net.headers import Headers
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan, Step
from outgate.stages.dispatch import FailedAttempt
from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint, KeySource
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.retry_budget import RetryBudget
from outgate.upstreams.retry_policy import RoutePolicy, Why

ENDPOINTS = tuple(Endpoint(name=name, host="127.0.0.1", port=1) for name in ("one", "two"))
NAMES = ("backend", "endpoint.state", "credential.epoch", "endpoint", "wire.auth", "r.status", "r.headers", "r.stream", "model")
SLOTS = {name: at for at, name in enumerate(NAMES)}
DENIED = Denial(code="denied", status=403, message="m")
STOOD = DENIED.by("dispatch")
MOST = 500
"""Looks at the clock: an endless search would stop there."""


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
        on_error=_raised,
    )


def _raised(error):
    raise error


def searched(answer, *, keys=1, pick=lambda facts: ENDPOINTS[0], **policy):
    """The records, the end and the keys used of one exchange at a provider that has so many keys; `answer` is told the key."""
    environ = {f"KEY{at}": f"key-number-{at}" for at in range(keys)}
    reference = CredentialReference(keys=tuple(KeySource(env=name) for name in environ)) if keys else None
    backend = Backend(name="b", provider="p", dialect="openai", host="api.test", endpoints=ENDPOINTS, credential=reference)
    credentials, used, looks = Credentials(environ, lambda: 0.0, lambda: 0.0), [], iter(range(MOST))

    def seconds():
        assert next(looks, None) is not None, "the search does not end"
        return 0.0

    async def dispatch(facts):
        used.append(facts.wire_auth.source.reveal()[-1] if facts.wire_auth else None)
        said = answer(len(used))
        return said if isinstance(said, Denial) else (said, Headers(), None)

    def picked(facts):
        one = pick(facts)
        return one if isinstance(one, Denial) else (one,)

    async def sleep(_):
        return None

    plan = Plan(
        request=(
            step("pick", picked, ("endpoint.state",), ("endpoint",)),
            step("bind", lambda facts: (credentials.bound(facts.backend),), ("backend", "credential.epoch"), ("wire.auth",)),
            step("dispatch", dispatch, ("endpoint", "wire.auth"), ("r.status", "r.headers", "r.stream"), waits=True),
        ),
        first=SLOTS,
        final=SLOTS,
        size=len(SLOTS),
    )
    first = Execution(plan, lambda: 0)
    first.give({"backend": backend, "endpoint.state": frozenset(), "credential.epoch": credentials.epoch(backend)})
    ports = AttemptPorts(
        credentials=credentials, budget=RetryBudget(lambda: 0.0), seconds=seconds, wall=lambda: 0.0, sleep=sleep, jitter=lambda: 1.0
    )
    made = Attempts(ports, RoutePolicy(**({"attempts": 10} | policy)), deadline=600.0)
    _, ended = asyncio.run(made.run(first))
    return made.records, ended, used


def failure(kind):
    return FailedAttempt(code="c", status=502, message="m", kind=kind, sent=False)


@pytest.mark.parametrize(("keys", "used"), [(0, [None]), (1, ["0"]), (2, ["0", "1"]), (3, ["0", "1", "2"])])
@pytest.mark.parametrize("same", [0, 3])
def test_a_refused_credential_stands_once_every_key_has_been_refused(keys, used, same):
    records, ended, asked = searched(lambda _: 401, keys=keys, same=same)

    assert used == asked
    assert (records[-1].followed, ended) == (Why.REFRESHED, CREDENTIAL_REFUSED if keys else None)


@pytest.mark.parametrize(("keys", "used"), [(0, [None]), (1, ["0"]), (2, ["0", "1"]), (3, ["0", "1", "2"])])
@pytest.mark.parametrize("status", [429, 402])
def test_a_limit_stands_once_every_key_rests(keys, used, status):
    records, ended, asked = searched(lambda _: status, keys=keys)

    assert (used, Why.NOWHERE, None) == (asked, records[-1].followed, ended)


@pytest.mark.parametrize(("keys", "used"), [(0, [None] * 3), (1, ["0"] * 3), (2, ["0", "1", "1"])])
def test_a_limit_of_every_key_is_waited_for_as_often_as_the_route_says(keys, used):
    records, _, asked = searched(lambda _: 429, keys=keys, same=2)

    assert (used, Why.NOWHERE) == (asked, records[-1].followed)


@pytest.mark.parametrize("keys", [1, 2, 3])
@pytest.mark.parametrize("statuses", [(401, 429), (429, 401), (401, 401, 429), (429, 503, 401)])
@pytest.mark.parametrize("same", [0, 2])
def test_limits_refusals_and_faults_by_turns_end(keys, statuses, same):
    records, _, _ = searched(lambda at: statuses[at % len(statuses)], keys=keys, same=same)

    assert isinstance(records[-1].followed, Why)


@pytest.mark.parametrize(("statuses", "key"), [((401, 200), "1"), ((429, 200), "1"), ((401, 429, 200), "2")])
def test_the_next_key_answers(statuses, key):
    records, ended, asked = searched(lambda at: statuses[at - 1], keys=3)

    assert (None, key, None) == (ended, asked[-1], records[-1].failure)


@pytest.mark.parametrize("pick", [lambda _: ENDPOINTS[0], lambda facts: DENIED if facts.endpoint_state else ENDPOINTS[0]])
@pytest.mark.parametrize("fault", [408, 500, 503, *map(failure, FailureKind)])
def test_a_picker_that_has_no_other_endpoint_ends_the_search(pick, fault):
    records, _, _ = searched(lambda _: fault, pick=pick)

    assert isinstance(records[-1].followed, Why)
    assert len(records) == 1 or isinstance(fault, Denial), "an answer is not asked for again where nothing differs"


@pytest.mark.parametrize("fault", [503, 429, failure(FailureKind.STALE), failure(FailureKind.RESET)])
@pytest.mark.parametrize("keys", [0, 1, 2])
def test_a_dispatch_that_is_refused_by_ourselves_ends_the_search(fault, keys):
    records, _, _ = searched(lambda at: fault if at == 1 else DENIED, keys=keys, same=3)

    assert (1, True) == (len(records), records[0].followed in (*Why, DENIED.code))


@pytest.mark.parametrize(("outcomes", "ended"), [((503, DENIED), STOOD), ((503, DENIED, 200), None), ((429, DENIED), STOOD)])
def test_what_was_given_up_for_a_back_off_is_never_delivered(outcomes, ended):
    """While it is waited the slot of the failed answer is free, and its stream closed: a refusal of ours then stands instead."""

    def pick(facts):
        return ENDPOINTS[1 if facts.endpoint_state else 0]

    records, end, _ = searched(lambda at: outcomes[min(at, len(outcomes)) - 1], keys=0, same=1, pick=pick)

    assert (ended, 200 if ended is None else outcomes[0]) == (end, records[-1].status)
