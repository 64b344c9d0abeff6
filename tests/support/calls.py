"""Read one request of a scripted provider from the wire, and answer it."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from support.sse import compact


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request as it arrived. `connection` numbers connections from 0, `turn` the requests on one connection.

    `aborted` is the monotonic time at which the caller went away before the answer was complete.
    """

    connection: int
    turn: int
    sni: str | None
    alpn: str | None
    client_certificate: str | None
    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    started: float = field(default_factory=time.monotonic)
    finished: float | None = None
    aborted: float | None = None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


class Call:
    """A request with the means to answer it; what a behaviour gets."""

    def __init__(self, seen: Seen, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self.seen = seen
        self.writer = writer
        self.gone = gone
        self.keep = True

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, fields: Iterable[tuple[str, str]]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in fields)]
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def answer(self, status: int, body: bytes, fields: Iterable[tuple[str, str]] = ()) -> None:
        """A whole answer with its length."""
        await self.head(status, [("content-length", str(len(body))), *fields])
        await self.send(body)

    async def answer_json(self, value: object, status: int = 200, fields: Iterable[tuple[str, str]] = ()) -> None:
        await self.answer(status, compact(value), [("content-type", "application/json"), *fields])

    async def chunk(self, data: bytes) -> None:
        """One chunk of a chunked body; the empty one ends it."""
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def pause(self, seconds: float) -> None:
        """Wait, unless the caller leaves first: then ConnectionResetError."""
        try:
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        except TimeoutError:
            return
        raise ConnectionResetError

    def close(self) -> None:
        self.keep = False

    def reset(self) -> None:
        """End the connection with a TCP reset, without a word of TLS."""
        link = self.writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.close()


type Behaviour = Callable[[Call], Awaitable[None]]


async def read_request(number: int, turn: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Seen:
    """One request, length-delimited or chunked. Raises IncompleteReadError at the end of the connection."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line))
    known = {name.lower(): value for name, value in fields}
    if known.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join([chunk async for chunk in _chunks(reader)])
    else:
        body = await reader.readexactly(int(known.get("content-length", 0)))
    link = writer.get_extra_info("ssl_object")
    certificate = link.getpeercert() if link else None
    return Seen(
        connection=number,
        turn=turn,
        sni=getattr(link, "outgate_sni", None),
        alpn=link.selected_alpn_protocol() if link else None,
        client_certificate=str(certificate.get("subjectAltName") or certificate.get("subject")) if certificate else None,
        method=method,
        target=target,
        fields=fields,
        body=body,
    )


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass
