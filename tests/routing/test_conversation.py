"""The last question is the same on every step of the tool loop that follows it, in every dialect and agent."""

import orjson
import pytest

from outgate.inference.prompt import Channel, Leaf
from outgate.routing.conversation import asked, opening, tokens_of, until
from support.agent_sessions import SESSIONS
from support.conversations import body, call, said, user
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

DIALECTS = {"openai": (OPENAI, CHAT), "anthropic": (ANTHROPIC, MESSAGES), "responses": (RESPONSES, RESPONSE)}
SPOKEN = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic", "/v1/responses": "responses"}


def decoded(dialect, content):
    codec, operation = DIALECTS[dialect]
    return codec.decode(operation, orjson.dumps(content)).prompt


def decoded_at(session, number):
    return decoded(SPOKEN[session.path], session.turn(number)).leaves


def leaf(text, channel=Channel.USER, turn=0):
    return Leaf(0, 0, text, channel, turn)


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses"])
def test_a_step_of_a_tool_loop_is_asked_what_its_first_step_was(dialect):
    question = [user(dialect, "hi"), said("hello"), user(dialect, "Fix the build.")]
    first = decoded(dialect, body(dialect, *question)).leaves
    later = decoded(dialect, body(dialect, *question, *call(dialect, "it failed"), *call(dialect, "it works"))).leaves

    assert ("Fix the build.", False) == (asked(first).text, asked(first).in_loop)
    assert ("Fix the build.", True) == (asked(later).text, asked(later).in_loop)
    assert opening(first) == opening(later) == "hi"
    assert until(first, asked(first).turn) == until(later, asked(later).turn)


@pytest.mark.parametrize("agent", ["claude code", "codex"])
def test_an_agent_asks_the_same_on_every_turn_of_its_loop(agent):
    session = SESSIONS[agent]
    texts = {asked(decoded_at(session, number)).text for number in range(1, 4)}

    assert len(texts) == 1
    assert "<" not in texts.pop()


def test_a_reminder_beside_a_tool_result_is_no_question():
    leaves = (leaf("Fix it."), leaf("x", Channel.TOOL_ARGUMENTS, 1), leaf("ok", Channel.TOOL_RESULT, 2), leaf("Go on.", turn=2))

    assert "Fix it." == asked(leaves).text


def test_what_stands_in_tags_is_no_question_beside_words():
    leaves = (leaf("<system-reminder>\nBe brief.\n</system-reminder>"), leaf("Fix it."))

    assert "Fix it." == asked(leaves).text


def test_nobody_asks_anything_in_an_empty_conversation():
    assert ("", -1, False) == asked(())
    assert "" == opening(())


def test_a_long_question_is_read_from_both_ends():
    text = asked([leaf("a" * 50_000 + "b" * 50_000)]).text

    assert len(text) == 2001
    assert text.startswith("aaa")
    assert text.endswith("bbb")


def test_tokens_are_estimated_in_any_script():
    assert 2 == tokens_of([leaf("hello 1")])
    assert tokens_of([leaf("你好世界" * 100)]) > 300
