import pytest
from pydantic import ValidationError

from outgate.errors import FailureKind
from outgate.policy.retry_settings import RetrySection
from outgate.upstreams.retry_policy import RoutePolicy


def test_what_is_not_written_is_the_default_of_the_policy():
    assert RoutePolicy() == RetrySection().policy()


def test_settings_become_the_policy():
    written = RetrySection.model_validate({"on": ["refusal"], "same": 2, "backoff": [1, 4], "budget": 0.5})

    assert RoutePolicy(on=frozenset({FailureKind.REFUSAL}), same=2, least=1, longest=4, share=0.5) == written.policy()


@pytest.mark.parametrize(
    "wrong", [{"on": ["broken_stream"]}, {"on": ["often"]}, {"backoff": [5, 1]}, {"budget": 2}, {"attempts": 0}]
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        RetrySection.model_validate(wrong)
