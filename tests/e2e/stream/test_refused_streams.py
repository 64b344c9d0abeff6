"""An HTTP/2 request that is refused before it is whole: its client is told to stop, and what still comes costs nothing.

RFC 9113 section 8.1: after the whole answer, RST_STREAM with NO_ERROR.
"""

import asyncio
import gc

import pytest
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame

from e2e.world import TOKEN, World
from outgate.proxy.http2 import PacedHttp2Server
from support.raw_client import Http2, Raw, http2_request
from support.waiting import PATIENCE, until

NAME, PATH = "api.openai.com", "/v1/chat/completions"
NO_ERROR = 0
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("refused"), *providers)
    with world.inside(world.policy(gateway="limits: {body_bytes: 100000}")) as gateway:
        yield gateway


async def link_to(raw):
    await raw.connect(f"{NAME}:443", TOKEN)
    await raw.tls(NAME, ("h2",))
    return await Http2(raw).start()


def post(path=PATH, authority=NAME):
    return http2_request(path, authority, ("content-type", "application/json"))


async def refused(link, fields=None, data=b""):
    """A request without end, its answer, and the code its stream was reset with."""
    stream = await link.begin(fields or post(authority="api.anthropic.com"), None)
    await link.feed(stream, data)
    reply = await link.reply(stream)
    async with asyncio.timeout(PATIENCE):
        while stream not in link.resets:
            await link.read()
    return stream, reply, link.resets[stream]


def server_of(inside, count=1):
    """The gateway's end of the one connection that is open."""
    assert until(lambda: len(inside.call(servers)) == count)
    return inside.call(servers)[0]


def servers():
    return [each for each in gc.get_objects() if isinstance(each, PacedHttp2Server) and each.conn.connected]


@pytest.mark.parametrize(
    ("fields", "data", "status"), [(post(authority="api.anthropic.com"), b"{", 421), (post(), b"a" * 150_000, 413)]
)
def test_the_answer_comes_whole_and_then_the_stream_is_reset(inside, fields, data, status):
    async def run():
        async with Raw.to(inside) as raw:
            return await refused(await link_to(raw), fields, data)

    _, reply, code = asyncio.run(run())

    assert (status, True, NO_ERROR) == (reply.status, reply.whole, code)


def test_what_still_comes_is_dropped_and_its_window_given_back(inside):
    late = 3_000_000

    async def run():
        async with Raw.to(inside) as raw:
            link = await link_to(raw)
            stream, _, _ = await refused(link)
            frame = DataFrame(stream)
            frame.data = b"a" * 15_000
            await raw.send(frame.serialize() * (late // 15_000))
            after = await link.reply(await link.begin(post(), BODY))
            window = server_of(inside).h2_conn._inbound_flow_control_window_manager
            owed = lambda: window.max_window_size - window.current_window_size - window._bytes_processed
            return after, until(lambda: owed() == 0)

    after, given_back = asyncio.run(run())

    assert 200 == after.status
    assert given_back
    assert until(lambda: 0 == inside.gateway.bodies.held), "an exchange ends after its answer has left"


def test_a_request_that_was_whole_is_not_reset_and_no_stream_is_remembered(inside):
    async def run():
        async with Raw.to(inside) as raw:
            link = await link_to(raw)
            statuses = [(await link.reply(await link.begin(post(), BODY))).status for _ in range(20)]
            await refused(link)
            return statuses, link.resets, dict(server_of(inside).streams)

    statuses, resets, remembered = asyncio.run(run())

    assert [200] * 20 == statuses
    assert [NO_ERROR] == list(resets.values()), "only the last"
    assert {} == remembered


def test_an_answer_that_waits_for_window_is_sent_whole_before_the_reset(inside):
    async def run():
        async with Raw.to(inside) as raw:
            link = await link_to(raw)
            link.link.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
            await link.flush()
            stream = await link.begin(post(authority="api.anthropic.com"), None)
            while len(link.heard(stream)) < 10:
                await link.read()
            early = dict(link.resets)
            reply = await link.reply(stream)
            while stream not in link.resets:
                await link.read()
            return early, reply, link.resets[stream]

    early, reply, code = asyncio.run(run())

    assert ({}, 421, True, NO_ERROR) == (early, reply.status, reply.whole, code)
