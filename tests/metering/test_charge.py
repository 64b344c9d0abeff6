from types import SimpleNamespace

import pytest

from outgate.errors import FailureKind
from outgate.inference.input_tokens import InputTokens
from outgate.inference.usage import Usage
from outgate.metering.charge import Basis, Charge, Ending, charge_for

REPORTED = Usage(input_tokens=110, output_tokens=20)
ANSWER = Charge(110, 20, Basis.REPORTED, ((110, 20),))
MAY_BE_BILLED = ("reset_before_head", "timed_out", "broken_stream", "not_begun", "protocol_error")


def attempt(failure=None, *, status=None, sent=True, streams=False):
    return SimpleNamespace(failure=failure, status=status, sent=sent, streams=streams)


ANSWERED = attempt(status=200)


def ending(*before, **fields):
    """An answered exchange with these attempts before the one that was answered, changed in these facts."""
    usual = {"source": "upstream", "status": 200, "usage": REPORTED, "counted": InputTokens(100), "bound": 400}
    return Ending(**usual | {"attempts": (*before, ANSWERED)} | fields)


def unanswered(*attempts, **fields):
    return ending(source=None, status=None, usage=None, attempts=attempts, **fields)


@pytest.mark.parametrize(
    ("fields", "tokens", "basis"),
    [
        ({}, (110, 20), Basis.REPORTED),
        ({"usage": Usage(input_tokens=100, output_tokens=7, estimated=True)}, (100, 7), Basis.ESTIMATED),
        ({"usage": Usage(output_tokens=7)}, (100, 7), Basis.ESTIMATED),
        ({"usage": Usage(input_tokens=110)}, (110, 400), Basis.ESTIMATED),
        ({"usage": Usage(input_tokens=110), "bound": 0}, (110, 0), Basis.REPORTED),
        ({"usage": None}, (100, 400), Basis.HOLD),
        ({"usage": None, "bound": None}, (100, 0), Basis.HOLD),
        ({"usage": None, "status": 400}, (0, 0), Basis.NOTHING),
        ({"usage": Usage(input_tokens=100, output_tokens=0, estimated=True), "status": 400}, (0, 0), Basis.NOTHING),
        ({"usage": REPORTED, "status": 400}, (110, 20), Basis.REPORTED),
        ({"source": "cache", "attempts": ()}, (0, 0), Basis.NOTHING),
        ({"source": "gateway", "usage": None, "attempts": ()}, (0, 0), Basis.NOTHING),
        ({"source": None, "status": None, "usage": None, "attempts": ()}, (0, 0), Basis.NOTHING),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_an_answer_is_charged(fields, tokens, basis):
    charge = charge_for(ending(**fields))

    assert (*tokens, basis) == charge[:3]
    assert (tokens,) * len(charge.attempts) == charge.attempts


def test_a_whole_answer_that_nobody_waited_for_is_charged_its_hold():
    assert Charge(100, 400, Basis.HOLD, ((100, 400),)) == charge_for(unanswered(attempt()))


def test_a_stream_of_which_nothing_came_is_charged_its_input():
    assert Charge(100, 0, Basis.ESTIMATED, ((100, 0),)) == charge_for(unanswered(attempt(streams=True)))


def test_what_was_never_sent_is_charged_nothing():
    assert Charge() == charge_for(unanswered())
    assert (0, 0, Basis.NOTHING) == charge_for(unanswered(attempt(FailureKind.TIMEOUT, sent=False)))[:3]


@pytest.mark.parametrize("kind", list(FailureKind))
def test_an_attempt_that_may_have_been_billed_is_charged_its_hold_beside_the_answer(kind):
    charge = charge_for(ending(attempt(kind)))

    if kind.value in MAY_BE_BILLED:
        assert Charge(210, 420, Basis.HOLD, ((100, 400), (110, 20))) == charge
    elif kind is FailureKind.STALE:
        assert Charge(210, 20, Basis.ESTIMATED, ((100, 0), (110, 20))) == charge
    else:
        assert Charge(110, 20, Basis.REPORTED, ((0, 0), (110, 20))) == charge


@pytest.mark.parametrize("kind", MAY_BE_BILLED)
def test_a_stream_that_was_lost_is_charged_its_input_beside_the_answer(kind):
    lost = attempt(FailureKind(kind), streams=True)

    assert Charge(210, 20, Basis.ESTIMATED, ((100, 0), (110, 20))) == charge_for(ending(lost))


def test_an_attempt_that_was_cut_off_after_an_answer_that_did_not_stand_is_charged_alone():
    refused = attempt(FailureKind.SERVER_ERROR, status=503)
    charge = charge_for(ending(source="upstream", status=503, usage=None, attempts=(refused, attempt())))

    assert Charge(100, 400, Basis.HOLD, ((0, 0), (100, 400))) == charge


def test_an_attempt_that_was_never_sent_costs_nothing_beside_the_answer():
    assert ANSWER[:3] == charge_for(ending(attempt(FailureKind.TIMEOUT, sent=False)))[:3]


def test_fifty_refused_attempts_are_charged_once_A29():
    refused = [attempt(FailureKind.SERVER_ERROR, status=503)] * 49

    assert Charge(110, 20, Basis.REPORTED, (*((0, 0),) * 49, (110, 20))) == charge_for(ending(*refused))


def test_every_lost_attempt_is_charged_where_none_was_answered():
    lost = (attempt(FailureKind.TIMEOUT), attempt(FailureKind.RESET))

    assert Charge(200, 800, Basis.HOLD, ((100, 400), (100, 400))) == charge_for(unanswered(*lost))


def test_the_shares_of_the_attempts_are_the_charge():
    charge = charge_for(ending(attempt(FailureKind.TIMEOUT), attempt(FailureKind.RATE_LIMITED, status=429), attempt(streams=True)))

    assert charge[:2] == tuple(map(sum, zip(*charge.attempts, strict=True)))
