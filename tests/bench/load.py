"""The bench's clients: closed-loop requests through a CONNECT proxy (or straight), streams with every event's arrival time."""

import asyncio
import itertools
import json
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from bench.bodies import Asks, Body

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)


class Target(NamedTuple):
    """Where requests go: the authority of the URL, and the proxy (`host, port`) with its token; no proxy means straight."""

    host: str
    port: int
    proxy: int | None = None
    token: str = ""
    path: str = "/v1/chat/completions"


class LoadError(Exception):
    """The proxy under test, or the provider, answered something that would make the figures meaningless."""


class Exchange(asyncio.Protocol):
    """One keep-alive connection; `ask` sends a request and waits for its whole answer."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.done: asyncio.Future[None] | None = None
        self.closed = False
        self.body = b""
        self.first: asyncio.Future[None] | None = None

    async def ask(self, request: bytes) -> None:
        """Send a request and wait for the end of its answer."""
        self._send(request)
        assert self.done is not None
        await self.done

    async def begin(self, request: bytes) -> None:
        """Send a request and wait for the first event of its answer."""
        self.first = asyncio.get_running_loop().create_future()
        self._send(request)
        await self.first

    def _send(self, request: bytes) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.head = b""
        self.left = -1
        self.chunked = False
        self.tail = self.end = b""
        self.arrivals: list[float] = []
        self.body = b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.done is None or self.done.done():
            return
        if self.left < 0 and not self.chunked:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self.head[end + 4 :]
            if not self._begin(self.head[:end]):
                return
        if self.chunked:
            self._stream(data)
        else:
            self.left -= len(data)
            self.body += data
            if self.left <= 0:
                self.done.set_result(None)

    def _begin(self, head: bytes) -> bool:
        assert self.done is not None
        length = _LENGTH.search(head)
        if head[9:12] != b"200":
            self.done.set_exception(LoadError(f"answered {head[:200]!r}"))
            return False
        if length:
            self.left = int(length[1])
        elif _CHUNKED.search(head):
            self.chunked = True
        else:
            self.done.set_exception(LoadError("neither content-length nor chunked"))
            return False
        return True

    def _stream(self, data: bytes) -> None:
        assert self.done is not None
        fresh = self.tail + data
        count = fresh.count(b"data: ")
        if count:
            self.arrivals += [time.perf_counter()] * count
            if self.first is not None and not self.first.done():
                self.first.set_result(None)
        cut = fresh.rfind(b"data: ")
        self.tail = fresh[max(cut + 6, len(fresh) - 7) :]
        self.end = (self.end + data)[-64:]
        if fresh.endswith(b"0\r\n\r\n"):
            if b"data: [DONE]" in self.end:
                self.done.set_result(None)
            else:
                self.done.set_exception(LoadError(f"a stream ended with {self.end!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        for waiting in (self.done, self.first):
            if waiting is not None and not waiting.done():
                waiting.set_exception(LoadError(f"connection lost: {exc}"))
                waiting.exception()


def context() -> ssl.SSLContext:
    """The clients do not verify: their own cost is not what is measured."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(["http/1.1"])
    return made


CONTEXT = context()


async def connect(target: Target) -> Exchange:
    loop = asyncio.get_running_loop()
    link = socket.socket()
    link.setblocking(False)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await loop.sock_connect(link, ("127.0.0.1", target.proxy or target.port))
    if target.proxy:
        authority = f"{target.host}:{target.port}"
        token = f"Proxy-Authorization: {target.token}\r\n" if target.token else ""
        await loop.sock_sendall(link, f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{token}\r\n".encode())
        reply = await loop.sock_recv(link, 65536)
        if reply[9:12] != b"200":
            raise LoadError(f"CONNECT answered {reply[:200]!r}")
    _, exchange = await loop.create_connection(Exchange, sock=link, ssl=CONTEXT, server_hostname=target.host)
    return exchange


def request(target: Target, body: bytes) -> bytes:
    authority = target.host if target.port == 443 else f"{target.host}:{target.port}"
    return (
        b"POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer sk-of-the-workload\r\nContent-Type: application/json\r\n"
        b"User-Agent: bench\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (target.path.encode(), authority.encode(), len(body), body)
    )


async def arrived(straight: Target) -> tuple[int, int]:
    """Requests that have come to the provider, and the bytes of their bodies."""
    link = await connect(straight)
    await link.ask(f"GET /witness HTTP/1.1\r\nHost: {straight.host}\r\n\r\n".encode())
    link.transport.abort()
    told = json.loads(link.body)
    return told["requests"], told["bytes"]


class Numbers:
    """Numbers that no two requests of a run share."""

    def __init__(self) -> None:
        self.at = time.time_ns() // 1000 % 10**9

    def __call__(self) -> int:
        self.at += 1
        return self.at


numbers = Numbers()


class Window(NamedTuple):
    """What happened between two moments: finished exchanges and seconds; and how many exchanges there were in all."""

    count: int
    seconds: float
    total: int = 0


async def closed_loop(
    target: Target, body: Asks, *, connections: int, seconds: float, warm: float, fresh: bool, at: Callable[[str], None]
) -> Window:
    """`connections` clients, each with its next request as soon as the last is answered; a connection each where `fresh`.

    `at("start")` and `at("end")` are called around the measured window.
    """
    finished = 0
    stop = False

    async def client(link: Exchange | None) -> None:
        nonlocal finished
        while not stop:
            if link is None or link.closed:
                link = await connect(target)
            await link.ask(request(target, body.next(numbers())))
            finished += 1
            if fresh:
                link.transport.abort()
                link = None
        if link is not None:
            link.transport.abort()

    links = [None if fresh else await connect(target) for _ in range(connections)]
    async with asyncio.TaskGroup() as group:
        for link in links:
            group.create_task(client(link))
        await asyncio.sleep(warm)
        at("start")
        before, start = finished, time.perf_counter()
        await asyncio.sleep(seconds)
        at("end")
        window = Window(finished - before, time.perf_counter() - start)
        stop = True
    window = window._replace(total=finished)
    if not window.count:
        raise LoadError("no request was answered in the measured window")
    return window


async def each(links: list[Exchange], ask: Callable[[Exchange], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for link in links:
            group.create_task(ask(link))


class Arrivals(NamedTuple):
    """Milliseconds to the first event, and between one event and the next."""

    first: float
    gaps: tuple[float, ...]


async def stream_once(link: Exchange, target: Target, body: Body) -> Arrivals:
    start = time.perf_counter()
    await link.ask(request(target, body.next(numbers())))
    times = link.arrivals
    if len(times) < 90:
        raise LoadError(f"a stream of 100 events arrived as {len(times)}")
    return Arrivals((times[0] - start) * 1000, tuple((b - a) * 1000 for a, b in itertools.pairwise(times)))
