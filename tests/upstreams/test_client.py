"""The outbound client against a real TLS listener on loopback."""

import asyncio
import socket

import pytest

from outgate.errors import FailureKind, UpstreamError, WireError
from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, Endpoint, Timeouts
from outgate.upstreams.client import Client, OutboundRequest
from outgate.upstreams.credentials import BoundCredential, CredentialMisboundError
from upstreams.tls_server import Clients, Exchange, Names, Server, aio, backend, raw, reply


def request(to: Backend, **changes: object) -> OutboundRequest:
    values = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "body": b'{"a":1}',
        "headers": (("content-type", "application/json"),),
    }
    return OutboundRequest(backend=to, endpoint=to.endpoints[0], **(values | changes))


async def whole(client: Client, wanted: OutboundRequest) -> tuple[int, bytes]:
    call = await client.open(wanted)
    pieces = []
    while piece := await call.read():
        pieces.append(piece)
    await call.close()
    return call.status, b"".join(pieces)


async def failure(client: Client, wanted: OutboundRequest) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await whole(client, wanted)
    return caught.value


@aio
async def test_address_name_and_host_are_apart() -> None:
    async with Server(names=("api.test",), answer=reply(b"hello")) as server:
        to = backend(server, endpoints=(Endpoint(name="one", host="10-0-0-7.pods.internal", port=server.port),))
        names = Names({"10-0-0-7.pods.internal": ("127.0.0.1",)})
        async with Clients(names) as client:
            call = await client.open(request(to))
            body = await call.read()

    assert b"hello" == body
    assert ["10-0-0-7.pods.internal"] == names.asked
    assert f"127.0.0.1:{server.port}" == call.address
    assert [("api.test", False)] == server.handshakes
    assert ["api.test"] == [value for name, value in server.seen[0].fields if name == "host"]


@aio
async def test_the_request_on_the_wire_is_exactly_ours() -> None:
    async with Server() as server, Clients() as client:
        await whole(client, request(backend(server, port=8443), path="/v1/x?y=1"))

    seen = server.seen[0]
    expected = (
        ("host", "api.test:8443"),
        ("accept-encoding", "identity"),
        ("content-length", "7"),
        ("content-type", "application/json"),
    )
    assert ("POST", "/v1/x?y=1", expected, b'{"a":1}') == (seen.method, seen.target, seen.fields, seen.body)


@aio
async def test_connections_are_reused_and_the_name_is_looked_up_once_per_connect() -> None:
    names = Names()
    async with Server() as server, Clients(names) as client:
        to = backend(server)
        calls = []
        for _ in range(20):
            call = await client.open(request(to))
            while await call.read():
                pass
            calls.append(call.reused)

    assert (20, 1, 1) == (len(server.seen), server.connections, len(names.asked))
    assert [False] + [True] * 19 == calls


@aio
async def test_backends_share_no_connection_even_to_one_address() -> None:
    async with Server(names=("a.test", "b.test")) as server, Clients() as client:
        await whole(client, request(backend(server, name="a", host="a.test")))
        await whole(client, request(backend(server, name="b", host="b.test")))

    assert ["a.test", "b.test"] == [name for name, _ in server.handshakes]
    assert [("a.test", 0), ("b.test", 1)] == [(seen.header("host"), seen.connection) for seen in server.seen]


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
async def test_small_writes_do_not_wait() -> None:
    async with Server() as server, Clients() as client:
        call = await client.open(request(backend(server)))
        sock = call._wire.transport.get_extra_info("socket")
        nodelay = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await call.close()

    assert nodelay


def bound(to: Backend, text: str = "canary-key-0001") -> BoundCredential:
    return BoundCredential(backend=to.name, host=to.host, port=to.port, headers=(("authorization", Secret(f"Bearer {text}")),))


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

    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 401 No\r\nx-echo: Bearer canary-key-0001\r\ncontent-length: %d\r\n\r\n" % len(echo))
        for start in range(0, len(echo), 5):
            await exchange.send(echo[start : start + 5])
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


@aio
async def test_statuses_are_answers_not_errors() -> None:
    for status in (401, 429, 500, 503):
        async with Server(answer=reply(b"no", status, "retry-after: 7")) as server, Clients() as client:
            call = await client.open(request(backend(server)))

            assert (status, "7", b"no") == (call.status, call.headers.get("retry-after"), await call.read())


@aio
async def test_ready_bytes_are_read_together_and_the_end_is_empty() -> None:
    gate = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n")
        await gate.wait()
        await exchange.send(b"5\r\nthree\r\n0\r\n\r\n")

    async with Server(answer=answer) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        first = await call.read()
        gate.set()
        rest = [await call.read() for _ in range(3)]

    assert b"onetwo" == first
    assert [b"three", b"", b""] in (rest, [rest[0], b"", b""])


@aio
async def test_interim_answers_are_skipped() -> None:
    answer = raw(
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    )
    async with Server(answer=answer) as server, Clients() as client:
        assert (200, b"ok") == await whole(client, request(backend(server)))


@aio
async def test_bodiless_answers_keep_their_connection() -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.method == "HEAD":
            await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n")
        else:
            await exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server)
        for method in ("HEAD", "POST", "HEAD", "POST"):
            call = await client.open(request(to, method=method))
            await call.close()

    assert (4, 1) == (len(server.seen), server.connections)


@aio
async def test_an_answer_given_up_when_it_had_come_whole_keeps_its_connection() -> None:
    async with Server(answer=reply(b"{}", 503)) as server, Clients() as client:
        for _ in range(3):
            call = await client.open(request(backend(server)))
            await call.close()
            await call.close()

    assert 1 == server.connections


@aio
async def test_slots_bound_what_is_in_flight() -> None:
    gate, full, most, now = asyncio.Event(), asyncio.Event(), 0, 0

    async def answer(exchange: Exchange) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        if now == 3:
            full.set()
        await gate.wait()
        now -= 1
        await reply()(exchange)

    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server, max_in_flight=3)
        tasks = [asyncio.ensure_future(whole(client, request(to))) for _ in range(10)]
        await full.wait()
        counted = client.in_flight(to, to.endpoints[0])
        gate.set()
        await asyncio.gather(*tasks)
        left = client.in_flight(to, to.endpoints[0])

    assert (3, 3, 0, 10) == (most, counted, left, len(server.seen))


@aio
async def test_waiting_for_a_slot_ends() -> None:
    async with Server(answer=raw(b"", then="wait")) as server, Clients() as client:
        to = backend(server, max_in_flight=1, timeouts=Timeouts(connect=0.05))
        holder = asyncio.ensure_future(client.open(request(to)))
        await server.requests(1)
        error = await failure(client, request(to))
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)

    assert (FailureKind.TIMEOUT, False) == (error.kind, error.sent)


@aio
async def test_fetch_reads_whole_within_its_limit_and_goes_to_the_next_endpoint() -> None:
    async with Server(answer=reply(b"x" * 1000)) as server, Clients() as client:
        dead = Endpoint(name="dead", host="127.0.0.1", port=free_port())
        to = backend(server, endpoints=(dead, Endpoint(name="one", host="127.0.0.1", port=server.port)))
        fetched = await client.fetch(to, "GET", "/keys", limit_bytes=1000)
        with pytest.raises(UpstreamError) as caught:
            await client.fetch(to, "GET", "/keys", limit_bytes=999)
        left = client.in_flight(to, to.endpoints[1])

    assert (200, 1000) == (fetched.status, len(fetched.body))
    assert (FailureKind.PROTOCOL, 0) == (caught.value.kind, left)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@aio
async def test_pools_of_a_replaced_policy_are_closed() -> None:
    async with Server() as server, Clients() as client:
        old, new = backend(server), backend(server, path_prefix="/v2")
        await whole(client, request(old))
        client.keep((new,))
        await asyncio.wait_for(server.gone.wait(), 2)
        await whole(client, request(new))
        client.keep((backend(server, path_prefix="/v2"),))
        call = await client.open(request(new))
        await call.close()

    assert (2, True) == (server.connections, call.reused)
