"""The outbound HTTP client: the one way out of the gateway.

What is not here cannot happen: no redirect is followed, no cookie is kept, no proxy or netrc of the environment is read, no
credential meets a host it is not bound to, and no name is sent or verified that is not the backend's. Statuses are not judged: a
429 or 500 is an answer.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.net.headers import Headers
from outgate.upstreams.call import Call
from outgate.upstreams.catalog import Backend, Endpoint, MisdirectedError, Origination
from outgate.upstreams.credentials import BoundCredential
from outgate.upstreams.dns import Resolver
from outgate.upstreams.fields import request_head, sendable
from outgate.upstreams.pool import Pool
from outgate.upstreams.upload import Upload

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader

    from outgate.upstreams.wire import Wire

__all__ = ["Call", "Client", "Fetched", "OutboundRequest"]

_STALE = 1.0
"""Seconds within which a reused connection that dies unheard is taken to have been closed before the request arrived."""
_SAFE = frozenset({"GET", "HEAD"})
"""Methods by which nothing is asked but to read (RFC 9110 section 9.2.1)."""


class OutboundRequest(NamedTuple):
    """One request to one endpoint, under the names and TLS of `origination`.

    `path` is the whole target with prefix and query; `headers` hold no credential, `via` names the gateways that it has passed.
    `upload`, once, is sent in place of `body`, as it comes: on a connection of its own, for no connection that has been idle is
    sure to be there still. `patience`, in seconds, bounds it up to the head of the answer, beside the backend's timeouts.
    """

    backend: Backend
    endpoint: Endpoint
    origination: Origination
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    auth: BoundCredential | None = None
    patience: float | None = None
    via: str = ""
    upload: Upload | None = None


class Fetched(NamedTuple):
    """A small answer, read whole."""

    status: int
    headers: Headers
    body: bytes


class Client:
    """Opens calls; owns one pool of connections per backend and its origination. `resolver` looks names up."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._pools: dict[tuple[Backend, Origination], Pool] = {}

    async def open(self, request: OutboundRequest) -> Call:
        """Send the request and take the head of its answer, whatever its status.

        Raises UpstreamError, `sent` telling whether the provider may have received it; MisdirectedError and WireError before
        anything is sent. A cancelled open aborts its connection, and is a CutOffError where the request had been sent.
        """
        backend, endpoint, origination = request.backend, request.endpoint, request.origination
        if origination is not backend.origination and origination != backend.origination:
            raise MisdirectedError(f"a request to {backend.name!r} was about to be sent under names or TLS that are not its own")
        path, secrets, body = _with_secrets(request)
        own = {name for name, _ in secrets}
        via = (("via", request.via),) if request.via else ()
        coding = (("content-encoding", request.upload.coding),) if request.upload is not None and request.upload.coding else ()
        fields = (*(each for each in sendable(request.headers) if each[0] not in own), *coding, *via, *secrets)
        length = len(body) if request.upload is None else request.upload.length
        opening = request_head(request.method, path, origination.host, fields, length)
        deadline = asyncio.get_running_loop().time() + backend.timeouts.total
        soon = deadline if request.patience is None else min(deadline, asyncio.get_running_loop().time() + request.patience)
        pool = self._pool(backend, origination)
        await pool.enter(endpoint, soon)
        wire = None
        try:
            wire, head, reused = await self._send(pool, request, (opening, request.upload or body), soon)
            return Call(
                wire, head, pool=pool, backend=backend, endpoint=endpoint, reused=reused, deadline=deadline,
                secrets=request.auth.echoes() if request.auth is not None else (),
            )  # fmt: skip
        except BaseException:
            if wire is not None:
                wire.abort()
            pool.began(endpoint)
            pool.leave(endpoint)
            raise

    async def fetch(
        self, backend: Backend, method: str, path: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"",
        limit_bytes: int = 1024 * 1024, auth: BoundCredential | None = None, endpoint: Endpoint | None = None,
    ) -> Fetched:  # fmt: skip
        """A small answer, whole, from this endpoint, or from the backend's first that can be reached.

        Raises UpstreamError, of kind PROTOCOL where the answer is larger than `limit_bytes`.
        """
        first = endpoint or backend.endpoints[0]
        request = OutboundRequest(backend, first, backend.origination, method, path, headers, body, auth)
        call = await (self._open_any(backend, request) if endpoint is None else self._open_again(request))
        pieces, size = [], 0
        try:
            while piece := await call.read():
                size += len(piece)
                if size > limit_bytes:
                    raise UpstreamError(FailureKind.PROTOCOL, "the answer is larger than allowed", sent=True, status=call.status)
                pieces.append(piece)
        finally:
            await call.close()
        return Fetched(call.status, call.headers, b"".join(pieces))

    def in_flight(self, backend: Backend, endpoint: Endpoint) -> int:
        """How many requests the endpoint has now."""
        pool = self._pools.get((backend, backend.origination))
        return pool.in_flight[endpoint.name] if pool is not None else 0

    def unread(self, backend: Backend, endpoint: Endpoint) -> int:
        """Tokens of prompts that the endpoint has still to read, as the picks of its requests told."""
        pool = self._pools.get((backend, backend.origination))
        return pool.unread[endpoint.name] if pool is not None else 0

    def keep(self, backends: Iterable[Backend]) -> None:
        """Close the pools of all other backends (after a reload); calls in flight go on to their end. Files that these backends
        trust or show are read now, as they were checked: what becomes of them later is for the next policy.
        """
        kept = {(backend, backend.origination) for backend in backends}
        for key in [key for key in self._pools if key not in kept]:
            self._pools.pop(key).close()
        for backend, origination in kept:
            if backend.tls.ca_files or backend.tls.certificate or backend.tls.crl_files:
                self._pool(backend, origination).prepare()

    def close(self) -> None:
        """Close every idle connection."""
        self.keep(())

    def _pool(self, backend: Backend, origination: Origination) -> Pool:
        key = (backend, origination)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(backend, origination, self._resolver)
        return pool

    async def _send(
        self, pool: Pool, request: OutboundRequest, written: tuple[bytes, bytes | Upload], deadline: float
    ) -> "tuple[Wire, tuple[Any, StreamReader], bool]":
        """The request, once: on an idle connection, or on a new one where there is none.

        Where an idle one dies unheard (kind STALE) the provider may have read the request: whether it is sent again is the caller's
        to decide (RFC 9110 section 9.2.2). The endpoint's other idle connections are as old, and are not used again.
        """
        loop, times = asyncio.get_running_loop(), request.backend.timeouts
        idle = pool.take(request.endpoint) if request.upload is None else None
        wire = await pool.dial(request.endpoint, deadline) if idle is None else idle
        start = loop.time()
        until = min(start + times.head, deadline) if request.upload is None else deadline
        try:
            answer = await wire.ask(*written, head_only=request.method == "HEAD", until=until, idle=times.idle, after=times.head)
            return wire, answer, idle is not None
        except UpstreamError as error:
            if idle is None or idle.heard or error.kind is not FailureKind.RESET or loop.time() - start > _STALE:
                raise
            pool.distrust(request.endpoint)
            message, reason = "an idle connection ended when it was used again", FailureReason.HEAD_IDLE_CONNECTION_LOST
            raise UpstreamError(FailureKind.STALE, message, sent=True, reason=reason) from None

    async def _open_any(self, backend: Backend, request: OutboundRequest) -> Call:
        for endpoint in backend.endpoints[:-1]:
            try:
                return await self._open_again(request._replace(endpoint=endpoint))
            except UpstreamError as error:
                if error.sent:
                    raise
        return await self._open_again(request._replace(endpoint=backend.endpoints[-1]))

    async def _open_again(self, request: OutboundRequest) -> Call:
        """Open; once more, on a new connection, where an idle one was lost and reading twice does no harm."""
        try:
            return await self.open(request)
        except UpstreamError as error:
            if error.kind is not FailureKind.STALE or request.method not in _SAFE:
                raise
        return await self.open(request)


def _with_secrets(request: OutboundRequest) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
    """Target, fields of the credential and body, as they go out."""
    if request.auth is None:
        return request.path, (), request.body
    return request.auth.written(request.backend, request.origination, request.method, request.path, request.body)
