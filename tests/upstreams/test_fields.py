"""Header fields that cross the boundary (promise E6), by name."""

import pytest

from outgate.upstreams.fields import returned, sendable
from upstreams.calling import request, whole
from upstreams.tls_server import Clients, Server, aio, backend, raw, reply

_STAY_HERE = [
    "Proxy-Authorization",
    "Proxy-Authenticate",
    "Proxy-Connection",
    "proxy-foo",
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
    "Content-Length",
    "Content-Encoding",
    "Accept-Encoding",
    "Host",
    "Cookie",
    "Authorization",
    "X-Api-Key",
    "Api-Key",
    "X-Goog-Api-Key",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Outgate-Policy",
    "x-outgate-id",
    "Via",
    "Max-Forwards",
    "HTTP2-Settings",
    "X-Envoy-Original-Path",
    "CF-Connecting-IP",
    "traceparent",
    "tracestate",
    "baggage",
    "Range",
    "If-Range",
    "x-amz-security-token",
    "Hop-Listed",
]
_END_HERE = [
    "Set-Cookie",
    "Set-Cookie2",
    "Alt-Svc",
    "Strict-Transport-Security",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Connection",
    "Proxy-Status",
    "TE",
    "Trailer",
    "Upgrade",
    "Via",
    "Server",
    "Server-Timing",
    "NEL",
    "Report-To",
    "Reporting-Endpoints",
    "Clear-Site-Data",
    "Public-Key-Pins",
    "Expect-CT",
    "Surrogate-Control",
    "CDN-Cache-Control",
    "Cache-Status",
    "Refresh",
    "Link",
    "Forwarded",
    "X-Accel-Redirect",
    "X-Accel-Buffering",
    "X-Sendfile",
    "X-Reproxy-URL",
    "X-Envoy-Upstream-Service-Time",
    "X-Forwarded-Host",
    "X-Outgate-Request-Id",
    "X-Powered-By",
    "Accept-CH",
    "Hop-Listed",
]


def test_sixty_names_and_more() -> None:
    assert len(_STAY_HERE) + len(_END_HERE) >= 60


@aio
async def test_fields_of_the_caller_that_never_travel() -> None:
    async with Server() as server, Clients() as client:
        fields = (
            *((name, "canary") for name in _STAY_HERE if name != "Connection"),
            ("connection", "hop-listed"),
            ("x-kept", "yes"),
        )
        await whole(client, request(backend(server), headers=fields))

    names = [name for name, _ in server.seen[0].fields]
    assert ["host", "accept-encoding", "content-length", "x-kept"] == names
    assert "canary" not in str(server.seen[0].fields)


@pytest.mark.parametrize("name", _END_HERE)
def test_fields_of_a_provider_that_end_here(name: str) -> None:
    value = b"hop-listed" if name == "Connection" else b"x"
    found = returned(((name.encode(), value), (b"Connection", b"x, Hop-Listed"), (b"X-Kept", b"yes"), (b"retry-after", b"1")))

    assert (("x-kept", "yes"), ("retry-after", "1")) == found.fields


@aio
async def test_they_end_here_on_the_wire_as_well() -> None:
    answer = reply(b"{}", 200, "set-cookie: a=b", "alt-svc: h3", "x-request-id: 7", "x-request-id: 8")
    async with Server(answer=answer) as server, Clients() as client:
        call = await client.open(request(backend(server)))
        await call.close()

    assert (("x-request-id", "7"), ("x-request-id", "8")) == call.headers.fields


@aio
async def test_bytes_beyond_ascii_survive() -> None:
    async with (
        Server(answer=raw(b"HTTP/1.1 200 OK\r\nx-note: caf\xe9\r\ncontent-length: 0\r\n\r\n")) as server,
        Clients() as client,
    ):
        call = await client.open(request(backend(server), headers=(("x-note", "caf\xe9"),)))
        await call.close()

    assert ("caf\xe9", "caf\xe9") == (call.headers.get("x-note"), server.seen[0].header("x-note"))


def test_names_are_lowered_and_order_is_kept() -> None:
    assert [("b", "1"), ("a", "2"), ("b", "3")] == sendable((("B", "1"), ("Te", "x"), ("A", "2"), ("b", "3")))
