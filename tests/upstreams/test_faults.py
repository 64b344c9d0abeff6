"""Faults of a provider, a network or a caller during a call, and the error each becomes."""

import asyncio
import gzip
import socket
import time

import brotli
import pytest

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.upstreams.catalog import Endpoint, Timeouts
from outgate.upstreams.wire import CutOffError
from support.calls import Call
from upstreams.calling import bound, failure, free_port, request, whole
from upstreams.tls_server import Clients, Server, aio, backend, raw

_OK = b"HTTP/1.1 200 OK\r\n"
_STREAM = _OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
_SOME = _OK + b"content-length: 9\r\n\r\nabc"
_BEFORE_HEAD = {
    "reset at once": (raw(b"", then="reset"), FailureKind.RESET),
    "closed at once": (raw(b"", then="close"), FailureKind.RESET),
    "reset in the head": (raw(_OK + b"content-le", then="reset"), FailureKind.RESET),
    "closed in the head": (raw(_OK, then="close"), FailureKind.RESET),
    "garbage": (raw(b"\x00\x01\x02 not http\r\n\r\n"), FailureKind.PROTOCOL),
    "no version": (raw(b"200 OK\r\n\r\n"), FailureKind.PROTOCOL),
    "two lengths": (raw(_OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab"), FailureKind.PROTOCOL),
    "bad length": (raw(_OK + b"content-length: -1\r\n\r\n"), FailureKind.PROTOCOL),
    "huge line": (raw(_OK + b"a: " + b"x" * 100_000 + b"\r\n\r\n"), FailureKind.PROTOCOL),
    "many fields": (raw(_OK + b"a: b\r\n" * 1000 + b"\r\n"), FailureKind.PROTOCOL),
    "control in a value": (raw(_OK + b"a: b\x01c\r\ncontent-length: 0\r\n\r\n"), FailureKind.PROTOCOL),
    "switch of protocols": (raw(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"), FailureKind.PROTOCOL),
    "unknown coding": (raw(_OK + b"content-encoding: rot13\r\ncontent-length: 1\r\n\r\nx"), FailureKind.PROTOCOL),
    "stacked coding": (raw(_OK + b"content-encoding: gzip, gzip\r\ncontent-length: 1\r\n\r\nx"), FailureKind.PROTOCOL),
}


@pytest.mark.parametrize("fault", _BEFORE_HEAD)
@aio
async def test_no_head(fault: str) -> None:
    answer, kind = _BEFORE_HEAD[fault]
    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server)
        error = await failure(client, request(to, auth=bound(to)))
        left = client.in_flight(to, to.endpoints[0])

    assert (kind, True, 1, 0) == (error.kind, error.sent, len(server.seen), left)
    assert ("head.closed" if kind is FailureKind.RESET else "head.malformed") == error.reason
    assert "canary" not in repr(error) + str(error) and error.__cause__ is None


def _encoded(coding: str, body: bytes) -> bytes:
    return _OK + f"content-encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


_IN_BODY = {
    "closed before the length": raw(_OK + b"content-length: 10\r\n\r\nabc", then="close"),
    "reset before the length": raw(_OK + b"content-length: 10\r\n\r\nabc", then="reset"),
    "closed between chunks": raw(_OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", then="close"),
    "closed before the last line": raw(_OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", then="close"),
    "truncated gzip": raw(_encoded("gzip", gzip.compress(b"a" * 1000)[:-3])),
    "bytes after gzip": raw(_encoded("gzip", gzip.compress(b"a" * 1000) + b"x")),
    "gzip bomb": raw(_encoded("gzip", gzip.compress(b"\0" * 50_000_000))),
    "not gzip": raw(_encoded("gzip", b"hello")),
}


@pytest.mark.parametrize("fault", _IN_BODY)
@aio
async def test_broken_body_never_looks_whole(fault: str) -> None:
    async with Server(answer=_IN_BODY[fault]) as server, Clients() as client:
        to = backend(server)
        call = await client.open(request(to))
        with pytest.raises(UpstreamError) as caught:
            while await call.read():
                pass
        left = client.in_flight(to, to.endpoints[0])
        await call.close()

    assert (FailureKind.BROKEN_STREAM, True, 200, 0) == (caught.value.kind, caught.value.sent, caught.value.status, left)


@aio
async def test_damaged_chunk() -> None:
    gate = asyncio.Event()

    async def answer(call: Call) -> None:
        await call.send(_STREAM)
        await gate.wait()
        await call.send(b"zz\r\nabc\r\n")

    async with Server(answer=answer) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        first = await call.read()
        gate.set()
        with pytest.raises(UpstreamError) as caught:
            await call.read()

    assert (b"abc", FailureKind.BROKEN_STREAM) == (first, caught.value.kind)


@aio
async def test_reset_ends_a_body_that_has_no_length() -> None:
    """Only the close of the connection would end it, and a reset is no close."""
    async with Server(tls=False, answer=raw(_OK + b"\r\nabc", then="wait")) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        assert b"abc" == await call.read()
        reading = asyncio.ensure_future(call.read())
        await asyncio.sleep(0)
        sock = server.calls[0].writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.calls[0].reset()
        with pytest.raises(UpstreamError) as caught:
            await reading

    assert FailureKind.BROKEN_STREAM == caught.value.kind


@aio
async def test_body_that_only_the_close_ends() -> None:
    async with Server(answer=raw(_OK + b"\r\nabc", then="close")) as server, Clients() as client:
        assert (200, b"abc") == await whole(client, request(backend(server)))


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress)])
@aio
async def test_an_unasked_coding_is_decoded(coding: str, pack) -> None:
    async with Server(answer=raw(_encoded(coding, pack(b"a" * 1000)))) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        body = b""
        while piece := await call.read():
            body += piece

    assert (b"a" * 1000, None, None) == (body, call.headers.get("content-encoding"), call.headers.get("content-length"))


@aio
async def test_refused_connection() -> None:
    async with Server() as server, Clients() as client:
        to = backend(server, endpoints=(Endpoint(name="x", host="127.0.0.1", port=free_port()),))
        error = await failure(client, request(to))

    assert (FailureKind.CONNECT, False) == (error.kind, error.sent)


class Silent:
    """Listens and never answers: `full` leaves no room in the backlog, so that connecting blocks as well."""

    def __init__(self, *, full: bool) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0), backlog=0 if full else 10)
        self.port = self._sock.getsockname()[1]
        self._fill = [socket.socket() for _ in range(4 if full else 0)]
        for sock in self._fill:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))

    def close(self) -> None:
        for sock in (*self._fill, self._sock):
            sock.close()


@pytest.mark.parametrize(("full", "reason"), [(True, FailureReason.CONNECT_TIMED_OUT), (False, FailureReason.TLS_TIMED_OUT)])
@aio
async def test_connect_and_tls_have_their_own_limits(full: bool, reason: FailureReason) -> None:
    silent = Silent(full=full)
    async with Server() as server, Clients() as client:
        limits = Timeouts(connect=0.1 if full else 30, tls=30 if full else 0.1, head=30, idle=30, total=60)
        to = backend(server, timeouts=limits, endpoints=(Endpoint(name="x", host="127.0.0.1", port=silent.port),))
        start = time.monotonic()
        error = await failure(client, request(to))
        spent = time.monotonic() - start
    silent.close()

    assert (FailureKind.TIMEOUT, False, reason) == (error.kind, error.sent, error.reason)
    assert spent < 5


@aio
async def test_a_look_up_that_takes_too_long_is_told_from_a_connect_that_does() -> None:
    class Stuck:
        async def resolve(self, host: str):
            await asyncio.Event().wait()

    async with Server() as server, Clients(Stuck()) as client:
        error = await failure(client, request(backend(server, timeouts=Timeouts(connect=0.05))))

    assert (FailureKind.TIMEOUT, False, FailureReason.LOOKUP_TIMED_OUT) == (error.kind, error.sent, error.reason)


@aio
async def test_a_wait_for_a_free_slot_is_told_from_a_slow_provider() -> None:
    async with Server(answer=raw(b"", then="wait")) as server, Clients() as client:
        to = backend(server, max_in_flight=1, timeouts=Timeouts(connect=0.05))
        first = asyncio.ensure_future(client.open(request(to)))
        await server.requests(1)
        error = await failure(client, request(to))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    assert (FailureKind.TIMEOUT, False, FailureReason.QUEUE_TIMED_OUT) == (error.kind, error.sent, error.reason)


@pytest.mark.parametrize(
    ("limits", "answer", "reason"),
    [
        pytest.param({"head": 0.1}, raw(b"", then="wait"), "head.timed_out", id="head"),
        pytest.param({"head": 0.1}, raw(_OK, then="wait"), "head.timed_out", id="half a head"),
        pytest.param({"idle": 0.1}, raw(_SOME, then="wait"), "answer.stopped", id="idle"),
        pytest.param({"total": 0.2}, raw(_SOME, then="wait"), "answer.timed_out", id="total while waiting"),
        pytest.param({"total": 0.2}, raw(b"", then="wait"), "head.timed_out", id="total before the head"),
    ],
)
@aio
async def test_limits_of_the_answer(limits: dict, answer, reason: str) -> None:
    async with Server(answer=answer) as server, Clients() as client:
        to = backend(server, timeouts=Timeouts(**{"head": 30, "idle": 30, "total": 60} | limits))
        start = time.monotonic()
        error = await failure(client, request(to))
        spent = time.monotonic() - start
        await asyncio.wait_for(server.gone.wait(), 2)

    assert (FailureKind.TIMEOUT, True, reason) == (error.kind, error.sent, error.reason)
    assert spent < 5


@aio
async def test_an_answer_that_never_ends_and_never_pauses_ends() -> None:
    async def answer(call: Call) -> None:
        await call.send(_OK + b"transfer-encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"3\r\nabc\r\n")
            await asyncio.sleep(0)

    async with Server(answer=answer) as server, Clients() as client:
        error = await failure(client, request(backend(server, timeouts=Timeouts(total=0.3))))

    assert FailureKind.TIMEOUT == error.kind


@pytest.mark.parametrize(
    "sent", [b"", _OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"], ids=["before the head", "in the stream"]
)
@aio
async def test_cancel_is_seen_by_the_provider_at_once(sent: bytes) -> None:
    async with Server(answer=raw(sent, then="wait")) as server, Clients() as client:
        to = backend(server)
        task = asyncio.ensure_future(whole(client, request(to)))
        await server.requests(1)
        task.cancel()
        start = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 2)
        spent = time.monotonic() - start
        left = client.in_flight(to, to.endpoints[0])

    assert spent < 1
    assert 0 == left


@aio
async def test_a_cancelled_call_says_whether_the_request_had_been_sent() -> None:
    kinds = []

    async def ask(client, to) -> None:
        try:
            await client.open(request(to))
        except asyncio.CancelledError as error:
            kinds.append(type(error))

    class Stuck:
        asked = asyncio.Event()

        async def resolve(self, host: str):
            self.asked.set()
            await asyncio.Event().wait()

    async with Server(answer=raw(b"", then="wait")) as server, Clients() as client, Clients(Stuck()) as stuck:
        for each, ready in ((client, lambda: server.requests(1)), (stuck, Stuck.asked.wait)):
            task = asyncio.ensure_future(ask(each, backend(server)))
            await ready()
            task.cancel()
            await asyncio.wait([task])

    assert [CutOffError, asyncio.CancelledError] == kinds


@aio
async def test_close_aborts_an_unfinished_answer() -> None:
    async with Server(answer=raw(_OK + b"content-length: 9\r\n\r\nabc", then="wait")) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        await call.read()
        await call.close()
        await asyncio.wait_for(server.gone.wait(), 2)
        assert b"" == await call.read()
