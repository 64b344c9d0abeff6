"""Charge for an exchange that either side cut off: the provider may bill, and nobody can ask it (docs/decisions/0016)."""

import asyncio
import json

import pytest

from e2e.world import TOKEN, World, http, lines
from support import behaviours as b
from support.openai_answers import chat_events
from support.raw_client import Raw, request
from support.waiting import until

CHAT = "https://api.openai.com/v1/chat/completions"
MOST = 300
STAGES = """
authenticate: {}
authorize:
  allow:
    - {workloads: [app]}
model_map:
  passthrough: true
  models:
    smart:
      - {provider: openai, model: gpt-4o-mini}
      - {provider: second, model: gpt-4o-mini}
authorize_model:
  allow:
    - {models: ["**"]}
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""
ROUTES = """
- name: all
  retry: {sent: true}
"""
SECOND = """
second:
  host: api.openai.com
  endpoints: [{{name: second, address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{env: E2E_OPENAI_KEY}}
"""
EVENTS = chat_events(["Hello ", "there ", "you"])


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("cut"), *providers)
    second = SECOND.format(port=providers[0].port, ca=world.folder / "upstream-ca.pem")
    with world.gateway(world.policy(STAGES, ROUTES, providers=second)) as gateway:
        gateway.world = world
        yield gateway


def asked(model="gpt-4o-mini", **more):
    return {"model": model, "max_tokens": MOST, "messages": [{"role": "user", "content": "Say something."}], **more}


def hang_up(gateway, body):
    """Ask, and leave when the provider has read it and said no word."""

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.connect("api.openai.com:443", TOKEN)
            await raw.tls("api.openai.com")
            await raw.send(request("POST", "/v1/chat/completions", host="api.openai.com", body=json.dumps(body).encode()))
            assert await asyncio.to_thread(until, lambda: len(gateway.world.openai.seen) == 1)

    asyncio.run(run())


def leave(gateway, body):
    """Ask, take the first bytes, and leave."""
    with http(gateway) as client, client.stream("POST", CHAT, json=body) as reply:
        assert b"Hello" in next(reply.iter_raw())


def stay(gateway, body):
    """Ask, and take whatever comes."""
    with http(gateway) as client:
        client.post(CHAT, json=body)


def closed(gateway, providers, behaviours, behave, body):
    """The line of this one exchange."""
    before = {line["id"] for line in lines(gateway.world)}
    providers[0].script(*behaviours)
    behave(gateway, body)
    fresh = []

    def told():
        fresh[:] = [line for line in lines(gateway.world) if line["id"] not in before]
        return bool(fresh)

    assert until(told)
    [line] = fresh
    return line


def charged(line):
    counted = line["outgate.tokens.counted"] or line["outgate.tokens.at_most"]
    assert counted > 5
    attempts = [(each["charged.input_tokens"], each["charged.output_tokens"]) for each in line["outgate.attempts"]]
    tokens = (line["outgate.charged.input_tokens"], line["outgate.charged.output_tokens"])
    settled = line["settle"][0][2]
    assert sum(tokens) == settled == sum(map(sum, attempts))
    return counted, tokens, line["outcome"], line["outgate.charged"]


def test_a_whole_answer_that_nobody_waited_for_costs_its_hold(gateway, providers):
    counted, *rest = charged(closed(gateway, providers, [b.silent()], hang_up, asked()))

    assert [(counted, MOST), "client_gone", "hold"] == rest


def test_a_stream_that_was_left_before_it_began_costs_its_input(gateway, providers):
    counted, *rest = charged(closed(gateway, providers, [b.silent()], hang_up, asked(stream=True)))

    assert [(counted, 0), "client_gone", "estimated"] == rest


def test_a_stream_that_was_left_costs_what_came(gateway, providers):
    counted, tokens, *rest = charged(closed(gateway, providers, [b.stalled(EVENTS[:3])], leave, asked(stream=True)))

    assert ["client_gone", "estimated"] == rest
    assert counted == tokens[0]
    assert 0 < tokens[1] < 6


def test_a_stream_that_the_provider_broke_off_costs_what_came(gateway, providers):
    broken = [b.reset("body", EVENTS[:3])]
    counted, tokens, *rest = charged(closed(gateway, providers, broken, stay, asked(stream=True)))

    assert ["failed", "estimated"] == rest
    assert counted == tokens[0]
    assert 0 < tokens[1] < 6


def test_a_whole_answer_that_the_provider_broke_off_costs_its_hold(gateway, providers):
    counted, *rest = charged(closed(gateway, providers, [b.truncated()], stay, asked()))

    assert [(counted, MOST), "failed", "hold"] == rest


def test_an_attempt_that_may_have_been_billed_is_charged_beside_the_one_that_answered(gateway, providers):
    line = closed(gateway, providers, [b.reset("headers"), b.provider(tokens=(9, 5))], stay, asked("smart"))
    counted, *rest = charged(line)

    assert [(counted + 9, MOST + 5), "answered", "hold"] == rest
    shares = [(each["endpoint"], each["charged.output_tokens"]) for each in line["outgate.attempts"]]
    assert [("second", 5)] == shares[1:]
    assert MOST == shares[0][1]


def test_what_was_refused_before_the_answer_costs_nothing(gateway, providers):
    _, *rest = charged(closed(gateway, providers, [b.refuse(503), b.provider(tokens=(9, 5))], stay, asked("smart")))

    assert [(9, 5), "answered", "reported"] == rest
