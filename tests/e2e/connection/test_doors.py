"""The doors that mitmproxy leaves open, M1 to M19, shut in `outgate run`: one test each, whatever other tests go deeper.

Under stock mitmproxy they are tried in stock/test_stock.py.
"""

import asyncio
import contextlib
import gzip
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from e2e.world import OPENAI_KEY, TOKEN, World, http, lines
from outgate.inference.stream import EventStream
from support import behaviours as b
from support.openai_answers import chat_events
from support.raw_client import Http2, Raw, basic, http2_request, request
from support.waiting import until

NAME = "api.openai.com"
PATH = "/v1/chat/completions"
CHAT = f"https://{NAME}{PATH}"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
STREAMED = BODY[:-1] + b',"stream":true}'
EVENTS = chat_events(["Hel", "lo ", "there"])


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("doors"), *providers)
    with world.inside(world.policy(gateway="limits: {head_seconds: 0.5, body_seconds: 0.5}")) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _mended(inside):
    yield
    inside.broken = {}


@contextlib.asynccontextmanager
async def tunnel(gateway, alpn="http/1.1", sni=NAME):
    async with Raw.to(gateway) as raw:
        assert (await raw.connect(f"{NAME}:443", TOKEN)).status == 200
        await raw.tls(sni, [alpn])
        yield raw


def said(gateway, data, *, head_only=False):
    async def run():
        async with tunnel(gateway) as raw:
            await raw.send(data)
            return await raw.reply(head_only=head_only)

    return asyncio.run(run())


def post(body=BODY, **more):
    return request("POST", PATH, host=NAME, body=body, **more)


async def failing_after(source, good):
    async for events in source:
        if (good := good - len(events)) < 0:
            raise RuntimeError
        yield events


def breaking(step):
    async def run(facts):
        status, headers, stream, source = await step.run(facts)
        return (status, headers, EventStream(failing_after(stream.source, 2)), source)

    return replace(step, run=run, waits=True)


def raising(step):
    def run(facts):
        raise RuntimeError

    return replace(step, run=run, waits=False)


def test_M1_an_exception_does_not_forward(inside, providers):
    inside.broken = {"model_map": raising}

    assert 503 == said(inside, post()).status
    assert [] == providers[0].seen


def test_M2_M3_a_raising_stream_neither_loses_events_silently_nor_hangs(inside, providers):
    providers[0].script(b.sse(EVENTS, 0.02))
    inside.broken = {"dispatch": breaking}

    reply = said(inside, post(STREAMED))

    assert reply.whole
    assert b"[DONE]" not in reply.body
    assert b'data: {"error":' in reply.body


def test_M4_M5_a_client_that_leaves_cancels_what_is_waited_for(inside, providers):
    providers[0].script(b.silent())

    async def run():
        async with tunnel(inside) as raw:
            await raw.send(post())
            await asyncio.to_thread(until, lambda: len(providers[0].seen) == 1)

    asyncio.run(run())
    left = time.monotonic()
    assert until(lambda: providers[0].seen[0].aborted is not None)
    assert providers[0].seen[0].aborted - left < 10
    assert until(lambda: lines(inside.world)[-1]["outcome"] == "client_gone")


def test_M6_raw_bytes_in_a_tunnel_go_nowhere(inside, providers):
    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.send(b"SSH-2.0-OpenSSH_9.0\r\n")
            return await raw.rest()

    assert b"SSH" not in asyncio.run(run())
    assert (0, []) == (len(inside.gateway.exchanges), providers[0].seen)


def test_M7_another_host_in_a_tunnel(inside, providers):
    assert 421 == said(inside, request("POST", PATH, host="evil.test", body=BODY)).status
    assert [] == providers[0].seen


def test_M8_another_sni_in_a_tunnel(inside, providers):
    async def run():
        async with tunnel(inside, sni="api.anthropic.com") as raw:
            return await raw.ask(post())

    assert 421 == asyncio.run(run()).status
    assert [] == [seen for provider in providers for seen in provider.seen]


def test_M9_another_url_in_a_tunnel_and_https_on_the_plain_port(inside, providers):
    async def plain():
        async with Raw.to(inside) as raw:
            return await raw.ask(request("POST", f"https://evil.test{PATH}", host="evil.test", fields=[basic(TOKEN)], body=BODY))

    assert 421 == said(inside, request("POST", f"https://evil.test{PATH}", host=NAME, body=BODY)).status
    assert 403 == asyncio.run(plain()).status
    assert [] == providers[0].seen


@pytest.mark.parametrize("field", ["host: api.openai.com", "x-a: b\r\n folded", "x-a: b\0c", "x-a: b\rc"])
def test_M10_fields_with_two_readings(inside, providers, field):
    data = post().replace(b"\r\n\r\n", b"\r\n" + field.encode() + b"\r\n\r\n", 1)

    assert 400 == said(inside, data).status
    assert [] == providers[0].seen


def test_M11_proxy_authorization_stays_here(inside, providers):
    async def run():
        async with Raw.to(inside) as raw:
            url = f"http://api-openai.svc.cluster.local{PATH}"
            return await raw.ask(request("POST", url, host="api-openai.svc.cluster.local", fields=[basic(TOKEN)], body=BODY))

    assert 200 == asyncio.run(run()).status
    [seen] = providers[0].seen
    assert None is seen.header("proxy-authorization")
    assert f"Bearer {OPENAI_KEY}" == seen.header("authorization")


def test_M12_a_head_without_end(inside):
    async def run():
        async with Raw.to(inside) as raw:
            return await raw.ask(b"GET / HTTP/1.1\r\nx-a: " + b"a" * 200_000)

    assert asyncio.run(run()).status in (0, 431)


def test_M13_heads_and_bodies_have_deadlines(inside):
    async def run():
        async with tunnel(inside) as raw:
            await raw.send(post()[:-3])
            body = await raw.reply()
        async with tunnel(inside) as raw:
            await raw.send(b"POST /v1")
            return body.status, (await raw.reply()).status

    assert (408, 408) == asyncio.run(run())


def test_M14_compressed_bodies_unfold_within_the_limit(inside, providers):
    bomb = gzip.compress(bytes(50_000_000))

    assert 413 == said(inside, post(bomb, fields=[("content-encoding", "gzip")])).status
    assert [] == providers[0].seen


def test_M15_a_large_body_is_judged_whole(inside, providers):
    """It is refused for its last member, of which nothing is sent."""
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"' + b"a" * 1_500_000 + b'"}],"plugins":[{"id":"web"}]}'

    assert 400 == said(inside, post(body)).status
    assert [] == providers[0].seen


def test_M16_connections_to_a_provider_are_used_again(inside, providers):
    with http(inside) as client:
        assert [200] * 5 == [client.post(CHAT, content=BODY).status_code for _ in range(5)]

    assert 1 == len({seen.connection for seen in providers[0].seen})
    assert {NAME} == {seen.sni or NAME for seen in providers[0].seen}


@pytest.mark.parametrize("host", ["mitm.it", "127.0.0.1", "localhost", "0.0.0.0"])
def test_M17_no_onboarding_and_no_way_back_to_the_listener_itself(inside, host):
    with httpx.Client(proxy=inside.proxy_url("app", TOKEN), trust_env=False) as client:
        port = 80 if host == "mitm.it" else inside.port
        assert client.get(f"http://{host}:{port}/").status_code in (403, 421)


def test_M18_a_dozen_streams_of_one_client_run_side_by_side(inside, providers):
    """None of them goes on before all have begun."""
    providers[0].script(*(b.held(EVENTS, lambda: len(providers[0].seen) == 12) for _ in range(12)))

    async def run():
        async with tunnel(inside, "h2") as raw:
            link = await Http2(raw).start()
            streams = [await link.begin(http2_request(PATH, NAME), STREAMED) for _ in range(12)]
            return [await link.reply(stream) for stream in streams]

    replies = asyncio.run(run())

    assert [200] * 12 == [reply.status for reply in replies]
    assert all(reply.body.endswith(b"data: [DONE]\n\n") for reply in replies)


def test_M19_a_hundred_idle_connections_do_not_keep_honest_ones_out(inside):
    async def run():
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(100):
                await (await stack.enter_async_context(Raw.to(inside))).send(b"POST /")
            async with tunnel(inside) as raw:
                return await raw.ask(post())

    before = len(list(Path("/proc/self/fd").iterdir()))
    assert 200 == asyncio.run(run()).status
    assert until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 8)
