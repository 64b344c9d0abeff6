"""A provider that does what a test tells it, request by request, and records everything it saw.

    with ScriptedUpstream("api.openai.com") as provider:
        provider.script(refuse(503), reset("headers"))       # then back to ordinary answers
        ... provider.port, provider.ca_pem, provider.seen ...

`ScriptedUpstream` runs a loop in a thread of its own, so that it serves blocking SDKs and asyncio tests alike; `Upstream` runs in
the loop of an asyncio test. The behaviours stand in `behaviours.py`.
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
from support.waiting import PATIENCE


class _Connection(asyncio.StreamReaderProtocol):
    """A stream protocol that also tells when the peer has gone."""

    def __init__(self, reader: asyncio.StreamReader, serve: Callable[..., Awaitable[None]], anyone_gone: asyncio.Event) -> None:
        super().__init__(reader, serve)
        self.gone, self._anyone_gone = asyncio.Event(), anyone_gone

    def eof_received(self) -> bool | None:
        self._leave()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        self.gone.set()
        self._anyone_gone.set()


class Upstream:
    """A TLS (or plain, `tls=False`) HTTP/1.1 server for `names`, with a certificate of `ca` (its own, where none is given).

    `leaf` is shown in place of a good certificate; `client_ca` (PEM) makes it ask for a client certificate, and insist on it with
    `mutual`. `otherwise` answers every request no script is left for. `handshakes` are the SNI of each connection and whether its
    session was resumed; `gone` is set once any peer has left.
    """

    def __init__(
        self,
        *names: str,
        otherwise: Behaviour | None = None,
        tls: bool = True,
        ca: trustme.CA | None = None,
        client_ca: bytes | None = None,
        mutual: bool = False,
        leaf: trustme.LeafCert | None = None,
    ) -> None:
        self.ca = ca or trustme.CA()
        self.tls = tls
        self.names = names or ("localhost",)
        self.otherwise = otherwise or provider()
        self.seen: list[Seen] = []
        self.calls: list[Call] = []
        self.handshakes: list[tuple[str | None, bool]] = []
        self.connections = 0
        self.port = 0
        self.faults: list[BaseException] = []
        self.gone, self._came = asyncio.Event(), asyncio.Event()
        self._script: deque[Behaviour] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.context = self._tls(client_ca, leaf, ssl.CERT_REQUIRED if mutual else ssl.CERT_OPTIONAL) if tls else None

    @property
    def ca_pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    def script(self, *behaviours: Behaviour) -> None:
        """Answer the next requests so, in order of their arrival."""
        self._script.extend(behaviours)

    def forget(self) -> None:
        """Back to ordinary answers at once."""
        self._script.clear()

    async def requests(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count:
                self._came.clear()
                await self._came.wait()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, "127.0.0.1", 0, ssl=self.context, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tls(self, client_ca: bytes | None, leaf: trustme.LeafCert | None, mode: ssl.VerifyMode) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (leaf or self.ca.issue_cert(*self.names)).configure_cert(context)
        if client_ca:
            context.load_verify_locations(cadata=client_ca.decode())
            context.verify_mode = mode
        context.sni_callback = lambda link, name, _: setattr(link, "outgate_sni", name)
        return context

    def _connect(self) -> _Connection:
        reader = asyncio.StreamReader(limit=1 << 24)
        number, self.connections = self.connections, self.connections + 1

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(number, reader, writer, link.gone)

        link = _Connection(reader, serve, self.gone)
        return link

    async def _serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        secured = writer.get_extra_info("ssl_object")
        if secured is not None:
            self.handshakes.append((getattr(secured, "outgate_sni", None), secured.session_reused))
        turn, keep = 0, True
        try:
            while keep:
                call = Call(await read_request(number, turn, reader, writer), writer, gone)
                self.seen.append(call.seen)
                self.calls.append(call)
                self._came.set()
                keep = await self._answer(call)
                turn += 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, TimeoutError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

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


class ScriptedUpstream(Upstream):
    """The same on a loop and a thread of its own."""

    def __enter__(self) -> Self:
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Stop listening, and answer nobody any more."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.__aenter__())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self.__aexit__())
        self._loop.close()
