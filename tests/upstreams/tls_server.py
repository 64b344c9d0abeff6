"""Upstreams in the loop of a test of the outbound client, and what such a test needs around them."""

import asyncio
import functools
import tempfile
from collections.abc import Callable, Coroutine
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import trustme
import uvloop

from outgate.net.addresses import Address
from outgate.upstreams.catalog import Backend, Endpoint, Timeouts, TlsSettings
from outgate.upstreams.client import Client
from support.calls import Behaviour, Call
from support.scripted_upstream import Upstream
from support.waiting import PATIENCE

LOOPBACK = (ip_network("127.0.0.0/8"),)
CA = trustme.CA()


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


def reply(body: bytes = b"{}", status: int = 200, *fields: str) -> Behaviour:
    async def answer(call: Call) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", *fields]
        await call.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if call.seen.method == "HEAD" else body))

    return answer


def raw(data: bytes, *, then: str = "keep") -> Behaviour:
    """Bytes as they are; then `keep`, `close` or `reset` the connection, or `wait` for the peer to go."""

    async def answer(call: Call) -> None:
        await call.send(data)
        if then == "close":
            call.close()
        elif then == "reset":
            call.reset()
        elif then == "wait":
            await call.pause(PATIENCE)

    return answer


class Server(Upstream):
    """`async with Server(...) as server:` in the test's own loop; it answers everything with `{}` unless told."""

    def __init__(
        self,
        names: tuple[str, ...] = ("api.test",),
        answer: Behaviour | None = None,
        client_ca: trustme.CA | None = None,
        **options: Any,
    ) -> None:
        trusted = client_ca.cert_pem.bytes() if client_ca is not None else None
        super().__init__(*names, otherwise=answer or reply(), **({"ca": CA} | options), client_ca=trusted, mutual=True)


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
