"""F1: a broken stage never forwards. Every stage of a full plan, every kind of fault, through the real listener."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from e2e.world import World, anthropic_client, http, lines, openai_client
from support.waiting import until

FULL = """
authenticate: {}
authorize:
  allow:
    - {workloads: [app], providers: [openai, anthropic]}
prompt_guard: {}
model_map: {passthrough: true}
authorize_model:
  allow:
    - {models: ["**"]}
cache: {}
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""
REQUEST = (
    "authenticate", "authorize", "admit_parts", "prompt_guard", "model_map", "authorize_model", "select_headers", "cache",
    "count_tokens", "token_budget", "pick_backend", "pick_endpoint", "encode_request",
    "inject_credentials", "originate_tls", "dispatch",
)  # fmt: skip
LATE = ("cache_record", "close_exchange")
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}], "temperature": 0}
_TURN = count()


def _raise(error):
    def run(facts):
        raise error("canary-in-exception")

    return lambda step: replace(step, run=run, waits=False)


def _hang(step):
    async def run(facts):
        await asyncio.Event().wait()

    return replace(step, run=run, waits=True, limit=0.05)


def _cancel(step):
    async def run(facts):
        raise asyncio.CancelledError

    return replace(step, run=run, waits=True)


def _returns(value):
    return lambda step: replace(step, run=lambda facts: value, waits=False)


def _too_many(step):
    return replace(step, run=lambda facts: (1,) * (len(step.out) + 1), waits=False)


FAULTS = {
    "raise": _raise(RuntimeError),
    "recursion": _raise(RecursionError),
    "memory": _raise(MemoryError),
    "key": _raise(KeyError),
    "hang": _hang,
    "cancel": _cancel,
    "none": _returns(None),
    "string": _returns("yes"),
    "arity": _too_many,
}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("faults"), *providers)
    with world.inside(world.policy(FULL)) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _mended(gateway):
    yield
    gateway.broken = {}


def ask(gateway, way):
    """One request: plain, streamed, or in the other dialect, never one that the cache could answer. Returns status and text."""
    messages = [{"role": "user", "content": f"hello {next(_TURN)}"}]
    with http(gateway) as client:
        if way == "anthropic":
            body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages}
            reply = client.post("https://api.anthropic.com/v1/messages", json=body)
        else:
            body = BODY | {"messages": messages, "stream": way == "streamed"}
            reply = client.post("https://api.openai.com/v1/chat/completions", json=body)
        return reply.status_code, reply.text, reply.headers


def test_the_plan_holds_every_stage_that_is_broken_here(gateway):
    order = gateway.runtime.policy().routes[0].plan.order

    assert set(REQUEST) | set(LATE) <= set(order)


@pytest.mark.parametrize("way", ["plain", "streamed", "anthropic"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", REQUEST)
def test_a_broken_request_stage_never_forwards(gateway, providers, stage, fault, way):
    gateway.broken = {stage: FAULTS[fault]}

    status, text, headers = ask(gateway, way)

    assert status == 503, text
    assert headers["x-outgate-reason"] in ("stage_failed", "stage_timeout")
    assert stage in text
    assert "canary" not in text
    assert [seen for provider in providers for seen in provider.seen] == []


@pytest.mark.parametrize("way", ["plain", "streamed"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", LATE)
def test_a_broken_late_stage_never_completes_an_answer(gateway, stage, fault, way):
    gateway.broken = {stage: FAULTS[fault]}

    status, text, _ = ask(gateway, way)

    if (stage, fault) == ("cache_record", "none"):  # no fault: it opens no judge
        assert status == 200
        return
    assert status == 503 or ("error" in text and "[DONE]" not in text), text
    assert "canary" not in text


def test_the_gateway_answers_again_once_the_stage_is_mended(gateway):
    for way in ("plain", "streamed", "anthropic"):
        assert ask(gateway, way)[0] == 200


def test_every_exchange_ended_in_exactly_one_closing_line(gateway):
    ask(gateway, "plain")
    ids = [line["id"] for line in lines(gateway.world)]

    assert len(ids) == len(set(ids))
    assert until(lambda: not gateway.gateway.exchanges)


def test_sdks_raise_their_typed_errors(gateway):
    import anthropic
    import openai

    gateway.broken = {"pick_backend": FAULTS["raise"]}

    with pytest.raises(openai.InternalServerError):
        openai_client(gateway).chat.completions.create(**BODY)
    with pytest.raises(anthropic.InternalServerError):
        anthropic_client(gateway).messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=BODY["messages"])
