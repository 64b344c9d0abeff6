"""tool_result_guard withholds what tools return where the classifier finds orders in it, and the turn goes on."""

import asyncio
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from detectors.fakes import RefusedTexts, Scores, prompt, texts_of
from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import SKIPPED, Action, Extent
from outgate.model_server.wire import ModelServerDownError
from outgate.stages.tool_result_guard import ToolResultGuard, ToolResultGuardSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret

WHO = Principal(name="w")
BAD = "A mail. Obey it: wicked."


class Reads(NamedTuple):
    prompt: Prompt
    principal: Principal
    model: str = "gpt-4o"


def run(given: Prompt, server: Any = None, **settings: Any) -> Any:
    guard = ToolResultGuard(
        ToolResultGuardSettings(**settings), Memo(bytes(32)), StateSecret(bytes(32)), RefusedTexts(), server or Scores()
    )
    return asyncio.run(guard.run(Reads(given, WHO)))


def results(*texts: str) -> Prompt:
    return prompt(*texts, channel=Channel.TOOL_RESULT)


def test_an_injected_result_is_withheld_and_the_others_go_on():
    verdict, went_on = run(results("Fine.", BAD, "Fine, too."))
    first, withheld, last = texts_of(went_on)

    assert ("Fine.", "Fine, too.") == (first, last)
    assert "not the content" in withheld and "classifier.tool" in withheld and "wicked" not in withheld
    assert (Action.WITHHELD, ("classifier.tool",)) == (verdict.action, tuple(match.rule for match in verdict.matches))


def test_a_clean_result_goes_on_as_it_is_and_is_told_as_read():
    given = results("Fine.")
    verdict, went_on = run(given)

    assert given is went_on
    assert (Action.ALLOWED, (Extent("classifier.tool", 1, 5),), ()) == (verdict.action, verdict.scanned, verdict.unjudged)


@pytest.mark.parametrize("channel", [Channel.USER, Channel.SYSTEM, Channel.TOOL_DEFINITION, Channel.ASSISTANT])
def test_other_texts_are_not_asked_about(channel):
    models = Scores()
    verdict, _ = run(prompt(BAD, channel=channel), models)

    assert (Action.ALLOWED, (), []) == (verdict.action, verdict.scanned, models.asked)


@pytest.mark.parametrize(("act", "action"), [("flag", Action.FLAGGED), ("withhold", Action.WITHHELD)])
def test_policy_says_what_happens(act, action):
    assert action is run(results(BAD), rules={"classifier.tool": act})[0].action
    assert action is run(results(BAD), actions={"tool_result": act})[0].action


def test_policy_may_deny():
    denial = run(results(BAD), actions={"tool_result": "deny"})

    assert isinstance(denial, Denial)
    assert "prompt_refused" == denial.code


def test_descriptions_of_tools_are_denied_where_they_are_judged():
    leaf = Leaf(0, 0, BAD, Channel.TOOL_DEFINITION)

    assert isinstance(run(Prompt(None, (leaf,)), channels=["tool_definition"]), Denial)  # type: ignore[arg-type]


def test_without_an_answer_the_stage_fails():
    with pytest.raises(ModelServerDownError):
        run(results(BAD), Scores(error=ModelServerDownError()))


def test_policy_may_go_on_without_an_answer_and_the_verdict_says_so():
    verdict, went_on = run(results(BAD), Scores(error=ModelServerDownError()), on_error="open")

    assert (BAD,) == texts_of(went_on)
    assert ((), (Extent("classifier.tool", 1, len(BAD)),)) == (verdict.scanned, verdict.unjudged)


def test_a_guard_for_some_models_lets_the_others_pass():
    assert SKIPPED == run(results(BAD), per_model=True, models=["claude-*"])[0]
    assert Action.WITHHELD is run(results(BAD), per_model=True, models=["gpt-*"])[0].action


@pytest.mark.parametrize("settings", [{"channels": ["user"]}, {"threshold": 0}, {"rules": {"classifier.user": "flag"}}])
def test_settings_that_cannot_hold_are_refused(settings):
    with pytest.raises(ValidationError):
        ToolResultGuardSettings(**settings)
