"""Connection pool of one backend: idle connections, and the bound on requests in flight."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.upstreams.catalog import Backend, Endpoint, Origination
from outgate.upstreams.dial import dial, within
from outgate.upstreams.dns import Resolver
from outgate.upstreams.tls import ResumingContext, context_for

if TYPE_CHECKING:
    from outgate.upstreams.wire import Wire

_IDLE = 25.0
"""Seconds an idle connection is kept: below the 30 to 60 s after which providers and load balancers drop theirs."""


class Pool:
    """The connections of one backend, all of one origination.

    Every `enter` is followed by one `leave`; a wire in use belongs to its call alone.
    """

    def __init__(self, backend: Backend, origination: Origination, resolver: Resolver) -> None:
        self._backend = backend
        self._origination = origination
        self._resolver = resolver
        self._slots = asyncio.Semaphore(backend.max_in_flight)
        self._idle: dict[tuple[str, int], list[Wire]] = {}
        self._context: ResumingContext | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False
        self.in_flight: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()

    def prepare(self) -> None:
        """Read the TLS files before they are needed; where they cannot be used, each dial says so."""
        with suppress(UpstreamError):
            self._tls()

    async def enter(self, endpoint: Endpoint, until: float) -> None:
        """Wait for one of the backend's slots. Raises UpstreamError of kind TIMEOUT."""
        if self._slots.locked():
            await within(self._backend.timeouts.connect, until, FailureReason.QUEUE_TIMED_OUT, self._slots.acquire())
        else:
            await self._slots.acquire()
        self.in_flight[endpoint.name] += 1
        self.unread[endpoint.name] += endpoint.work

    def began(self, endpoint: Endpoint) -> None:
        """The first of its answer has come, or the request has failed: the prompt is read no more. Once for each `enter`."""
        self.unread[endpoint.name] -= endpoint.work

    def leave(self, endpoint: Endpoint) -> None:
        self.in_flight[endpoint.name] -= 1
        self._slots.release()

    def take(self, endpoint: Endpoint) -> "Wire | None":
        """The connection that has been idle for the shortest time, if one is fit for use."""
        waiting = self._idle.get((endpoint.host, endpoint.port))
        while waiting:
            wire = waiting.pop()
            if not wire.heard and wire.reusable() and wire.quiet():
                return wire
            wire.abort()
        return None

    def distrust(self, endpoint: Endpoint) -> None:
        """Drop every idle connection to the endpoint."""
        for wire in self._idle.pop((endpoint.host, endpoint.port), ()):
            wire.abort()

    async def dial(self, endpoint: Endpoint, until: float) -> "Wire":
        """A new connection. Raises UpstreamError; nothing was sent."""
        return await dial(self._backend, self._origination, endpoint, self._resolver, self._tls(), until)

    def give(self, endpoint: Endpoint, wire: "Wire") -> None:
        """Take back a connection whose answer was read whole."""
        if self._closed or not wire.reusable():
            wire.close()
            return
        loop = asyncio.get_running_loop()
        wire.heard = False
        wire.idle_since = loop.time()
        self._idle.setdefault((endpoint.host, endpoint.port), []).append(wire)
        if self._reaper is None:
            self._reaper = loop.call_later(_IDLE, self._reap)

    def close(self) -> None:
        """Close what is idle, and everything else when its answer has been read."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        for wires in self._idle.values():
            for wire in wires:
                wire.abort()
        self._idle.clear()

    def _reap(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - _IDLE
        for key, wires in list(self._idle.items()):
            for wire in wires:
                if wire.idle_since <= oldest or not wire.is_connected():
                    wire.close()
            self._idle[key] = [wire for wire in wires if wire.is_connected()]
        self._reaper = loop.call_later(_IDLE / 2, self._reap) if any(self._idle.values()) else None

    def _tls(self) -> ResumingContext | None:
        if self._context is None and self._origination.tls.enabled:
            try:
                self._context = context_for(self._origination)
            except OSError as error:
                message = f"the TLS files of backend {self._backend.name!r} cannot be used"
                raise UpstreamError(FailureKind.TLS, message, reason=FailureReason.TLS_FILES_UNUSABLE) from error
        return self._context
