"""Attacks on where a request ends and the next begins, and on when a connection becomes a tunnel. However it is cut or put
together, every request is judged as one, answered once and in its turn.
"""

import asyncio

import pytest
from mitmproxy import ctx

from e2e.world import TOKEN, World
from support.behaviours import answer_json, silent
from support.dials import watched
from support.openai_answers import chat_completion
from support.raw_client import Raw, basic, request
from support.waiting import until

NAME = "api.openai.com"
PATH = "/v1/chat/completions"
HEAD_SECONDS = 1


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("framing"), *providers)
    with world.inside(world.policy(gateway=f"limits: {{head_seconds: {HEAD_SECONDS}}}")) as gateway:
        yield gateway


def body(text: str) -> bytes:
    return b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"%b"}]}' % text.encode()


def post(text: str, *fields: tuple[str, str]) -> bytes:
    return request("POST", PATH, host=NAME, fields=fields, body=body(text))


def absolute(text: str) -> bytes:
    return request("POST", f"http://{NAME}:443{PATH}", host=f"{NAME}:443", fields=[basic(TOKEN)], body=body(text))


def connect(token: str | None, method: str = "CONNECT", target: str = f"{NAME}:443") -> bytes:
    return request(method, target, host=f"{NAME}:443", fields=[basic(token)] if token else [])


def answering(providers, *texts):
    """The provider answers so, in its order of requests."""
    providers[0].script(*(answer_json(chat_completion(text)) for text in texts))


def asked(providers) -> list[bytes]:
    return [seen.body for seen in providers[0].seen]


def said(gateway, data: bytes, count: int, *, tunnel: bool = True) -> list:
    """Say it all in one record; the answers that come."""

    async def run():
        async with Raw.to(gateway) as raw:
            if tunnel:
                await raw.connect(f"{NAME}:443", TOKEN)
                await raw.tls(NAME)
            await raw.send(data)
            return [await raw.reply() for _ in range(count)]

    return asyncio.run(run())


DENIED = request("POST", "/v1/nothing", host=NAME, body=body("denied"))
ELSEWHERE = request("POST", PATH, host="evil.test", body=body("elsewhere"))


def test_attack_requests_with_whole_bodies_in_one_record(inside, providers):
    answering(providers, "first", "second", "third")

    replies = said(inside, post("one") + post("two") + post("three"), 3)

    assert [body("one"), body("two"), body("three")] == asked(providers)
    assert [[text in reply.body for text in (b"first", b"second", b"third")] for reply in replies] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize("refused", [DENIED, ELSEWHERE, DENIED + ELSEWHERE + DENIED], ids=["denied", "misdirected", "three"])
def test_attack_a_request_behind_one_that_is_refused_at_once(inside, providers, refused):
    count = refused.count(b" HTTP/1.1\r\n")

    replies = said(inside, refused + post("judged") + refused, 2 * count + 1)

    assert [body("judged")] == asked(providers)
    assert [count] == [at for at, reply in enumerate(replies) if reply.status == 200]
    assert all(reply.whole for reply in replies)


def test_attack_a_request_behind_the_last_of_a_connection(inside, providers):
    replies = said(inside, post("one", ("connection", "close")) + post("two"), 2)

    assert ([200, 0], [body("one")]) == ([reply.status for reply in replies], asked(providers))


def test_attack_a_request_cut_in_two_at_every_byte(inside, providers):
    """Upstream and towards the client, it is what it is when it is sent whole."""
    data = post("cut")

    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            replies = [await raw.ask(data)]
            for at in range(1, len(data)):
                await raw.send(data[:at])
                replies.append(await raw.ask(data[at:]))
            return replies

    replies = asyncio.run(run())

    own = {"x-request-id", "x-outgate-request-id"}
    assert 1 == len(
        {(reply.status, reply.body, tuple(field for field in reply.fields if field[0] not in own)) for reply in replies}
    )
    assert [(200, True)] * len(data) == [(reply.status, reply.whole) for reply in replies]
    assert [body("cut")] * len(data) == asked(providers)
    assert 1 == len({tuple(name for name, _ in seen.fields) for seen in providers[0].seen})


def test_attack_a_connect_cut_in_two_at_every_byte_opens_one_tunnel(inside, providers):
    data = connect(TOKEN)

    async def one(at):
        async with Raw.to(inside) as raw:
            await raw.send(data[:at])
            await asyncio.sleep(0)
            return (await raw.ask(data[at:], tunnel=True)).status

    async def run():
        return [await one(at) for at in range(1, len(data))]

    assert [200] * (len(data) - 1) == asyncio.run(run())


def test_a_tunnel_whose_connect_came_in_pieces_outlives_the_time_of_a_head(inside, providers):
    data = connect(TOKEN)

    async def run():
        async with Raw.to(inside) as raw:
            await raw.send(data[:20])
            assert until(lambda: timers(inside) == 1)
            opened = await raw.ask(data[20:], tunnel=True)
            await raw.tls(NAME)
            replies = [opened, await raw.ask(post("one"))]
            assert until(lambda: timers(inside) == 0)
            return [*replies, await raw.ask(post("two"))]

    assert [200, 200, 200] == [reply.status for reply in asyncio.run(run())]
    assert [body("one"), body("two")] == asked(providers)


def timers(gateway) -> int:
    """Heads that are being waited for."""
    return gateway.call(lambda: sum(len(each.wakeup_timer) for each in ctx.master.addons.get("proxyserver").connections.values()))


TWO_READINGS = {
    "a space before the colon of a length": "content-length : 5",
    "a tab before the colon of a length": "content-length\t: 5",
    "a space before the colon of a coding": "transfer-encoding : chunked",
    "a length of nothing": "content-length:",
    "a coding of nothing": "transfer-encoding:\r\ncontent-length: 5",
    "a zero in front": "content-length: 05",
    "a sign": "content-length: +5",
    "a list": "content-length: 5,5",
    "twice the same": "content-length: 5\r\nContent-Length: 5",
    "twice another": "content-length: 5\r\ncontent-length: 6",
    "below zero": "content-length: -1",
    "digits of another script": "content-length: \xb2",
    "length and chunks": "content-length: 5\r\ntransfer-encoding: chunked",
    "chunks and length": "Transfer-Encoding: CHUNKED\r\nCONTENT-LENGTH: 5",
    "chunked, but not last": "transfer-encoding: chunked, identity",
    "a vertical tab": "transfer-encoding: \x0bchunked",
}


@pytest.mark.parametrize("name", TWO_READINGS)
def test_attack_what_follows_a_length_of_two_readings_is_no_request(inside, providers, name):
    head = f"POST {PATH} HTTP/1.1\r\nhost: {NAME}\r\n{TWO_READINGS[name]}\r\n\r\n".encode("latin-1")

    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            await raw.send(head + post("smuggled"))
            return await raw.rest()

    came = asyncio.run(run())

    assert (b"HTTP/1.1 400", 1, []) == (came[:12], came.count(b"HTTP/1.1 "), asked(providers))


def test_attack_a_body_that_cannot_be_read_is_answered_once(inside, providers):
    head = f"POST {PATH} HTTP/1.1\r\nhost: {NAME}\r\ntransfer-encoding: chunked\r\n\r\n".encode()

    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            await raw.send(head + b"zz\r\n" + post("smuggled"))
            return await raw.rest()

    assert 1 == asyncio.run(run()).count(b"HTTP/1.1 ")
    assert [] == asked(providers)


def test_attack_a_tunnel_behind_a_request_and_a_request_within(inside, providers):
    """Absolute-form, then CONNECT, in one write; in the tunnel, origin form and absolute form."""

    async def run():
        async with Raw.to(inside) as raw:
            await raw.send(absolute("one") + connect(TOKEN))
            replies = [await raw.reply(), await raw.reply(tunnel=True)]
            await raw.tls(NAME)
            return [*replies, await raw.ask(post("two")), await raw.ask(absolute("three"))]

    assert [200] * 4 == [reply.status for reply in asyncio.run(run())]
    assert [body("one"), body("two"), body("three")] == asked(providers)


def test_attack_requests_around_a_tunnel_that_is_refused(inside, providers):
    replies = said(inside, connect(None) + absolute("one") + connect(None) + absolute("two"), 4, tunnel=False)

    assert [407, 200, 407, 200] == [reply.status for reply in replies]
    assert [body("one"), body("two")] == asked(providers)


@pytest.mark.parametrize("target", [f"{NAME}:443", f"http://{NAME}:443/"])
@pytest.mark.parametrize("token", [TOKEN, None], ids=["known", "unknown"])
def test_attack_a_connect_that_is_spelled_otherwise_opens_nothing(inside, providers, target, token):
    with watched() as dials:
        [reply] = said(inside, connect(token, "connect", target), 1, tunnel=False)

    assert (400, [], []) == (reply.status, dials.connected, asked(providers))


def test_a_client_that_has_said_its_last_is_gone(inside, providers):
    """As mitmproxy sees it: who ends its side of the connection wants no more answers."""
    providers[0].script(silent())

    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            raw.writer.write(request("POST", PATH, host=f"{NAME}:443", body=body("half")))
            raw.writer.write_eof()
            return await raw.rest()

    assert b" 200 " not in asyncio.run(run())[:16]
    assert until(lambda: inside.call(lambda: (len(inside.gateway.exchanges), inside.gateway.bodies.held)) == (0, 0))
