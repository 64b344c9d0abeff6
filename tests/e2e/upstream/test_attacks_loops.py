"""Circles between gateways: one whose provider's address leads back to it answers once, and clearly."""

import asyncio

import orjson
import pytest

from e2e.world import PASSING_ALL, STAGES, TOKEN, World, http, lines
from outgate.net.via import MOST, pseudonym
from support import behaviours as b
from support.raw_client import Raw, basic, request
from support.waiting import until

PATH = "/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
CIRCLE = """
circle:
  host: circle.test
  port: 80
  tls: {{enabled: false}}
  allow_addresses: [127.0.0.0/8]
  credential: {{env: E2E_OPENAI_KEY}}
  replicas: {{file: {file}, every: 0.1}}
"""
RETRIES = """
- name: all
  retry: {same: 1, backoff: [0.01, 0.01]}
"""


@pytest.fixture(name="alone")
def _alone(providers, tmp_path):
    world = World(tmp_path, *providers)
    with world.inside(world.policy(STAGES, RETRIES)) as gateway:
        yield gateway


@pytest.fixture(name="circle")
def _circle(providers, tmp_path):
    world = World(tmp_path, *providers)
    file = tmp_path / "list.json"
    file.write_bytes(b'{"endpoints": []}')
    with world.inside(world.policy(PASSING_ALL, providers=CIRCLE.format(file=file))) as gateway:
        fresh = file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"endpoints": [{"address": f"127.0.0.1:{gateway.port}"}]}))
        fresh.rename(file)
        yield gateway


def asked(gateway, fields=()):
    async def run():
        async with Raw.to(gateway) as raw:
            told = [basic(TOKEN), *fields]
            return await raw.ask(
                request("POST", f"http://circle.test{PATH}", host="circle.test", fields=told, body=orjson.dumps(BODY))
            )

    return asyncio.run(run())


def test_a_gateway_pointed_at_itself_says_so_after_one_round(circle):
    assert until(lambda: asked(circle).status == 508)
    rounds = circled(circle)
    reply = asked(circle)

    assert (508, "loop_detected") == (reply.status, orjson.loads(reply.body)["error"]["code"])
    assert until(lambda: circled(circle) == rounds + 1), "what comes back is not asked again"


def circled(gateway):
    return sum("loop_detected" in str(line) for line in lines(gateway.world))


def test_a_forged_name_of_eight_gateways_is_refused_and_seven_are_passed_on(alone, providers):
    names = [f"1.1 {pseudonym(bytes([number]) * 32)}" for number in range(MOST)]
    with http(alone) as client:
        many = client.post(f"https://api.openai.com{PATH}", json=BODY, headers={"via": ", ".join(names)})
        fewer = client.post(
            f"https://api.openai.com{PATH}", json=BODY, headers={"via": ", ".join(["1.1 cache.inside", *names[1:]])}
        )
        own = providers[0].seen[-1].header("via").rpartition(", ")
        again = client.post(f"https://api.openai.com{PATH}", json=BODY, headers={"via": own[2]})

    assert (508, 200, 508) == (many.status_code, fewer.status_code, again.status_code)
    assert ", ".join(names[1:]) == own[0]


def test_what_another_gateway_sent_is_not_repeated_after_an_error(alone, providers):
    for via, times in (("", 2), (f"1.1 {pseudonym(bytes(32))}", 1)):
        providers[0].seen.clear()
        providers[0].script(b.refuse(500))
        with http(alone) as client:
            status = client.post(f"https://api.openai.com{PATH}", json=BODY, headers={"via": via} if via else {}).status_code
        assert (500 if times == 1 else 200, times) == (status, len(providers[0].seen))
