import pytest

from outgate.errors import FailureKind as Kind
from outgate.upstreams.retry_policy import (
    DEFAULT_ON,
    OF_THE_ANSWER,
    Clock,
    Failure,
    Health,
    Retry,
    RoutePolicy,
    Stand,
    Tried,
    Where,
    Why,
    decide,
)

SAME, ENDPOINT, PROVIDER, MODEL = (Retry(where) for where in (Where.SAME, Where.ENDPOINT, Where.PROVIDER, Where.MODEL))
LISTED = DEFAULT_ON | OF_THE_ANSWER


def decided(failure, *, tried=Tried(1), endpoints=0, budget=True, left=600.0, jitter=1.0, **policy):  # noqa: B008 (frozen)
    return decide(failure, tried, RoutePolicy(**({"on": LISTED} | policy)), Health(endpoints, budget), Clock(left, jitter))


@pytest.mark.parametrize(
    ("kind", "others", "alone"),
    [
        (Kind.CONNECT, ENDPOINT, PROVIDER),
        (Kind.TLS, ENDPOINT, PROVIDER),
        (Kind.DNS, ENDPOINT, PROVIDER),
        (Kind.RESET, ENDPOINT, MODEL),
        (Kind.STALE, SAME, SAME),
        (Kind.TIMEOUT, ENDPOINT, MODEL),
        (Kind.SERVER_ERROR, ENDPOINT, MODEL),
        (Kind.RATE_LIMITED, MODEL, MODEL),
        (Kind.UNAUTHORIZED, SAME, SAME),
        (Kind.PROTOCOL, ENDPOINT, MODEL),
        (Kind.NOT_BEGUN, ENDPOINT, MODEL),
        (Kind.REFUSAL, MODEL, MODEL),
        (Kind.CONTENT_FILTER, MODEL, MODEL),
        (Kind.CONTEXT_LENGTH, MODEL, MODEL),
        (Kind.BROKEN_STREAM, Stand(Why.NOT_LISTED), Stand(Why.NOT_LISTED)),
    ],
)
def test_each_failure_goes_where_it_may_be_mended(kind, others, alone):
    assert (others, alone) == (decided(Failure(kind), endpoints=2), decided(Failure(kind)))


def test_every_failure_is_in_the_table():
    [table] = [mark for mark in test_each_failure_goes_where_it_may_be_mended.pytestmark if mark.name == "parametrize"]

    assert set(Kind) == {row[0] for row in table.args[1]}


@pytest.mark.parametrize("kind", OF_THE_ANSWER)
def test_what_a_model_would_not_do_is_no_failure_unless_it_is_listed(kind):
    assert Stand(Why.NOT_LISTED) == decided(Failure(kind), on=DEFAULT_ON)


@pytest.mark.parametrize(
    ("reason", "case"),
    [
        (Why.NOT_LISTED, {"on": frozenset({Kind.TIMEOUT})}),
        (Why.ATTEMPTS, {"tried": Tried(3)}),
        (Why.SENT, {"failure": Failure(Kind.RESET, unknown=True)}),
        (Why.REFRESHED, {"failure": Failure(Kind.UNAUTHORIZED), "tried": Tried(2, refreshed=True)}),
        (Why.NOWHERE, {"tried": Tried(1, nowhere=True)}),
        (Why.BUDGET, {"tried": Tried(1, nowhere=True), "budget": False, "endpoints": 2}),
    ],
)
def test_a_failure_stands_for_one_reason(reason, case):
    assert Stand(reason) == decided(**({"failure": Failure(Kind.SERVER_ERROR)} | case))


def test_what_may_have_been_received_is_sent_again_where_the_route_says_so():
    assert ENDPOINT == decided(Failure(Kind.RESET, unknown=True), endpoints=1, sent=True)


def test_the_budget_keeps_retries_from_a_provider_and_lets_them_leave_it():
    assert MODEL == decided(Failure(Kind.SERVER_ERROR), endpoints=2, budget=False, same=2)


@pytest.mark.parametrize(("same", "jitter", "after"), [(0, 1.0, 0.25), (1, 1.0, 0.5), (2, 0.0, 0.5), (4, 1.0, 4.0), (4, 0.5, 3.0)])
def test_the_back_off_doubles_less_a_random_half(same, jitter, after):
    assert Retry(Where.SAME, after) == decided(Failure(Kind.SERVER_ERROR), tried=Tried(1, same=same), same=5, jitter=jitter)


@pytest.mark.parametrize(("asked", "expected"), [(None, 0.25), (0.0, 0.25), (2.0, 2.0), (5.0, 5.0), (5.1, None), (3600.0, None)])
def test_retry_after_is_waited_for_up_to_the_longest_back_off(asked, expected):
    step = decided(Failure(Kind.RATE_LIMITED, retry_after=asked), same=1)

    assert (Retry(Where.SAME, expected) if expected is not None else MODEL) == step


def test_A28_nothing_is_waited_for_beyond_the_deadline_of_the_exchange():
    assert MODEL == decided(Failure(Kind.RATE_LIMITED, retry_after=2.0), same=1, left=1.9)


@pytest.mark.parametrize("kind", [Kind.TIMEOUT, Kind.CONNECT, *OF_THE_ANSWER])
def test_a_place_that_was_silent_or_refused_is_not_asked_the_same_again(kind):
    assert Where.SAME is not decided(Failure(kind), same=5).where
