import pytest
from pydantic import ValidationError

from outgate.answers.settings import CacheSettings


def test_nothing_similar_is_given_unless_the_policy_says_so():
    assert "off" == CacheSettings().similar.mode


@pytest.mark.parametrize(
    "wrong",
    [
        {"similar": {"mode": True}},
        {"similar": {"threshold": 0.2}},
        {"similar": {"delta": 0}},
        {"similar": {"max_characters": 100_000}},
        {"tags": ["no spaces"]},
        {"max_age": 0},
        {"tool_calls": True},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        CacheSettings.model_validate(wrong)
