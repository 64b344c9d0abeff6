"""Resolve names: one look-up per connect, cached for a short time, never judged here."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.net.addresses import Address
from outgate.upstreams.reasons import of_lookup

_MOST_NAMES = 1024

type Lookup = Callable[[str], Awaitable[tuple[Address, ...]]]


class Resolver(Protocol):
    """The port: every address of a host name, in order of preference, never none. Raises UpstreamError of kind DNS."""

    async def resolve(self, host: str) -> tuple[Address, ...]: ...


class _Known(NamedTuple):
    addresses: tuple[Address, ...]
    until: float


class CachingResolver:
    """Answers of `lookup`, remembered for `ttl` seconds of `monotonic`; connects that ask for one name together share one look-up.

    Failures are not remembered. A look-up that a cancelled connect began is begun again by the next one.
    """

    def __init__(self, monotonic: Callable[[], float], *, ttl: float = 5.0, lookup: Lookup | None = None) -> None:
        self._monotonic = monotonic
        self._ttl = ttl
        self._lookup = lookup or system_lookup
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Lock] = {}

    async def resolve(self, host: str) -> tuple[Address, ...]:
        """Every address of `host`. Raises UpstreamError of kind DNS where there is none."""
        known = self._fresh(host)
        if known:
            return known
        lock = self._asking.setdefault(host, asyncio.Lock())
        try:
            async with lock:
                return self._fresh(host) or await self._ask(host)
        finally:
            if not lock.locked():
                self._asking.pop(host, None)

    def _fresh(self, host: str) -> tuple[Address, ...]:
        known = self._known.get(host)
        return known.addresses if known is not None and self._monotonic() < known.until else ()

    async def _ask(self, host: str) -> tuple[Address, ...]:
        addresses = await self._lookup(host)
        if not addresses:
            raise UpstreamError(FailureKind.DNS, f"{host} has no address", reason=FailureReason.LOOKUP_NAME_NOT_FOUND)
        self._known[host] = _Known(addresses, self._monotonic() + self._ttl)
        self._known.move_to_end(host)
        if len(self._known) > _MOST_NAMES:
            self._known.popitem(last=False)
        return addresses


async def system_lookup(host: str) -> tuple[Address, ...]:
    """The addresses the operating system gives for a name (hosts file, search path and all), asked in a thread."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UpstreamError(FailureKind.DNS, f"{host} could not be looked up", reason=of_lookup(error)) from error
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
