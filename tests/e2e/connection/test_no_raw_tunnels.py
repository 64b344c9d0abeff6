"""E3: no tunnel carries anything but judged HTTP, and what says nothing useful is closed."""

import asyncio
import random
import socket
import struct

import pytest
from mitmproxy import ctx

from e2e.world import TOKEN, World
from support.raw_client import Raw, basic, request
from support.waiting import PATIENCE, until

NAME = "api.openai.com"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
HEAD_SECONDS = 2
"""Short enough to be waited for, and longer than a handshake takes on a machine full of other work."""
_AT_ONCE = 128


pytestmark = pytest.mark.usefixtures("nothing_was_dialled")


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("tunnels"), *providers)
    policy = world.policy(gateway=f"limits: {{head_seconds: {HEAD_SECONDS}, body_seconds: {HEAD_SECONDS}}}")
    with world.inside(policy) as gateway:
        yield gateway


def line(*lines: str) -> bytes:
    return "".join(f"{each}\r\n" for each in lines).encode()


HOST = f"host: {NAME}"
DNS = b"\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04evil\x04test\x00\x00\x01\x00\x01"
PREAMBLES = {
    "ssh": b"SSH-2.0-OpenSSH_9.0\r\n",
    "smtp": b"EHLO evil.test\r\nMAIL FROM:<a@evil.test>\r\n",
    "dns over tcp": struct.pack(">H", len(DNS)) + DNS,
    "dns": DNS,
    "ftp": b"USER anonymous\r\n",
    "imap": b"a1 LOGIN user password\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "postgres": b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    "mysql": b"\x20\x00\x00\x01\x85\xa6\x03\x00",
    "rdp": b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    "socks5": b"\x05\x01\x00",
    "socks4": b"\x04\x01\x01\xbb\x7f\x00\x00\x01evil\x00",
    "proxy protocol": line("PROXY TCP4 1.2.3.4 5.6.7.8 1 443"),
    "proxy protocol 2": b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12),
    "half a client hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a tls record without end": b"\x16\x03\x01\x40\x00" + b"\x01" * 100,
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "sslv2": b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
    "quic": b"\xc0\x00\x00\x00\x01\x08" + bytes(range(40)),
    "http/2 without tls": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "http/0.9": b"GET /v1/models\r\n\r\n",
    "half a request": b"POST /v1/chat/completions HTTP/1.1\r\nhost: api",
    "one byte": b"P",
    "zeros": bytes(64),
    "line feeds": b"\n" * 64,
    "a long line": b"G" * 70_000,
}
REQUESTS = {
    "websocket": line(
        "GET /v1/realtime HTTP/1.1", HOST, "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "",
    ),
    "websocket key alone": line("GET /v1/realtime HTTP/1.1", HOST, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", ""),
    "h2c": line(
        "POST /v1/chat/completions HTTP/1.1", HOST, "connection: upgrade, http2-settings", "upgrade: h2c",
        "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA", f"content-length: {len(BODY)}", "",
    ) + BODY,
    "upgrade to anything": line("GET /v1/models HTTP/1.1", HOST, "connection: upgrade", "upgrade: ssh", ""),
    "trace": line("TRACE /v1/models HTTP/1.1", HOST, ""),
    "another method": line("PROPFIND /v1/models HTTP/1.1", HOST, ""),
    "options of the server": line("OPTIONS * HTTP/1.1", HOST, ""),
    "a nested tunnel": line(f"CONNECT {NAME}:443 HTTP/1.1", HOST, ""),
    "a nested tunnel elsewhere": line("CONNECT evil.test:443 HTTP/1.1", "host: evil.test:443", ""),
    "a request for elsewhere": line("GET http://evil.test/ HTTP/1.1", "host: evil.test", ""),
    "realtime": line("GET /v1/realtime?model=gpt-4o HTTP/1.1", HOST, ""),
    "an upload": line("PUT /v1/files HTTP/1.1", HOST, "content-length: 3", "") + b"abc",
}  # fmt: skip


async def closed(raw: Raw) -> bytes:
    """What the gateway still says before it closes; when it does is shown by `test_slow_clients`."""
    return await raw.rest(PATIENCE)


async def say(gateway, data: bytes, where: str) -> bytes:
    """Say something at the door, in a tunnel, or in a tunnel's TLS; gives the gateway's last words."""
    async with Raw.to(gateway) as raw:
        if where != "the door":
            reply = await raw.connect(f"{NAME}:443", TOKEN)
            if not reply.status:
                raise ConnectionError("ended before it was answered")
            assert reply.status == 200
        if where == "tls":
            await raw.tls(NAME)
        await raw.send(data)
        return await closed(raw)


@pytest.mark.parametrize("where", ["the door", "a tunnel", "tls"])
def test_another_protocol_is_closed(inside, where):
    async def all_of_them():
        return await asyncio.gather(*(say(inside, data, where) for data in PREAMBLES.values()))

    said = dict(zip(PREAMBLES, asyncio.run(all_of_them()), strict=True))

    refused = (b"", b"HTTP/1.1 400", b"HTTP/1.1 408", b"HTTP/1.1 431", b"HTTP/1.1 505")
    assert {} == {name: last for name, last in said.items() if last[:12] not in refused and last[:1] != b"\x15"}


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_no_plain_request_is_refused(inside, name, tls):
    async def run():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            if tls:
                await raw.tls(NAME)
            return await raw.ask(REQUESTS[name])

    assert 400 <= asyncio.run(run()).status < 500


def test_tls_within_tls_is_no_way_out(inside):
    """A tunnel asked for inside a tunnel's TLS, and TLS to elsewhere inside the first one."""

    async def nested():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            return await raw.ask(request("CONNECT", "evil.test:443", host="evil.test:443", fields=[basic(TOKEN)]))

    async def hello():
        async with Raw.to(inside) as raw:
            await raw.connect(f"{NAME}:443", TOKEN)
            await raw.tls(NAME)
            await raw.send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03")
            return await closed(raw)

    assert 400 <= asyncio.run(nested()).status < 500
    assert b"200" not in asyncio.run(hello())[:20]


@pytest.mark.exhaustive
def test_a_thousand_random_preambles(inside):
    """In tunnels, in their TLS, and without either."""
    dice = random.Random(7)

    def preamble() -> bytes:
        first = dice.choice([b"", b"\x16\x03", b"GET ", b"POST /v1/chat/completions HTTP/1.1\r\n", b"CONNECT ", b"PRI *", b"\x05"])
        return first + dice.randbytes(dice.choice([1, 2, 5, 50, 500, 5000])) + dice.choice([b"", b"\r\n\r\n"])

    async def everything():
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(data, where):
            async with gate:
                try:
                    return (await say(inside, data, where))[:12]
                except ConnectionError:
                    return b"cut"  # before it could speak: a handshake that a busy machine makes late is ended, too
                except TimeoutError:
                    return data  # still open: fair only where it happened to be a request, which is refused

        places = ["the door", "a tunnel"] * 4 + ["tls"]
        return await asyncio.gather(*(one(preamble(), places[at % len(places)]) for at in range(1000)))

    said = asyncio.run(everything())

    assert 1000 == len(said)
    assert [text for text in said if b" 200" in text] == []
    assert [text for text in said if len(text) > 12 and not (text[:5] == b"POST " and text[-4:] == b"\r\n\r\n")] == []


def test_an_abandoned_tunnel_leaves_nothing_behind(inside):
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", inside.port)) as link:
            link.sendall(request("CONNECT", f"{NAME}:443", host=f"{NAME}:443", fields=[basic(TOKEN)]))
            link.recv(1000)

    assert until(lambda: inside.call(lambda: len(ctx.master.addons.get("proxyserver").connections)) == 0)
