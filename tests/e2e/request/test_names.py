"""Names never reach the provider, through the whole gateway, and come back in its answer, however it is cut."""

import os
import signal

import orjson
import pytest

from e2e.server.test_workers import model_servers
from e2e.world import STAGES, World, http
from support import behaviours as b
from support.talks import DIALECTS
from support.waiting import until

POLICY = STAGES + "admit_parts: {}\nredact: {entities: [PERSON, LOCATION, EMAIL_ADDRESS], limit: 10}\n"
SAID = "My name is Maria Gonzalez and I live in Springfield."
every_dialect = pytest.mark.parametrize("talk", DIALECTS.values(), ids=DIALECTS)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("names"), *providers)
    with world.gateway(world.policy(POLICY)) as gateway:
        talk = DIALECTS["openai"]

        def judged():
            with http(gateway) as client:
                return client.post(talk.url, json=talk.ask(SAID, False), timeout=60).status_code == 200

        assert until(judged, 60), gateway.log  # the models have been read, also where other tests take the cores
        yield gateway


def echo(talk, tokens=(9, 5)):
    """The question again, a character an event."""

    async def behave(call):
        await b.sse(talk.events({}, list(talk.asked(orjson.loads(call.seen.body))), tokens))(call)

    return behave


@every_dialect
def test_names_are_replaced_and_restored_in_a_stream_of_single_characters(gateway, providers, talk):
    provider = talk.provider(providers)
    provider.script(echo(talk))
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask(SAID, True), timeout=60)
    sent = provider.seen[-1].body.decode()

    assert SAID == talk.heard(reply.content)
    assert not [name for name in ("Maria", "Gonzalez", "Springfield") if name in sent]
    assert "My name is PERSON_" in sent
    assert "PLACE_" in sent


def test_without_a_model_server_nothing_leaves(gateway, providers):
    talk = DIALECTS["openai"]
    before = len(providers[0].seen)
    os.kill(model_servers(gateway)[0], signal.SIGSTOP)
    with http(gateway) as client:
        reply = client.post(talk.url, json=talk.ask("I am Pedro Almeida, hello there.", False), timeout=60)

    assert 503 == reply.status_code
    assert "redact" in reply.text
    assert before == len(providers[0].seen)
