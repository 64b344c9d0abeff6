"""Never sent: a credential to another host, a caller's own secrets, cookies, a second request inside one."""

import asyncio

import pytest

from outgate.errors import WireError
from outgate.upstreams.credentials import CredentialMisboundError
from support.calls import Call
from upstreams.calling import bound, request, whole
from upstreams.tls_server import Clients, Server, aio, backend, reply


@aio
async def test_redirect_is_an_answer_and_is_not_followed() -> None:
    async with Server() as elsewhere:
        there = f"location: https://127.0.0.1:{elsewhere.port}/steal"
        async with Server(answer=reply(b"", 307, there)) as server, Clients() as client:
            status, _ = await whole(client, request(backend(server), auth=bound(backend(server))))

    assert (307, 1, 0) == (status, len(server.seen), elsewhere.connections)


@aio
async def test_cookies_are_neither_returned_nor_sent_again() -> None:
    async with Server(answer=reply(b"{}", 200, "set-cookie: id=1; Path=/")) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        await call.read()
        await whole(client, request(backend(server), headers=(("cookie", "id=2"),)))

    assert "set-cookie" not in call.headers
    assert [None, None] == [seen.header("cookie") for seen in server.seen]


@aio
async def test_environment_names_no_proxy_and_no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.test login u password canary\n")
    async with Server() as proxy, Server() as server, Clients() as client:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NETRC", str(netrc))
        await whole(client, request(backend(server)))

    assert (1, 0) == (len(server.seen), proxy.connections)
    assert server.seen[0].header("authorization") is None


@aio
async def test_credential_travels_to_its_backend_only() -> None:
    async with Server() as server, Server(names=("b.test",)) as other, Clients() as client:
        mine, theirs = backend(server), backend(other, name="other")
        await whole(client, request(mine, auth=bound(mine)))
        for wrong in (theirs, backend(other), backend(server, port=444), backend(server, name="copy")):
            with pytest.raises(CredentialMisboundError):
                await client.open(request(wrong, auth=bound(mine)))

    assert ["Bearer canary-key-0001"] == [seen.header("authorization") for seen in server.seen]
    assert 0 == other.connections


@aio
async def test_the_callers_own_credentials_never_travel() -> None:
    own = ("Authorization", "x-api-key", "Api-Key", "x-goog-api-key", "Cookie", "Proxy-Authorization")
    async with Server() as server, Clients() as client:
        await whole(client, request(backend(server), headers=tuple((name, "canary") for name in own)))

    assert "canary" not in str(server.seen[0].fields)


@aio
async def test_an_error_that_echoes_the_credential_is_cleaned() -> None:
    echo = b'{"error":"bad key canary-key-0001!"}'

    async def answer(call: Call) -> None:
        await call.send(b"HTTP/1.1 401 No\r\nx-echo: Bearer canary-key-0001\r\ncontent-length: %d\r\n\r\n" % len(echo))
        for start in range(0, len(echo), 5):
            await call.send(echo[start : start + 5])
            await asyncio.sleep(0)

    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server)
        call = await client.open(request(to, auth=bound(to)))
        body = b""
        while piece := await call.read():
            body += piece

    assert (b'{"error":"bad key ***!"}', None) == (body, call.headers.get("x-echo"))


@aio
async def test_a_request_that_could_split_is_never_sent() -> None:
    bad = (
        {"path": "/x HTTP/1.1\r\nhost: evil\r\n\r\n"},
        {"path": "//evil\n"},
        {"path": "https://evil/"},
        {"path": "/a b"},
        {"path": "/a#b"},
        {"method": "CONNECT"},
        {"method": "GET /"},
        {"headers": (("a", "b\r\nhost: evil"),)},
        {"headers": (("a: b\r\nc", "d"),)},
        {"headers": (("a b", "d"),)},
        {"headers": (("a", "b\nc: d"),)},
        {"headers": (("a", "b\rc: d"),)},
        {"headers": (("a", "b\x00"),)},
        {"headers": (("a", "\u010a"),)},
    )
    async with Server() as server, Clients() as client:
        for changes in bad:
            with pytest.raises(WireError):
                await client.open(request(backend(server), **changes))

    assert 0 == server.connections
