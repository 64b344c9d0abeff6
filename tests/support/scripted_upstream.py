"""A provider that does what a test tells it, request by request, and records everything it saw.

    with ScriptedUpstream("api.openai.com") as provider:
        provider.script(refuse(503), reset("headers"))       # then back to ordinary answers
        ... provider.port, provider.ca_pem, provider.seen ...

It runs a loop in a thread of its own, so that it serves blocking SDKs and asyncio tests alike. The behaviours stand in
`behaviours.py`.
"""

import asyncio
import ssl
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

import trustme

from support.behaviours import provider
from support.calls import Behaviour, Call, Seen, read_request


class _Connection(asyncio.StreamReaderProtocol):
    """A stream protocol that also tells when the peer has gone."""

    def __init__(self, reader: asyncio.StreamReader, serve: Callable[..., Awaitable[None]]) -> None:
        super().__init__(reader, serve)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class ScriptedUpstream:
    """A TLS (or plain, `tls=False`) HTTP/1.1 server for `names`, with a certificate of `ca` (its own, where none is given).

    `leaf` is shown in place of a good certificate; `client_ca` (PEM) makes it ask for a client certificate. `otherwise` answers
    every request no script is left for.
    """

    def __init__(
        self,
        *names: str,
        otherwise: Behaviour | None = None,
        tls: bool = True,
        ca: trustme.CA | None = None,
        client_ca: bytes | None = None,
        leaf: trustme.LeafCert | None = None,
    ) -> None:
        self.ca = ca or trustme.CA()
        self.names = names or ("localhost",)
        self.otherwise = otherwise or provider()
        self.seen: list[Seen] = []
        self.connections = 0
        self.port = 0
        self.faults: list[BaseException] = []
        self._script: deque[Behaviour] = deque()
        self._context = self._tls(client_ca, leaf) if tls else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    @property
    def ca_pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    def script(self, *behaviours: Behaviour) -> None:
        """Answer the next requests so, in order of their arrival."""
        self._script.extend(behaviours)

    def forget(self) -> None:
        """Back to ordinary answers at once."""
        self._script.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _tls(self, client_ca: bytes | None, leaf: trustme.LeafCert | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (leaf or self.ca.issue_cert(*self.names)).configure_cert(context)
        if client_ca:
            context.load_verify_locations(cadata=client_ca.decode())
            context.verify_mode = ssl.CERT_OPTIONAL
        context.sni_callback = lambda link, name, _: setattr(link, "outgate_sni", name)
        return context

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._connect, "127.0.0.1", 0, ssl=self._context, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _connect(self) -> _Connection:
        reader = asyncio.StreamReader(limit=1 << 24)
        number, self.connections = self.connections, self.connections + 1

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(number, reader, writer, link.gone)

        link = _Connection(reader, serve)
        return link

    async def _serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        turn, keep = 0, True
        try:
            while keep:
                seen = await read_request(number, turn, reader, writer)
                self.seen.append(seen)
                keep = await self._answer(Call(seen, writer, gone))
                turn += 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _answer(self, call: Call) -> bool:
        behaviour = self._script.popleft() if self._script else self.otherwise
        try:
            await behaviour(call)
        except (ConnectionError, ssl.SSLError):
            call.seen.aborted = time.monotonic()
            return False
        except Exception as fault:
            self.faults.append(fault)
            raise
        call.seen.finished = time.monotonic()
        return call.keep
