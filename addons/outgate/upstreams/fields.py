"""Header fields that may cross to a provider and back, and the encoded head of a request.

Out: neither hop-by-hop fields nor what the client's own head would say of body, host, identity or path. Back: nothing that would
steer the caller's connection, name the caller's next address, keep state in the caller, or pose as the gateway.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from outgate.dialects.registry import key_fields
from outgate.errors import FailureKind, FailureReason, UpstreamError, WireError
from outgate.net.headers import Headers
from outgate.upstreams.scrubber import Scrubber

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
    "age",
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
_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++: [\t -~\x80-\xff]*+\r\n)++")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def sendable(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields of a request that may travel to a provider, lower-case."""
    kept, listed = [], ""
    for name, value in fields:
        lower = _sent_as(name)
        if lower:
            kept.append((lower, value))
        elif len(name) == len("connection") and name.lower() == "connection":
            listed += f",{value}"
    return _unlisted(kept, listed) if listed else kept


def request_head(method: str, path: str, host: str, fields: Iterable[tuple[str, str]], length: int | None) -> bytes:
    """The request line and fields of RFC 9112, ready to send. A body without a length is sent in chunks.

    Raises WireError for a method that is not forwarded, a target that is not origin-form, and a field that is no field: nothing
    that could end a line or start another message is ever written.
    """
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(path):
        raise WireError("outbound_target", "the method or path cannot be sent")
    lines = [f"host: {host}\r\n", "accept-encoding: identity\r\n"]
    if length is None:
        lines.append("transfer-encoding: chunked\r\n")
    elif length or method in _BODY_METHODS:
        lines.append(f"content-length: {length}\r\n")
    lines += [f"{name}: {value}\r\n" for name, value in fields]
    block = "".join(lines)
    # The grammar would take a smuggled line for one more field; the count does not.
    if block.count("\n") != len(lines) or not _FIELDS.fullmatch(block):
        raise WireError("outbound_field", "a header field cannot be sent")
    return f"{method} {path} HTTP/1.1\r\n{block}\r\n".encode("latin-1")


def returned(raw: Sequence[tuple[bytes, bytes]], secrets: Sequence[str] = ()) -> Headers:
    """The fields of an answer that may travel to the caller; one that repeats a secret, however it is spelt, does not.

    Raises UpstreamError of kind PROTOCOL where a value holds control characters.
    """
    text = b" ".join([value for _, value in raw])
    if _CONTROLS.search(text):
        message = "the provider sent a malformed header field"
        raise UpstreamError(FailureKind.PROTOCOL, message, sent=True, reason=FailureReason.HEAD_MALFORMED)
    kept, listed = [], ""
    for name, value in raw:
        lower = _returned_as(name)
        if lower:
            kept.append((lower, value.decode("latin-1")))
        elif len(name) == len("connection") and name.lower() == b"connection":
            listed += f",{value.decode('latin-1')}"
    if listed:
        kept = _unlisted(kept, listed)
    known = Scrubber(tuple(secrets))
    if secrets and known.repeats(text):
        kept = [field for field in kept if not known.repeats(field[1].encode("latin-1"))]
    return Headers(kept)


@lru_cache(maxsize=1024)
def _sent_as(name: str) -> str:
    """The name in lower case; empty for a field that never travels."""
    lower = name.lower()
    known = lower in NEVER_SENT or lower.startswith(NEVER_SENT_PREFIXES) or any(lower == field.name for field in key_fields())
    return "" if known else lower


@lru_cache(maxsize=1024)
def _returned_as(name: bytes) -> str:
    """The name in lower case; empty for a field that ends here."""
    lower = name.decode("latin-1").lower()
    return "" if lower in NEVER_RETURNED or lower.startswith(NEVER_RETURNED_PREFIXES) else lower


def _unlisted(fields: list[tuple[str, str]], listed: str) -> list[tuple[str, str]]:
    """The fields that Connection does not name hop-by-hop (RFC 9110 section 7.6.1)."""
    names = {token.strip().lower() for token in listed.split(",")}
    return [field for field in fields if field[0] not in names]
