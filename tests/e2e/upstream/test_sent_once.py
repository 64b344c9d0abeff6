"""U2 on reused connections: a request that an idle connection took with it is not sent twice, unless the route says so.

RFC 9110 section 9.2.2: nobody knows that the provider did not process it. The caller is told, and its SDK decides.
"""

import pytest

from e2e.world import World, http, lines
from support import behaviours as b
from support.waiting import PATIENCE, until

CHAT = "https://api.openai.com/v1/chat/completions"
ROUTES = """
- name: twice
  match: {models: [repeatable]}
  retry: {sent: true}
- name: all
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    """The provider runs beside it in this process, and on a busy machine may take more than the second within which a connection
    that ends is taken to have been lost while it was idle: here it has all the time that it wants.
    """
    world = World(tmp_path_factory.mktemp("once"), *providers)
    with pytest.MonkeyPatch.context() as patch, world.inside(world.policy(routes=ROUTES)) as gateway:
        patch.setattr("outgate.upstreams.client._STALE", PATIENCE)
        gateway.world = world
        yield gateway


def lose(gateway, provider, model):
    """One good request, then one at whose receipt the provider closes the connection; its answer and its attempts."""
    with http(gateway) as client:
        asked = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        assert 200 == client.post(CHAT, json=asked).status_code
        provider.script(b.reset("before"))
        reply = client.post(CHAT, json=asked)
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    [line] = [line for line in lines(gateway.world) if line["id"] == own]
    return reply, [(attempt["status"], attempt["failure"], attempt["sent"]) for attempt in line["outgate.attempts"]]


def test_a_request_that_an_idle_connection_took_with_it_is_not_sent_twice(gateway, providers):
    reply, attempts = lose(gateway, providers[0], "gpt-4o-mini")

    assert (502, "upstream_idle_connection_lost") == (reply.status_code, reply.headers["x-outgate-reason"])
    assert [(None, "idle_connection_lost", True)] == attempts
    first, lost = (seen.connection for seen in providers[0].seen)
    assert first == lost, "or this tests nothing"


def test_where_the_route_says_retry_sent_it_is_and_both_attempts_are_in_the_line(gateway, providers):
    reply, attempts = lose(gateway, providers[0], "repeatable")

    assert 200 == reply.status_code
    assert [(None, "idle_connection_lost", True), (200, None, True)] == attempts
    first, lost, again = (seen.connection for seen in providers[0].seen)
    assert first == lost != again
