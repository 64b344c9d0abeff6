"""F3: every exchange finishes exactly once, however it ends: 320 random schedules over HTTP/1 and HTTP/2, one line each."""

import asyncio
import random
from copy import replace

import pytest

from e2e.world import OTHER_TOKEN, TOKEN, World, lines
from support import behaviours as b
from support.openai_answers import chat_events
from support.raw_client import Http2, Raw, http2_request, request
from support.waiting import until

NAME = "api.openai.com"
PATH = "/v1/chat/completions"
SCHEDULES = 320
_AT_ONCE = 16
_DEADLINE = 1.0
STAGES = """
authenticate: {}
authorize:
  allow:
    - {workloads: [app]}
model_map: {passthrough: true}
authorize_model:
  allow:
    - {models: ["gpt-*"]}
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""
EVENTS = chat_events(["Hello ", "there ", "you"])
BEHAVIOURS = {
    "answers": b.provider(),
    "streams slowly": b.sse(EVENTS, 0.02),
    "streams for ever": b.endless(EVENTS[1], 0.02),
    "is silent": b.silent(),
    "stalls": b.stalled(EVENTS[:3]),
    "resets at once": b.reset("before"),
    "resets in its head": b.reset("headers"),
    "resets in its stream": b.reset("body", EVENTS[:3]),
    "ends too early": b.truncated(EVENTS[:3]),
    "is full": b.refuse(429, "1"),
    "fails": b.refuse(500),
    "babbles": b.garbage(),
}
BODIES = {
    "plain": b'{"model":"gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
    "streamed": b'{"model":"gpt-4o-mini","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}',
    "denied": b'{"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
    "malformed": b'{"model":',
}
LEAVES = ("never", "never", "after the head", "in the body", "at once", "soon", "late")


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("finish"), *providers)
    policy = world.policy(STAGES, gateway=f"limits: {{exchange_seconds: {_DEADLINE}, body_seconds: 0.5}}")
    with world.inside(policy) as gateway:
        gateway.begun = []
        begin = gateway.gateway.begin

        def noting(*arguments):
            exchange = begin(*arguments)
            gateway.begun.append(exchange)
            return exchange

        gateway.gateway.begin = noting
        yield gateway


async def over_http1(raw, body, leaves, dice):
    await raw.tls(NAME)
    data = request("POST", PATH, host=NAME, body=body)
    if leaves == "after the head":
        await raw.send(data[: -len(body)])
    elif leaves == "in the body":
        await raw.send(data[:-3])
    else:
        await raw.send(data)
    if leaves == "never":
        return (await raw.reply()).status
    await asyncio.sleep({"soon": dice.uniform(0, 0.05), "late": dice.uniform(0.05, 0.4)}.get(leaves, 0))
    return None


async def over_http2(raw, body, leaves, dice):
    await raw.tls(NAME, ["h2"])
    link = await Http2(raw).start()
    half = leaves in ("after the head", "in the body")
    stream = await link.begin(http2_request(PATH, NAME), None if half else body)
    if leaves == "in the body":
        link.link.send_data(stream, body[:-3])
        await link.flush()
    if leaves == "never":
        return (await link.reply(stream)).status
    await asyncio.sleep({"soon": dice.uniform(0, 0.05), "late": dice.uniform(0.05, 0.4)}.get(leaves, 0))
    if dice.random() < 0.5:
        link.link.reset_stream(stream, 8)
        await link.flush()
        await asyncio.sleep(0.01)
    return None


async def schedule(gateway, seed):
    """One caller with a behaviour and a moment to leave of its own; whether its tunnel was refused."""
    dice = random.Random(seed)
    body, leaves = BODIES[dice.choice(list(BODIES))], dice.choice(LEAVES)
    token = TOKEN if dice.random() < 0.95 else OTHER_TOKEN
    async with Raw.to(gateway) as raw:
        if (await raw.connect(f"{NAME}:443", token)).status != 200:
            return True
        speak = over_http2 if dice.random() < 0.5 else over_http1
        await speak(raw, body, leaves, dice)
        return False


def kill(gateway):
    """As a drain does when its time is up."""
    for exchange in list(gateway.gateway.exchanges)[:1]:
        exchange.task.cancel()


def closed(gateway):
    return [line["id"] for line in lines(gateway.world)]


def test_320_random_schedules_finish_once_each(gateway, providers):
    dice = random.Random(3)
    providers[0].script(*(BEHAVIOURS[dice.choice(list(BEHAVIOURS))] for _ in range(4 * SCHEDULES)))

    async def everything():
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(seed):
            async with gate:
                refused = await asyncio.wait_for(schedule(gateway, seed), 30)
                if seed % 16 == 0:
                    await asyncio.to_thread(gateway.call, lambda: kill(gateway))
                return refused

        return await asyncio.gather(*map(one, range(SCHEDULES)))

    refused = sum(asyncio.run(everything()))
    providers[0].forget()

    assert until(lambda: not gateway.gateway.exchanges)
    ids = closed(gateway)
    assert len(ids) == len(set(ids))
    assert {exchange.id for exchange in gateway.begun} <= set(ids)

    def counted():
        return sum(line.get("outgate.refusals", 1) for line in lines(gateway.world))

    assert until(lambda: len(gateway.begun) + refused == counted()), "a refused tunnel is a line, or counted in one"
    assert len(ids) > 0.95 * SCHEDULES, "a few callers leave before the gateway has read a word"
    outcomes = {line["outcome"] for line in lines(gateway.world)}
    assert {"answered", "denied", "failed", "client_gone", "killed"} <= outcomes
    assert {} == gateway.runtime._accounts._leases.holds


def test_a_deadline_spans_everything(gateway, providers):
    """exchange_seconds holds while the provider trickles events, which no timeout of a phase would see."""
    providers[0].script(b.endless(EVENTS[1], 0.05))

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            began = asyncio.get_running_loop().time()
            reply = await raw.ask(request("POST", PATH, host=NAME, body=BODIES["streamed"]))
            return reply, asyncio.get_running_loop().time() - began

    reply, seconds = asyncio.run(run())

    assert _DEADLINE - 0.1 < seconds < _DEADLINE + 10
    assert reply.whole
    assert b'"code":"deadline_exceeded"' in reply.body.rpartition(b"\n\ndata: ")[2]
    assert until(lambda: providers[0].seen[-1].aborted is not None)


def test_a_client_that_leaves_while_a_stage_waits_ends_it(gateway):
    """The stage's own task is cancelled at once, and the line says so."""
    started: list[bool] = []
    ended: list[bool] = []

    def hanging(step):
        async def run(facts):
            started.append(True)
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(True)

        return replace(step, run=run, waits=True, limit=None)

    gateway.broken = {"pick_backend": hanging}

    async def run():
        async with Raw.to(gateway) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            await raw.send(request("POST", PATH, host=NAME, body=BODIES["plain"]))
            await asyncio.to_thread(until, lambda: bool(started))

    try:
        asyncio.run(run())
        assert until(lambda: ended == [True])
    finally:
        gateway.broken = {}
    assert until(lambda: lines(gateway.world)[-1]["outcome"] == "client_gone")
