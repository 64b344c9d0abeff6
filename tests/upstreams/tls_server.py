"""A small asyncio server that a client test scripts and inspects, in the test's own loop."""

import asyncio
import functools
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Self

import trustme
import uvloop

from outgate.net.addresses import Address
from outgate.upstreams.catalog import Backend, Endpoint, Timeouts, TlsSettings
from outgate.upstreams.client import Client

LOOPBACK = (ip_network("127.0.0.0/8"),)
CA = trustme.CA()

type Answer = Callable[["Exchange"], Awaitable[None]]


def aio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on both loops the gateway may run on, whose TLS transports differ."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))
        uvloop.run(test(*args, **kwargs))

    return run


class Names:
    """A resolver that answers from a table, or from a function of (host, turn), and counts."""

    def __init__(self, table: dict[str, Any] | Callable[[str, int], tuple[str, ...]] | None = None) -> None:
        self._table = table
        self.asked: list[str] = []

    async def resolve(self, host: str) -> tuple[Address, ...]:
        self.asked.append(host)
        table = self._table or {}
        found = table(host, len(self.asked)) if callable(table) else table.get(host, ("127.0.0.1",))
        return tuple(map(ip_address, found))


@dataclass
class Exchange:
    """One request, and the writer to answer it with."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    turn: int
    writer: asyncio.StreamWriter

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


def reply(body: bytes = b"{}", status: int = 200, *fields: str) -> Answer:
    async def answer(exchange: Exchange) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", *fields]
        await exchange.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if exchange.method == "HEAD" else body))

    return answer


def raw(data: bytes, *, then: str = "keep") -> Answer:
    """Bytes as they are; then `keep`, `close` or `reset` the connection, or `wait` for the peer to go."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(data)
        if then == "close":
            exchange.writer.close()
        elif then == "reset":
            exchange.reset()
        elif then == "wait":
            await asyncio.Event().wait()

    return answer


@dataclass
class Server:
    """`async with Server(...) as server:`; requests stand in `seen`, TLS facts of each connection in `handshakes`."""

    names: tuple[str, ...] = ("api.test",)
    answer: Answer = field(default_factory=reply)
    tls: bool = True
    ca: trustme.CA = CA
    client_ca: trustme.CA | None = None
    leaf: trustme.LeafCert | None = None
    seen: list[Exchange] = field(default_factory=list)
    handshakes: list[tuple[str | None, bool]] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context() if self.tls else None)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def requests(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with self.came:
            await asyncio.wait_for(self.came.wait_for(lambda: len(self.seen) >= count), 5)

    def _context(self) -> ssl.SSLContext:
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (self.leaf or self.ca.issue_cert(*self.names)).configure_cert(context)
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            self.client_ca.configure_trust(context)
        self._sni: dict[int, str | None] = {}
        context.sni_callback = lambda connection, name, _: self._sni.__setitem__(id(connection), name)
        return context

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        number, self.connections = self.connections, self.connections + 1
        connection = writer.get_extra_info("ssl_object")
        if connection is not None:
            self.handshakes.append((self._sni.get(id(connection)), connection.session_reused))
        try:
            await self._requests(reader, writer, number)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.gone.set()
            writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        turn = 0
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            fields = tuple((line.partition(":")[0], line.partition(":")[2].strip()) for line in head[1:-2])
            length = int(dict(fields).get("content-length", 0))
            exchange = Exchange(method, target, fields, await reader.readexactly(length), number, turn, writer)
            turn += 1
            self.seen.append(exchange)
            async with self.came:
                self.came.notify_all()
            # Whoever waits for the peer to go is told as soon as it has.
            answering, leaving = asyncio.ensure_future(self.answer(exchange)), asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if leaving.done() and not leaving.cancelled() and not answering.done():
                    return
                await answering
            finally:
                answering.cancel()
                leaving.cancel()
                await asyncio.gather(answering, leaving, return_exceptions=True)


@functools.cache
def pem(ca: trustme.CA = CA) -> str:
    """A file with the CA's certificate."""
    path = Path(tempfile.mkdtemp()) / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return str(path)


def backend(server: Server, **changes: Any) -> Backend:
    """A backend whose endpoint is the server, under the server's first name."""
    tls = changes.pop("tls", None) or TlsSettings(enabled=server.tls, ca_files=(pem(server.ca),))
    values: dict[str, Any] = {
        "name": "main",
        "provider": "acme",
        "dialect": "openai",
        "host": server.names[0],
        "endpoints": (Endpoint(name="one", host="dial.internal", port=server.port),),
        "allow_addresses": LOOPBACK,
        "timeouts": Timeouts(connect=5, tls=5, head=5, idle=5, total=10),
    }
    return Backend(tls=tls, **(values | changes))


class Clients:
    """`async with Clients() as client:` a client over a table of names."""

    def __init__(self, resolver: Any = None) -> None:
        self._client = Client(resolver or Names())

    async def __aenter__(self) -> Client:
        return self._client

    async def __aexit__(self, *_: object) -> None:
        self._client.close()
        await asyncio.sleep(0)
