"""A question on a restricted topic is refused, answered or withheld through the whole gateway, in every dialect."""

import json

import pytest

from e2e.world import STAGES, World, http, lines
from support.conversations import body, call, user
from support.near_models import InPlace
from support.routed import CHAT, CODE, NONE, FakeModels
from support.talks import DIALECTS
from support.waiting import until

BUG, TALK, OTHER = "Fix the bug in this code", "Tell me a joke friend", "What is the price of gold"
WORDS = "Ask the desk about that."
POLICY = f"""{STAGES}
topic_guard:
  topics:
    names: {json.dumps({"code": CODE, "talk": CHAT})}
    none_of_these: {json.dumps(NONE)}
  rules: {{topic.talk: answer}}
  answer: {WORDS}
"""
every = pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses"])


class Server(InPlace, FakeModels):
    """Stands for `ModelClient`."""


@pytest.fixture(name="world", scope="module")
def _world(providers, tmp_path_factory):
    return World(tmp_path_factory.mktemp("topics"), *providers)


@pytest.fixture(name="gateway", scope="module")
def _gateway(world):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("outgate.server.runtime.ModelClient", Server)
        Server.made.clear()
        with world.inside(world.policy(POLICY)) as gateway:
            yield gateway


@pytest.fixture(name="server")
def _server(gateway):
    (server,) = Server.made
    server.asked.clear()
    yield server
    server.down = False


def ask(gateway, providers, dialect, *messages, stream=False):
    """The reply, and what reached the provider."""
    provider = DIALECTS[dialect].provider(providers)
    provider.forget()
    with http(gateway) as client:
        reply = client.post(DIALECTS[dialect].url, json={**body(dialect, *messages, model="gpt-4o-mini"), "stream": stream})
    return reply, [json.loads(one.body) for one in provider.seen]


@every
def test_a_restricted_topic_is_refused(gateway, world, server, providers, dialect):
    reply, sent = ask(gateway, providers, dialect, user(dialect, BUG))

    assert (400, []) == (reply.status_code, sent), reply.text
    assert "topic.code" in reply.text
    assert until(lambda: gateway.runtime.policy().exchanges == 0)
    assert "denied" in json.dumps(lines(world)[-1])


@every
@pytest.mark.parametrize("stream", [False, True])
def test_a_topic_is_answered_in_words_of_the_policy(gateway, server, providers, dialect, stream):
    reply, sent = ask(gateway, providers, dialect, user(dialect, TALK), stream=stream)

    assert (200, []) == (reply.status_code, sent), reply.text
    assert WORDS in reply.text


@every
def test_another_question_goes_on_and_the_results_of_tools_are_not_read(gateway, server, providers, dialect):
    reply, (sent,) = ask(gateway, providers, dialect, user(dialect, OTHER), *call(dialect, BUG))

    assert 200 == reply.status_code, reply.text
    assert OTHER in json.dumps(sent) and BUG in json.dumps(sent)


@every
def test_what_was_refused_is_withheld_once_the_conversation_goes_on(gateway, server, providers, dialect):
    ask(gateway, providers, dialect, user(dialect, BUG))
    reply, (sent,) = ask(gateway, providers, dialect, user(dialect, BUG), user(dialect, f"{OTHER}?"))

    assert 200 == reply.status_code, reply.text
    assert BUG not in json.dumps(sent) and "topic.code" in json.dumps(sent)


@every
def test_without_the_model_server_nothing_leaves(gateway, server, providers, dialect):
    server.down = True
    reply, sent = ask(gateway, providers, dialect, user(dialect, f"New words for {dialect}"))

    assert (400 if dialect == "responses" else 503, []) == (reply.status_code, sent), reply.text
    assert "stage_failed" == DIALECTS[dialect].refused(reply.json())
