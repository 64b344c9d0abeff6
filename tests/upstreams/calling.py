"""Send requests by the outbound client, and collect their answers or failures."""

import socket

import pytest

from outgate.errors import UpstreamError
from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend
from outgate.upstreams.client import Client, OutboundRequest
from outgate.upstreams.credentials import BoundCredential


def request(to: Backend, **changes: object) -> OutboundRequest:
    values = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "body": b'{"a":1}',
        "headers": (("content-type", "application/json"),),
    }
    return OutboundRequest(backend=to, endpoint=to.endpoints[0], **({"origination": to.origination} | values | changes))


async def whole(client: Client, wanted: OutboundRequest) -> tuple[int, bytes]:
    call = await client.open(wanted)
    pieces = []
    while piece := await call.read():
        pieces.append(piece)
    await call.close()
    return call.status, b"".join(pieces)


async def failure(client: Client, wanted: OutboundRequest) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await whole(client, wanted)
    return caught.value


def bound(to: Backend, text: str = "canary-key-0001") -> BoundCredential:
    return BoundCredential(backend=to.name, origination=to.origination, headers=(("authorization", Secret(f"Bearer {text}")),))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
