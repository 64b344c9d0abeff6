"""A word to each way in which a provider fails."""

import pytest

from outgate.errors import FailureReason
from outgate.metering.mends import mend

THE_REQUEST = {FailureReason.ANSWER_NOT_BEGUN, FailureReason.ANSWER_REFUSED}
"""Reasons that lie in the request, or in what the model says to it."""


@pytest.mark.parametrize("reason", FailureReason)
def test_every_reason_of_a_provider_has_a_mend(reason: FailureReason) -> None:
    told = mend("openai", "connect_failed", reason)

    assert bool(told) is (reason not in THE_REQUEST)
    assert "{" not in told


def test_a_refused_key_is_named_by_its_place_in_the_policy() -> None:
    assert "`providers.openai.credential`" in mend("openai", "unauthorized", "answer.error_status", "gateway")


def test_a_refused_key_of_the_caller_is_not_the_policys() -> None:
    assert "providers" not in mend("openai", "unauthorized", "answer.error_status", "workload")


def test_a_limit_of_the_provider_is_no_fault_of_it() -> None:
    assert "limits this key" in mend("openai", "rate_limited", "answer.error_status")


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("forbidden", "answer.error_status"),
        ("credential_unreadable", "credential.unreadable"),
        ("credential_not_renewed", "credential.not_renewed"),
    ],
)
def test_what_is_no_failed_attempt_has_a_mend_too(failure: str, reason: str) -> None:
    assert mend("openai", failure, reason)
