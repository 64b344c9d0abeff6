"""Dial one endpoint: look up, judge, connect, secure. The address that was judged is the address that is dialled.

One look-up per connect. Every answer is judged and one bad answer denies all of them, for an attacker who can add one address to a
name can also choose which is used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from aiohappyeyeballs import AddrInfoType, start_connection

from outgate.errors import FailureKind, FailureReason, UpstreamError
from outgate.net.addresses import Address, judge, literal
from outgate.upstreams.catalog import Backend, Endpoint, Origination
from outgate.upstreams.dns import Resolver
from outgate.upstreams.reasons import of_connect, of_tls
from outgate.upstreams.tls import NotPinnedError, ResumingContext, verify_names, verify_pins

if TYPE_CHECKING:
    from outgate.upstreams.wire import Wire

_NEXT_ADDRESS = 0.25
"""RFC 8305 section 5: the delay before the next address is tried beside the first."""


async def dial(
    backend: Backend,
    origination: Origination,
    endpoint: Endpoint,
    resolver: Resolver,
    context: ResumingContext | None,
    until: float,
) -> "Wire":
    """A connection to the endpoint, verified as `origination` says. `context` is None where that has no TLS, `until` loop time.

    Raises UpstreamError of kind DNS (no address, or one that may not be dialled), CONNECT, TLS or TIMEOUT. Nothing was sent.
    """
    limits = backend.timeouts
    connected = min(asyncio.get_running_loop().time() + limits.connect, until)
    addresses = await within(limits.connect, connected, FailureReason.LOOKUP_TIMED_OUT, judged(backend, endpoint, resolver))
    sock = await within(limits.connect, connected, FailureReason.CONNECT_TIMED_OUT, _connect(endpoint, addresses))
    return await within(limits.tls, until, FailureReason.TLS_TIMED_OUT, _secure(backend, origination, sock, context))


async def judged(backend: Backend, endpoint: Endpoint, resolver: Resolver) -> tuple[Address, ...]:
    """The addresses of an endpoint, all of which may be dialled. Raises UpstreamError of kind DNS."""
    own = literal(endpoint.host)
    addresses = (own,) if own is not None else await resolver.resolve(endpoint.host)
    for address in addresses:
        refused = judge(address, backend.allow_addresses)
        if refused is not None:
            raise UpstreamError(
                FailureKind.DNS,
                f"endpoint {endpoint.name!r} has a {refused.code} address, which the policy does not open",
                reason=FailureReason.LOOKUP_ADDRESS_NOT_ALLOWED,
            )
    return addresses


async def within[T](seconds: float, until: float, late: FailureReason, work: Awaitable[T]) -> T:
    """The result of `work`, or UpstreamError of kind TIMEOUT after `seconds` or at `until`, in the caller's own task."""
    loop = asyncio.get_running_loop()
    timer = asyncio.timeout_at(min(loop.time() + seconds, until))
    try:
        async with timer:
            return await work
    except TimeoutError:
        if timer.expired():
            raise UpstreamError(FailureKind.TIMEOUT, f"an attempt took too long: {late}", reason=late) from None
        raise


async def _connect(endpoint: Endpoint, addresses: tuple[Address, ...]) -> socket.socket:
    infos = [_info(address, endpoint.port) for address in addresses]
    try:
        sock = await start_connection(infos, happy_eyeballs_delay=_NEXT_ADDRESS)
    except (OSError, RuntimeError) as error:  # uvloop raises RuntimeError for some of them
        message = f"endpoint {endpoint.name!r} could not be connected"
        raise UpstreamError(FailureKind.CONNECT, message, reason=of_connect(error)) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock


async def _secure(backend: Backend, origination: Origination, sock: socket.socket, context: ResumingContext | None) -> "Wire":
    from outgate.upstreams.wire import Wire  # aiohttp with it, for which a policy that is only checked need not wait

    loop = asyncio.get_running_loop()
    name = origination.sni if context is not None else None
    try:
        transport, wire = await loop.create_connection(lambda: Wire(loop), sock=sock, ssl=context, server_hostname=name)
    except OSError as error:
        raise _failed(backend, error, of_tls(error)) from error
    peer = transport.get_extra_info("peername")
    wire.address = f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
    if context is not None:
        _verify(backend, origination, context, wire)
    return wire


def _verify(backend: Backend, origination: Origination, context: ResumingContext, wire: "Wire") -> None:
    """Nothing was written yet. Only a connection that passes lends its session to later ones."""
    assert wire.transport is not None
    connection = wire.transport.get_extra_info("ssl_object")
    try:
        verify_names(origination, connection)
        verify_pins(origination, connection)
    except NotPinnedError as error:
        wire.abort()
        raise _failed(backend, error, FailureReason.TLS_CERTIFICATE_NOT_PINNED) from error
    except ssl.SSLCertVerificationError as error:
        wire.abort()
        raise _failed(backend, error, FailureReason.TLS_CERTIFICATE_WRONG_NAME) from error
    wire.resumed = connection.session_reused
    context.remember(origination.sni, connection)


def _failed(backend: Backend, error: OSError, reason: FailureReason) -> UpstreamError:
    return UpstreamError(FailureKind.TLS, f"TLS with backend {backend.name!r} failed: {_told(error)}", reason=reason)


def _told(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message if hasattr(error, "verify_message") else str(error)
    return (error.reason if isinstance(error, ssl.SSLError) and error.reason else "the connection ended").lower().replace("_", " ")


def _info(address: Address, port: int) -> AddrInfoType:
    if isinstance(address, IPv6Address):
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port))
