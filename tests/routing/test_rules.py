import pytest
from pydantic import ValidationError

from outgate.routing.rules import RouteSettings
from support.routed import CHAT, CODE

SEMANTIC = {"semantic": {"names": {"coder": CODE, "chat": CHAT}}}
DIFFICULTY = {"difficulty": {"hard": "careful", "easy": "fast"}}


@pytest.mark.parametrize("rule", [{}, {"to": "a", **SEMANTIC}, {**SEMANTIC, **DIFFICULTY}])
def test_a_rule_has_one_method(rule):
    with pytest.raises(ValidationError, match="exactly one"):
        RouteSettings.model_validate({"rules": [rule]})


def test_a_topic_without_phrases_is_refused_by_name():
    with pytest.raises(ValidationError, match=r"coder\.bugs"):
        RouteSettings.model_validate({"rules": [{"semantic": {"names": {"coder": {"bugs": []}}}}]})


def test_names_are_all_that_a_request_may_be_given():
    settings = RouteSettings.model_validate({"rules": [SEMANTIC, DIFFICULTY, {"to": "fast"}], "on_error": {"to": "last"}})

    assert ("coder", "chat", "careful", "fast", "last") == settings.names


@pytest.mark.parametrize("on_error", ["open", "fast", {"route": "fast"}])
def test_a_failure_mode_is_deny_or_a_name(on_error):
    with pytest.raises(ValidationError):
        RouteSettings.model_validate({"rules": [{"to": "a"}], "on_error": on_error})
