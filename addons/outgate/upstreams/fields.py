"""Which header fields cross the boundary to a provider and back, and how the request head is written.

Out: neither hop-by-hop fields nor what the client's own head would say of body, host, identity or path. Back: nothing that would
steer the caller's connection, name the caller's next address, keep state in the caller, or pose as the gateway.
"""

import re
from collections.abc import Iterable, Sequence

from outgate.errors import FailureKind, UpstreamError, WireError
from outgate.net.headers import Headers

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110 section 7.6.1, with the proxy fields of section 11.7 and the unregistered ones clients send."""

NEVER_SENT = HOP_BY_HOP | {
    "accept-encoding",
    "api-key",
    "authorization",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "max-forwards",
    "range",
    "if-range",
    "traceparent",
    "tracestate",
    "baggage",
    "via",
    "x-api-key",
    "x-goog-api-key",
    "x-real-ip",
}
"""Fields of the caller that never travel: the client writes its own, and credentials come as BoundCredential only."""

NEVER_SENT_PREFIXES = ("cf-", "proxy-", "x-amz-security-", "x-envoy-", "x-forwarded-", "x-original-", "x-outgate-", "x-rewrite-")

NEVER_RETURNED = HOP_BY_HOP | {
    "accept-ch",
    "alt-svc",
    "cache-status",
    "cdn-cache-control",
    "clear-site-data",
    "content-encoding",
    "content-length",
    "expect-ct",
    "forwarded",
    "link",
    "nel",
    "proxy-status",
    "public-key-pins",
    "public-key-pins-report-only",
    "refresh",
    "report-to",
    "reporting-endpoints",
    "server",
    "server-timing",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "surrogate-control",
    "via",
    "x-powered-by",
    "x-reproxy-url",
    "x-sendfile",
}
"""Fields of a provider that end here: control of connections, caches, proxies and browsers. `location` passes, unfollowed."""

NEVER_RETURNED_PREFIXES = ("proxy-", "x-accel-", "x-envoy-", "x-forwarded-", "x-outgate-")

_METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS")
_TARGET = re.compile(r"/[!-\"$-~]*")
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def sendable(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a request that may travel to a provider, lower-case."""
    lower = [(name.lower(), value) for name, value in fields]
    listed = _listed(lower)
    return [
        field
        for field in lower
        if field[0] not in NEVER_SENT and field[0] not in listed and not field[0].startswith(NEVER_SENT_PREFIXES)
    ]


def request_head(method: str, path: str, host: str, fields: Iterable[tuple[str, str]], length: int) -> bytes:
    """The request line and fields of RFC 9112, ready to send.

    Raises WireError for a method that is not forwarded, a target that is not origin-form, and a field that is no field: nothing
    that could end a line or start another message is ever written.
    """
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(path):
        raise WireError("outbound_target", "the method or path cannot be sent")
    lines = [f"host: {host}", "accept-encoding: identity"]
    if length or method in _BODY_METHODS:
        lines.append(f"content-length: {length}")
    lines += [f"{name}: {value}" for name, value in fields]
    for line in lines:
        if not _FIELD.fullmatch(line):
            raise WireError("outbound_field", "a header field cannot be sent")
    return f"{method} {path} HTTP/1.1\r\n{'\r\n'.join(lines)}\r\n\r\n".encode("latin-1")


def returned(raw: Sequence[tuple[bytes, bytes]], secrets: tuple[str, ...] = ()) -> Headers:
    """The fields of an answer that may travel to the caller; one that repeats a secret does not.

    Raises UpstreamError of kind PROTOCOL where a value holds control characters.
    """
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw if not _CONTROLS.search(value)]
    if len(pairs) != len(raw):
        raise UpstreamError(FailureKind.PROTOCOL, "the provider sent a malformed header field", sent=True)
    listed = _listed(pairs)
    return Headers(
        (name, value)
        for name, value in pairs
        if name not in NEVER_RETURNED
        and name not in listed
        and not name.startswith(NEVER_RETURNED_PREFIXES)
        and not any(secret in value for secret in secrets)
    )


def _listed(fields: Iterable[tuple[str, str]]) -> set[str]:
    """Fields that Connection names hop-by-hop (RFC 9110 section 7.6.1)."""
    return {token.strip().lower() for name, value in fields if name == "connection" for token in value.split(",")}
