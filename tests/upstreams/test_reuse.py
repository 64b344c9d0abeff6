"""Reuse of connections: an answer never belongs to another request."""

import asyncio
import os
import socket

import pytest

from outgate.errors import FailureKind, UpstreamError
from support.calls import Call
from upstreams.calling import failure, request, whole
from upstreams.tls_server import Clients, Server, aio, backend, raw, reply

_OK = b"HTTP/1.1 200 OK\r\n"


def _dies_on_second(then: str, data: bytes = b""):
    async def answer(call: Call) -> None:
        await (raw(data, then=then) if call.seen.turn else reply())(call)

    return answer


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("then", ["close", "reset"])
@aio
async def test_a_request_that_the_provider_has_read_is_not_sent_again_by_the_client(then: str, method: str) -> None:
    async with Server(answer=_dies_on_second(then)) as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        error = await failure(client, request(to, method=method))

    assert [(0, 0), (0, 1)] == [(seen.connection, seen.turn) for seen in server.seen]
    assert (FailureKind.STALE, True) == (error.kind, error.sent)


@aio
async def test_a_connection_that_ends_later_was_not_lost_while_it_was_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider had the time to do what it was asked: it is an ordinary reset."""
    monkeypatch.setattr("outgate.upstreams.client._STALE", -1.0)
    async with Server(answer=_dies_on_second("reset")) as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        error = await failure(client, request(to))

    assert (FailureKind.RESET, True) == (error.kind, error.sent)


@aio
async def test_what_the_gateway_fetches_for_itself_is_read_again_on_a_new_connection() -> None:
    async with Server(answer=_dies_on_second("close")) as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        fetched = await client.fetch(to, "GET", "/keys")
        await client.fetch(to, "GET", "/keys")
        with pytest.raises(UpstreamError) as caught:
            await client.fetch(to, "POST", "/token")

    assert 200 == fetched.status
    assert FailureKind.STALE is caught.value.kind
    assert ["POST", "GET", "GET", "GET", "GET", "POST"] == [seen.method for seen in server.seen]


@aio
async def test_one_lost_connection_ends_the_other_idle_ones() -> None:
    gate = asyncio.Event()

    async def answer(call: Call) -> None:
        if call.seen.turn == 0:
            await gate.wait()
        await (raw(b"", then="close") if call.seen.turn else reply())(call)

    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server)
        both = asyncio.gather(*(whole(client, request(to)) for _ in range(2)))
        await server.requests(2)
        gate.set()
        await both
        await failure(client, request(to))
        last = await whole(client, request(to))

    assert (200, 3) == (last[0], server.connections)


@aio
async def test_an_end_that_has_come_but_was_not_read_yet_is_seen_before_the_request_goes() -> None:
    async with Server() as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        link = server.calls[0].writer.get_extra_info("socket")
        socket.socket(fileno=os.dup(link.fileno())).shutdown(socket.SHUT_RDWR)  # at once, with no turn of the loop between
        answer = await whole(client, request(to))

    assert (200, [(0, 0), (1, 0)]) == (answer[0], [(seen.connection, seen.turn) for seen in server.seen])


@aio
async def test_what_dies_after_a_word_or_on_a_new_connection_is_no_idle_connection_lost() -> None:
    async with Server(answer=_dies_on_second("close", b"HTTP/1.1 1")) as server, Clients() as client:
        to = backend(server)
        await whole(client, request(to))
        heard = await failure(client, request(to))
        count = len(server.seen)
    async with Server(answer=raw(b"", then="reset")) as dead, Clients() as client:
        fresh = await failure(client, request(backend(dead)))

    assert (FailureKind.RESET, True, 2) == (heard.kind, heard.sent, count)
    assert (FailureKind.RESET, True, 1) == (fresh.kind, fresh.sent, len(dead.seen))


_POISON = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"


@pytest.mark.parametrize("unasked", [_POISON, _POISON[:20], b"\r\n", b"garbage"], ids=["answer", "half", "empty line", "garbage"])
@aio
async def test_bytes_nobody_asked_for_end_the_connection(unasked: bytes) -> None:
    """An answer that is waiting before the next request is sent must not become the answer to it."""
    async with Server(answer=reply(b"fine")) as server, Clients() as client:
        to = backend(server)
        call = await client.open(request(to))
        wire = call._wire
        first = await call.read()
        await server.calls[0].send(unasked)
        while not wire.heard:  # noqa: ASYNC110 - the transport tells nobody else
            await asyncio.sleep(0)
        bodies = [await whole(client, request(to)) for _ in range(2)]

    assert (b"fine", [(200, b"fine")] * 2) == (first, bodies)
    assert [0, 1, 1] == [seen.connection for seen in server.seen]


@aio
async def test_bytes_that_come_with_the_answer_end_the_connection_too() -> None:
    async with Server(answer=raw(_OK + b"content-length: 4\r\n\r\nfine" + _POISON)) as server, Clients() as client:
        bodies = [await whole(client, request(backend(server))) for _ in range(2)]

    assert ([(200, b"fine")] * 2, 2) == (bodies, server.connections)


@aio
async def test_connection_the_provider_closes_is_not_kept() -> None:
    async with Server(answer=reply(b"{}", 200, "connection: close")) as server, Clients() as client:
        for _ in range(2):
            await whole(client, request(backend(server)))

    assert 2 == server.connections


@aio
async def test_connection_whose_request_was_not_sent_whole_is_not_kept() -> None:
    """The provider answers early; the rest of the body would be read as the next request."""
    connections = []

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await asyncio.Event().wait()

    listener = await asyncio.start_server(early, "127.0.0.1", 0)
    async with Server(tls=False) as server, Clients() as client:
        server.port = listener.sockets[0].getsockname()[1]
        statuses = [await whole(client, request(backend(server), body=b"x" * 20_000_000)) for _ in range(2)]
        listener.close()

    assert ([(413, b"no")] * 2, 2) == (statuses, len(connections))
