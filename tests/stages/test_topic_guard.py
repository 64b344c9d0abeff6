"""topic_guard acts on users' texts that touch a topic of the policy, as the policy says; a model server that is away refuses."""

import asyncio
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from detectors.fakes import RefusedTexts, prompt, texts_of
from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import SKIPPED, Action, Extent
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerDownError
from outgate.stages.topic_guard import TopicGuard, TopicGuardSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret
from support.routed import CHAT, CODE, NONE, FakeModels

WHO = Principal(name="w")
TOPICS = {"names": {"code": CODE, "talk": CHAT}, "none_of_these": NONE}
BUG, TALK, OTHER = "fix the bug in this code", "tell me a joke friend", "price of gold"


class Reads(NamedTuple):
    prompt: Prompt
    principal: Principal
    model: str = "gpt-4o"


def guard(server: Any = None, **settings: Any) -> TopicGuard:
    chosen = TopicGuardSettings(**{"topics": TOPICS, **settings})
    return TopicGuard(chosen, server or FakeModels(), Memo(bytes(32)), Embedders({}), StateSecret(bytes(32)), RefusedTexts())


def run(given: Prompt, server: Any = None, **settings: Any) -> Any:
    return asyncio.run(guard(server, **settings).run(Reads(given, WHO)))


def down() -> FakeModels:
    server = FakeModels()
    server.down = True
    return server


def test_a_restricted_topic_is_denied_by_its_rule():
    denial = run(prompt(OTHER, BUG))

    assert isinstance(denial, Denial)
    assert ("prompt_refused", 400) == (denial.code, denial.status)
    assert "topic.code" in denial.message
    assert ["topic.code"] == [match.rule for match in denial.outputs[0].matches]


def test_other_texts_go_on_as_they_are_and_are_told_as_read():
    given = Prompt(None, (*prompt(OTHER).leaves, Leaf(0, 9, BUG, Channel.SYSTEM, 9)))
    verdict, went_on = run(given)

    assert given is went_on
    assert Action.ALLOWED is verdict.action
    assert (Extent("user", 1, len(OTHER)),) == verdict.scanned
    assert (Extent("system", 1, len(BUG)),) == verdict.unjudged


def test_each_topic_has_its_action():
    verdict, went_on = run(prompt(BUG, TALK), rules={"topic.code": "withhold", "topic.talk": "flag"})
    withheld, flagged = texts_of(went_on)

    assert TALK == flagged
    assert "topic.code" in withheld and "bug" not in withheld
    assert Action.WITHHELD is verdict.action


@pytest.mark.parametrize(("act", "action"), [("flag", Action.FLAGGED), ("withhold", Action.WITHHELD)])
def test_each_channel_has_its_action(act, action):
    assert action is run(prompt(BUG), actions={"user": act})[0].action


def test_an_earlier_turn_is_withheld_and_its_conversation_goes_on():
    leaves = (Leaf(0, 0, BUG, Channel.USER, 0), Leaf(0, 1, "No.", Channel.ASSISTANT, 1), Leaf(0, 2, OTHER, Channel.USER, 2))
    verdict, went_on = run(Prompt(prompt().document, leaves))

    assert Action.WITHHELD is verdict.action
    assert ("No.", OTHER) == texts_of(went_on)[1:]


def test_tools_results_are_read_and_withheld_where_policy_says_so():
    verdict, _ = run(prompt(BUG, channel=Channel.TOOL_RESULT), channels=["tool_result"])

    assert Action.WITHHELD is verdict.action


def test_without_an_answer_the_stage_fails():
    with pytest.raises(ModelServerDownError):
        run(prompt(BUG), down())


def test_without_an_answer_in_time_the_stage_fails():
    with pytest.raises(TimeoutError):
        run(prompt(BUG), Hangs(), limit=0.01)


def test_policy_may_go_on_without_an_answer_and_the_verdict_says_so():
    verdict, went_on = run(prompt(BUG), down(), on_error="open")

    assert (BUG,) == texts_of(went_on)
    assert ((), (Extent("user", 1, len(BUG)),)) == (verdict.scanned, verdict.unjudged)


class Hangs:
    """A model server that never answers."""

    async def ask(self, *_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()


def test_a_guard_for_some_models_lets_the_others_pass():
    assert SKIPPED == run(prompt(BUG), per_model=True, models=["claude-*"])[0]
    assert isinstance(run(prompt(BUG), per_model=True, models=["gpt-*"]), Denial)


def test_few_phrases_and_phrases_of_two_topics_are_warned_of():
    names = {"code": CODE[:3], "talk": (*CHAT, CODE[0])}

    assert ["W_FEW_EXEMPLARS", "W_EXEMPLAR_TWICE"] == [each.code for each in guard(topics={"names": names}).warnings]


def test_the_plan_tells_each_topic_and_what_happens():
    told = "\n".join(guard(rules={"topic.talk": "flag"}).explained())

    assert "topic.code: deny, topic.talk: flag" in told


@pytest.mark.parametrize(
    "settings", [{"topics": {"names": {}}}, {"channels": ["assistant"]}, {"rules": {"topic.cod": "flag"}}, {"channels": []}]
)
def test_settings_that_cannot_hold_are_refused(settings):
    with pytest.raises(ValidationError):
        TopicGuardSettings(**{"topics": TOPICS, **settings})
