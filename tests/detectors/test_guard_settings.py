"""Settings of a guard in a policy, and what follows from them."""

import pytest
from pydantic import ValidationError

from outgate.detectors.guard_settings import Act, GuardSettings
from outgate.inference.prompt import Channel
from outgate.stages.prompt_guard import PromptGuardSettings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rules": {"override.previus": "flag"}}, "there is no rule `override.previus`; did you mean `override.previous`?"),
        ({"rules": {"phrase.2": "flag"}, "phrases": ["one"]}, "there is no rule `phrase.2`; did you mean `phrase.1`?"),
        ({"disabled_rules": ["zzz"]}, "there is no rule `zzz`"),
        ({"actions": {"tool_results": "flag"}}, "there is no channel `tool_results`; did you mean `tool_result`?"),
        ({"actions": {"system": "withhold"}}, "`system` cannot be withheld"),
    ],
)
def test_a_name_that_nobody_knows_is_refused_with_the_nearest(settings, said):
    with pytest.raises(ValidationError, match=r"no rule|no channel|withheld") as refused:
        PromptGuardSettings(**settings)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "user", "result"),
    [
        ({}, Act.DENY, Act.WITHHOLD),
        ({"action": "answer"}, Act.ANSWER, Act.WITHHOLD),
        ({"action": "flag"}, Act.FLAG, Act.FLAG),
        ({"action": "withhold"}, Act.WITHHOLD, Act.WITHHOLD),
        ({"actions": {"tool_result": "deny"}}, Act.DENY, Act.DENY),
        ({"actions": {"user": "flag"}}, Act.FLAG, Act.WITHHOLD),
        ({"rules": {"override.own": "flag"}, "actions": {"user": "answer"}}, Act.FLAG, Act.FLAG),
    ],
)
def test_a_rule_says_more_than_a_channel_and_a_channel_more_than_the_default(settings, user, result):
    given = PromptGuardSettings(**settings)

    assert user is given.act("override.own", Channel.USER, certain=True)
    assert result is given.act("override.own", Channel.TOOL_RESULT, certain=True)


def test_a_signal_is_flagged_unless_its_rule_is_named():
    assert Act.FLAG is GuardSettings().act("a.b", Channel.USER, certain=False)
    assert Act.DENY is PromptGuardSettings(rules={"override.own": "deny"}).act("override.own", Channel.USER, certain=False)
