"""Memory of buffered requests: bounded over all connections of a worker and for each workload, and given back on every ending."""

import asyncio
import gc
import gzip
import json

import pytest

from e2e.world import OTHER_TOKEN, TOKEN, World
from outgate.dialects.json_body import JsonDocument
from support import behaviours as b
from support.raw_client import Http2, Raw, basic, http2_request, request
from support.waiting import until

MIB = 1024 * 1024
BOUND = 16 * MIB
SHARE = BOUND // 2
"""What one workload may hold: four times a body of 1 MiB, for each counts twice."""
LIMITS = f"limits: {{body_bytes: {2 * MIB}, buffered_bytes: {BOUND}, body_seconds: 2}}"
NAME, PATH = "api.openai.com", "/v1/chat/completions"
NUMBERS = b"".join(b"%07d " % at for at in range(12_500))
TAIL = b'"}]}'


def body_of(size):
    head = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"'
    return head + (NUMBERS * 40)[: size - len(head) - len(TAIL)] + TAIL


BODY = body_of(MIB - 1024)
COUNTED = 2 * len(BODY)
"""At least; a tree of few objects takes a little more."""


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("bodies"), *providers)
    with world.inside(world.policy(gateway=LIMITS)) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _nothing_kept(inside, providers):
    """Every test, whatever endings it has, leaves nothing on the account."""
    yield
    providers[0].forget()
    assert until(lambda: not inside.gateway.exchanges)
    assert 0 == inside.gateway.bodies.held


def held(inside):
    return inside.gateway.bodies.held


async def tunnel(raw, alpn="h2", token=TOKEN, workload="app"):
    await raw.ask(request("CONNECT", f"{NAME}:443", host=f"{NAME}:443", fields=[basic(token, workload)]), tunnel=True)
    await raw.tls(NAME, (alpn,))
    return await Http2(raw).start() if alpn == "h2" else raw


def post(*fields):
    return http2_request(PATH, NAME, ("content-type", "application/json"), *fields)


def test_streams_of_one_connection_share_the_bound_and_those_within_it_are_unharmed(inside):
    async def run():
        async with Raw.to(inside) as raw:
            link = await tunnel(raw)
            streams = [await link.begin(post(), None) for _ in range(6)]
            for stream in streams:
                await link.feed(stream, BODY[:-1])
            refused = [await link.reply(stream) for stream in streams[4:]]
            for stream in streams[:4]:
                await link.feed(stream, BODY[-1:], end=True)
            return [await link.reply(stream) for stream in streams[:4]], refused

    answered, refused = asyncio.run(run())

    assert [200] * 4 == [reply.status for reply in answered]
    assert [(503, "bodies_full", "1")] * 2 == [(reply.status, reply.reason, reply.header("retry-after")) for reply in refused]
    assert {"message", "type", "param", "code", "request_id"} == set(json.loads(refused[0].body)["error"])


def test_connections_share_it_too_and_what_was_refused_is_taken_later(inside):
    async def run():
        async with Raw.to(inside) as one, Raw.to(inside) as two:
            link, other = await tunnel(one), await tunnel(two, alpn="http/1.1")
            streams = [await link.begin(post(), None) for _ in range(4)]
            for stream in streams:
                await link.feed(stream, BODY[:-1])
            assert await asyncio.to_thread(until, lambda: held(inside) == 4 * (COUNTED - 2))
            first = await other.ask(request("POST", PATH, host=NAME, body=BODY))
            await link.feed(streams[0], b"}", end=True)
            await link.reply(streams[0])
            async with Raw.to(inside) as three:
                again = await tunnel(three, alpn="http/1.1")
                return first, await again.ask(request("POST", PATH, host=NAME, body=BODY))

    first, again = asyncio.run(run())

    assert (503, "bodies_full") == (first.status, first.reason)
    assert 200 == again.status


def test_a_workload_that_fills_all_it_can_get_leaves_another_served(inside):
    async def run():
        async with Raw.to(inside) as hoarder, Raw.to(inside) as another:
            link = await tunnel(hoarder)
            for _ in range(12):
                await link.feed(await link.begin(post(), None), BODY[:-1])
            assert await asyncio.to_thread(until, lambda: held(inside) >= 4 * (COUNTED - 2))
            full = held(inside)
            await tunnel(another, "http/1.1", OTHER_TOKEN, "other")
            return full, await another.ask(request("POST", PATH, host=NAME, body=BODY))

    full, reply = asyncio.run(run())

    assert full <= SHARE
    assert 200 == reply.status


def test_what_is_counted_is_what_a_body_takes_and_not_its_bytes(inside, providers):
    """A hundred of such bodies of 110 KB took 800 MB, and counted for eleven."""
    lists = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}],"metadata":[' + b"[]," * 38_000 + b"[]]}"

    async def run():
        async with Raw.to(inside) as raw:
            link = await tunnel(raw, alpn="http/1.1")
            return await link.ask(request("POST", PATH, host=NAME, body=lists))

    reply = asyncio.run(run())

    assert (503, "bodies_full") == (reply.status, reply.reason)
    assert [] == providers[0].seen


def test_what_a_compressed_body_unfolds_to_is_counted(inside, providers):
    small = gzip.compress(body_of(MIB + MIB // 2))
    assert len(small) < MIB // 2
    coded = post(("content-encoding", "gzip"))
    providers[0].script(b.silent(), b.silent())

    async def run():
        async with Raw.to(inside) as raw:
            link = await tunnel(raw)
            for count in (1, 2):
                await link.feed(await link.begin(coded, None), small, end=True)
                assert await asyncio.to_thread(until, lambda count=count: len(providers[0].seen) == count)
            counted = held(inside)
            third = await link.begin(coded, None)
            await link.feed(third, small, end=True)
            return counted, await link.reply(third)

    counted, third = asyncio.run(run())

    assert 6 * MIB <= counted < 6 * MIB + 4096
    assert (503, "bodies_full") == (third.status, third.reason)


def test_an_answer_that_streams_holds_nothing(inside, providers):
    providers[0].script(b.endless(b'data: {"choices":[]}\n\n', 0.02))

    async def run():
        async with Raw.to(inside) as raw:
            link = await tunnel(raw)
            stream = await link.begin(post(), None)
            await link.feed(stream, BODY[:-1] + b',"stream":true}', end=True)
            while not link.heard(stream):
                await link.read()
            return held(inside)

    assert 0 == asyncio.run(run())


async def _ends(inside, raw, ending):
    link = await tunnel(raw)
    authority = NAME if ending != "refused at the head" else "api.anthropic.com"
    fields = http2_request(PATH, authority, ("content-type", "application/json"))
    stream = await link.begin(fields, None)
    if ending in ("too large", "refused at the head"):
        await link.feed(stream, body_of(3 * MIB))
    elif ending in ("too slow", "stream reset", "connection lost"):
        await link.feed(stream, BODY[:-1])
        assert await asyncio.to_thread(until, lambda: held(inside) == COUNTED - 2)
    else:
        await link.feed(stream, BODY[:-1] + (b"!" if ending == "malformed" else b"}"), end=True)
    if ending == "stream reset":
        link.link.reset_stream(stream, 8)
        await link.flush()
        return 0
    if ending == "left while the provider is asked":
        assert await asyncio.to_thread(until, lambda: held(inside) >= COUNTED)
        return 0
    return (await link.reply(stream)).status if ending != "connection lost" else 0


ENDINGS = {
    "refused at the head": 421,
    "too large": 413,
    "too slow": 408,
    "malformed": 400,
    "the provider fails": 502,
    "stream reset": 0,
    "connection lost": 0,
    "left while the provider is asked": 0,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_gives_back(inside, providers, ending):
    """What is looked at is the account, after each test."""
    providers[0].script(b.silent() if ending.startswith("left") else b.reset("headers"))

    async def run():
        async with Raw.to(inside) as raw:
            return await _ends(inside, raw, ending)

    assert ENDINGS[ending] == asyncio.run(run())


def _documents():
    return sum(isinstance(each, JsonDocument) for each in gc.get_objects())


@pytest.mark.exhaustive
@pytest.mark.parametrize("ending", ["the provider fails", "left while the provider is asked"])
def test_an_ended_exchange_leaves_no_body_to_the_collector_of_cycles(inside, providers, ending):
    gc.collect()
    gc.disable()
    before = _documents()
    try:
        test_every_ending_gives_back(inside, providers, ending)
        assert until(lambda: not inside.gateway.exchanges)
        assert until(lambda: _documents() <= before)
    finally:
        gc.enable()
