from types import SimpleNamespace

import pytest

from outgate.errors import FailureKind
from outgate.inference.usage import Usage
from outgate.metering.charge import Basis, Charge, Ending, charge_for

REPORTED = Usage(input_tokens=110, output_tokens=20)


def attempt(failure=None, *, sent=True):
    return SimpleNamespace(failure=failure, sent=sent)


def ending(**fields):
    usual = {"outcome": "answered", "source": "upstream", "status": 200, "usage": REPORTED, "counted": 100, "bound": 400}
    return Ending(**usual | {"attempts": (attempt(),)} | fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Charge(110, 20, Basis.REPORTED)),
        ({"usage": Usage(input_tokens=100, output_tokens=7, estimated=True)}, Charge(100, 7, Basis.ESTIMATED)),
        ({"usage": Usage(output_tokens=7)}, Charge(100, 7, Basis.ESTIMATED)),
        ({"usage": Usage(input_tokens=110)}, Charge(110, 400, Basis.ESTIMATED)),
        ({"usage": Usage(input_tokens=110), "bound": 0}, Charge(110, 0, Basis.REPORTED)),
        ({"usage": None}, Charge(100, 400, Basis.HOLD)),
        ({"usage": None, "bound": None}, Charge(100, 0, Basis.HOLD)),
        ({"usage": None, "status": 400}, Charge()),
        ({"source": "cache"}, Charge()),
        ({"source": "gateway", "usage": None}, Charge()),
        ({"outcome": "denied", "source": None, "status": None, "usage": None, "attempts": ()}, Charge()),
        (
            {"outcome": "client_gone", "source": None, "status": None, "usage": None, "attempts": ()},
            Charge(100, 0, Basis.ESTIMATED),
        ),
        ({"outcome": "killed", "source": None, "status": None, "usage": None, "attempts": (), "bound": None}, Charge()),
        ({"outcome": "client_gone"}, Charge(110, 20, Basis.REPORTED)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_an_ending_is_charged(fields, expected):
    assert expected == charge_for(ending(**fields))


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_an_attempt_that_may_have_been_billed_is_charged(kind):
    lost = kind.value in ("reset_before_head", "idle_connection_lost", "timed_out", "broken_stream", "protocol_error")
    charged = charge_for(ending(attempts=(attempt(kind), attempt())))

    assert (Charge(210, 20, Basis.ESTIMATED) if lost else Charge(110, 20, Basis.REPORTED)) == charged


def test_an_attempt_that_was_never_sent_costs_nothing():
    assert Charge(110, 20, Basis.REPORTED) == charge_for(ending(attempts=(attempt(FailureKind.TIMEOUT, sent=False), attempt())))


def test_fifty_refused_attempts_are_charged_once_A29():
    attempts = (*[attempt(FailureKind.SERVER_ERROR)] * 49, attempt())

    assert Charge(110, 20, Basis.REPORTED) == charge_for(ending(attempts=attempts))


def test_lost_attempts_without_an_answer_are_charged_their_input():
    attempts = (attempt(FailureKind.TIMEOUT), attempt(FailureKind.RESET))
    failed = ending(outcome="failed", source=None, status=None, usage=None, attempts=attempts)

    assert Charge(200, 0, Basis.ESTIMATED) == charge_for(failed)
