"""One line for the operator for each kind of trouble, and a count of the rest."""

import logging
from dataclasses import replace

import pytest

from outgate.errors import Denial, FailureKind, FailureReason
from outgate.metering.notices import Notices
from support.endings import DENIED, attempt, ended, refused_at_the_door
from support.metered import closed_of

FAILED = attempt(status=None, failure=FailureKind.CONNECT, reason=FailureReason.CONNECT_REFUSED)


@pytest.fixture(name="notices")
def _notices(caplog):
    caplog.set_level(logging.WARNING, "outgate")
    return Notices()


def test_an_answer_says_nothing(notices, caplog):
    notices.tell("x", closed_of(ended()))
    notices.flush()
    assert [] == caplog.messages


def test_at_level_info_an_answer_is_one_line_with_who_model_tokens_and_time(notices, caplog):
    caplog.set_level(logging.INFO, "outgate")
    notices.tell("req_1", closed_of(ended()))
    assert 1 == len(caplog.messages)
    said = caplog.messages[0]
    assert said.startswith("answered 200 workload=agent ")
    assert all(f" {word}=" in said for word in ("route", "provider", "model", "client", "seconds"))
    assert said.endswith(" id=req_1")


def test_a_denial_is_one_line_with_who_what_and_why(notices, caplog):
    notices.tell("req_1", closed_of(ended(outcome="denied", denial=DENIED, r_source="gateway", r_status=None)))
    what = "denied 429 budget_exhausted by token_budget workload=agent for api.example:443"
    about = "POST /v1/chat/completions model=fast client=192.0.2.9 id=req_1: Too little is left."
    assert [f"{what} {about}"] == caplog.messages


MEND = "; to mend: nothing listens there: whether the provider runs, and the port in `providers.main.endpoints`"


def test_a_failed_attempt_is_one_line_also_where_another_answered(notices, caplog):
    notices.tell("req_1", closed_of(ended(attempts=(FAILED, attempt(2)))))
    assert [f"attempt failed: connect.refused at main/eu (192.0.2.1:443) workload=agent id=req_1{MEND}"] == caplog.messages


def test_an_address_that_is_the_name_of_its_endpoint_is_said_once(notices, caplog):
    notices.tell("req_1", closed_of(ended(attempts=(replace(FAILED, endpoint="192.0.2.1:443"), attempt(2)))))
    assert caplog.messages[0].startswith("attempt failed: connect.refused at main/192.0.2.1:443 workload=agent")


def test_a_failure_that_the_caller_was_told_of_is_one_line_with_what_to_mend(notices, caplog):
    denial = Denial(code="upstream_connect_failed", status=502, message="The provider could not be reached.")
    notices.tell("req_1", closed_of(ended(outcome="denied", denial=denial, r_source="gateway", attempts=(FAILED,))))
    what = "failed 502 upstream_connect_failed of connect.refused at main/eu (192.0.2.1:443) workload=agent for api.example:443"
    assert [f"{what} POST /v1/chat/completions model=fast client=192.0.2.9 id=req_1{MEND}"] == caplog.messages


def test_failures_before_the_last_have_lines_of_their_own(notices, caplog):
    denial = Denial(code="upstream_connect_failed", status=502, message="The provider could not be reached.")
    notices.tell("req_1", closed_of(ended(outcome="denied", denial=denial, attempts=(FAILED, replace(FAILED, endpoint="us")))))
    assert ["attempt failed: connect.refused at main/eu", "failed 502 upstream_connect_failed of connect.refused at main/us"] == [
        message.partition(" (")[0] for message in caplog.messages
    ]


def test_identical_ones_are_counted_and_told_once(notices, caplog):
    for number in range(262):
        notices.tell(f"req_{number}", closed_of(ended(outcome="denied", denial=DENIED)))
    assert 1 == len(caplog.messages)
    notices.flush()
    assert caplog.messages[1:] == [
        "denied 429 budget_exhausted by token_budget workload=agent for api.example:443: 261 more in 10 s"
    ]
    notices.flush()
    assert 2 == len(caplog.messages)


def test_a_flood_of_different_ones_writes_a_bounded_number_of_lines(notices, caplog):
    for number in range(4_200):
        notices.tell("x", closed_of(refused_at_the_door(destination=f"h{number}.test:443")))
    notices.flush()
    assert 65 == len(caplog.messages)
    assert "4136 more denials and failures of other kinds in 10 s" == caplog.messages[-1]


def test_a_caller_cannot_forge_a_line(notices, caplog):
    forged = ended(outcome="denied", denial=DENIED, path="/v1/x\ndenied 403 y", model_requested="a\nb", method="GET\r\n")
    notices.tell("x", closed_of(forged))
    assert not any(each in caplog.messages[0] for each in "\r\n")


UNTRUSTED = "The client does not trust the proxy's certificate for api.openai.com (tlsv1 alert unknown ca)"
GONE = (
    "The client disconnected during the handshake. If this happens consistently for api.openai.com, this may indicate that the"
    " client does not trust the proxy's certificate."
)


def test_who_does_not_trust_the_authority_is_told_once_with_what_mends_it(notices, caplog):
    for _ in range(3):
        notices.distrusted("app", "10.0.0.3", "api.openai.com:443", UNTRUSTED)
    notices.flush()

    said = "the client does not trust the gateway's authority, workload=app for api.openai.com:443"
    mend = "`outgate env app` says what it must set, `outgate ca show` which authority it is"
    assert [f"{said} client=10.0.0.3; to mend: {mend}", f"{said}: 2 more in 10 s"] == caplog.messages


@pytest.mark.parametrize(
    ("workload", "error", "told"),
    [("", UNTRUSTED, "does not"), ("app", GONE, "may not"), ("", GONE, ""), ("app", "connection closed early", "")],
)
def test_who_only_may_not_trust_it_is_told_of_a_known_workload_alone(notices, caplog, workload, error, told):
    notices.distrusted(workload, "10.0.0.3", "api.openai.com:443", error)

    assert [told] == [each.split("client ")[1][: len(told)] for each in caplog.messages] or not (told or caplog.messages)
