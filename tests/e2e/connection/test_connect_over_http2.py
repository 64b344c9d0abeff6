"""CONNECT over HTTP/2 (RFC 9113 section 8.5, RFC 8441): a proxy's own connection speaks HTTP/1.1, and a stream is never a tunnel.

Whatever is said this way ends its stream or the connection; nothing of it goes anywhere.
"""

import asyncio
import contextlib

import h2.exceptions
import pytest
from h2.errors import ErrorCodes

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, STAGES, TOKEN, World
from support.raw_client import Http2, Raw, basic, http2_request, request
from support.stock import StockGateway

NAME = "api.openai.com"
OWN = "gateway.example"
LIMITS = "limits: {head_seconds: 1}"
ENV = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
MALFORMED = {
    "extended, which was not offered": ((":protocol", "websocket"), (":scheme", "https"), (":path", "/v1/realtime")),
    "with a path, which has no place there": ((":scheme", "https"), (":path", "/")),
}
TARGETS = (f"{NAME}:443", NAME, "api.anthropic.com:443", "evil.test:443", "127.0.0.1:22")


@pytest.fixture(name="gateway", scope="module", params=["outgate run", "mitmdump"])
def _gateway(request, providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("over"), *providers)
    policy = world.policy(STAGES, gateway=LIMITS)
    with world.gateway(policy) if request.param == "outgate run" else StockGateway(policy, world.folder / "state", env=ENV) as it:
        yield it


@pytest.fixture(autouse=True)
def _nothing_was_sent(providers):
    before = [provider.connections for provider in providers]
    yield
    assert before == [provider.connections for provider in providers]


def tunnel_fields(authority, *more):
    return [(":method", "CONNECT"), (":authority", authority), basic(TOKEN), *more]


async def connect_over(raw, *more, authority=f"{NAME}:443"):
    """CONNECT as the first stream of an HTTP/2 connection, and TLS said into it; its answer, and what came in the tunnel."""
    link = await Http2(raw).start()
    stream = await link.begin(tunnel_fields(authority, *more), None)
    await link.feed(stream, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03")
    return await link.reply(stream), link


@pytest.mark.parametrize(("offered", "agreed"), [(["h2"], "h2"), (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1")])
def test_the_outer_connection_agrees_on_http_1_with_who_can(gateway, offered, agreed):
    async def run():
        async with Raw.to(gateway) as raw:
            return await raw.tls(OWN, offered)

    assert agreed == asyncio.run(run())


def test_a_client_of_a_proxy_behind_tls_that_offers_both_gets_its_tunnel(gateway):
    async def run():
        async with Raw.to(gateway) as raw:
            await raw.tls(OWN, ["h2", "http/1.1"])
            fields = [basic(TOKEN)]
            return await raw.ask(request("CONNECT", f"{NAME}:443", host=f"{NAME}:443", fields=fields), tunnel=True)

    assert 200 == asyncio.run(run()).status


@pytest.mark.parametrize("tls", [False, True])
def test_attack_prior_knowledge_of_http2_at_the_door_is_closed(gateway, tls):
    async def run():
        async with Raw.to(gateway) as raw:
            if tls:
                await raw.tls(OWN)
            with contextlib.suppress(h2.exceptions.ProtocolError):  # the answer is one of HTTP/1
                reply, _ = await connect_over(raw)
                return reply.status
            return 0

    assert 0 == asyncio.run(run())


@contextlib.asynccontextmanager
async def http2_in(gateway, where):
    async with Raw.to(gateway) as raw:
        if where == "a tunnel":
            assert (await raw.connect(f"{NAME}:443", TOKEN)).status == 200
        assert await raw.tls(NAME, ["h2"]) == "h2"
        yield raw


@pytest.mark.parametrize("where", ["a tunnel", "the outer connection"])
@pytest.mark.parametrize("authority", TARGETS)
def test_attack_a_stream_becomes_no_tunnel_and_its_neighbours_go_on(gateway, authority, where):
    async def run():
        async with http2_in(gateway, where) as raw:
            reply, link = await connect_over(raw, authority=authority)
            fields = http2_request("/v1/nothing", NAME, ("authorization", f"Bearer {TOKEN}"))
            return reply, link.resets, await link.ask(fields)

    reply, resets, neighbour = asyncio.run(run())

    assert (0, {1: ErrorCodes.HTTP_1_1_REQUIRED}) == (reply.status, resets)
    assert (400, True) == (neighbour.status, b"unjudged_content" in neighbour.body)


@pytest.mark.parametrize("where", ["a tunnel", "the outer connection"])
@pytest.mark.parametrize("more", MALFORMED.values(), ids=MALFORMED)
def test_attack_a_connect_that_is_malformed_ends_the_connection(gateway, more, where):
    async def run():
        async with http2_in(gateway, where) as raw:
            reply, link = await connect_over(raw, *more)
            return reply.status, link.over

    assert (0, True) == asyncio.run(run())


def test_attack_streams_that_ask_for_tunnels_without_end_are_cut_off(gateway):
    async def run():
        async with Raw.to(gateway) as raw:
            await raw.tls(OWN, ["h2"])
            link = await Http2(raw).start()
            for _ in range(20_000):
                stream = await link.begin(tunnel_fields("evil.test:443"), None)
                while stream not in link.resets and not link.over:
                    await link.read()
                if link.over:
                    return True
            return False

    assert asyncio.run(run())
