"""The outbound client against a real TLS listener on loopback."""

import asyncio
import socket

import pytest

from outgate.errors import FailureKind, UpstreamError
from outgate.upstreams.catalog import Endpoint, Timeouts
from support.calls import Call
from upstreams.calling import failure, free_port, request, whole
from upstreams.tls_server import Clients, Names, Server, aio, backend, raw, reply


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
async def test_small_writes_do_not_wait() -> None:
    async with Server() as server, Clients() as client:
        call = await client.open(request(backend(server)))
        sock = call._wire.transport.get_extra_info("socket")
        nodelay = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await call.close()

    assert nodelay


@aio
async def test_statuses_are_answers_not_errors() -> None:
    for status in (401, 429, 500, 503):
        async with Server(answer=reply(b"no", status, "retry-after: 7")) as server, Clients() as client:
            call = await client.open(request(backend(server)))

            assert (status, "7", b"no") == (call.status, call.headers.get("retry-after"), await call.read())


@aio
async def test_ready_bytes_are_read_together_and_the_end_is_empty() -> None:
    gate = asyncio.Event()

    async def answer(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n")
        await gate.wait()
        await call.send(b"5\r\nthree\r\n0\r\n\r\n")

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
    async def answer(call: Call) -> None:
        if call.seen.method == "HEAD":
            await call.send(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n")
        else:
            await call.send(b"HTTP/1.1 204 No Content\r\n\r\n")

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

    async def answer(call: Call) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        if now == 3:
            full.set()
        await gate.wait()
        now -= 1
        await reply()(call)

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
        to = backend(server, max_in_flight=1, timeouts=Timeouts(connect=1))
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
