"""Requests that two parsers may read differently. Every one carries a marker, and hides a request that policy would refuse.

A vector is built for one marker and one host; `REFUSED` says that nothing may reach the provider, `ONCE` that exactly one request
does, `EITHER` that both are safe. In no case may the hidden request, or a field of it, be seen by anybody.
"""

from enum import Enum
from typing import NamedTuple

HIDDEN_MODEL = "smuggled"
PATH = "/v1/chat/completions"


class Expected(Enum):
    REFUSED = (0,)
    ONCE = (1,)
    EITHER = (0, 1)


REFUSED, ONCE, EITHER = Expected.REFUSED, Expected.ONCE, Expected.EITHER


class Vector(NamedTuple):
    """Bytes of HTTP/1, for a tunnel or for the listener itself (`plain`)."""

    name: str
    data: bytes
    expected: Expected
    plain: bool = False


def body_of(model: str) -> bytes:
    return b'{"model":"%b","messages":[{"role":"user","content":"hi"}]}' % model.encode()


def chunks(*pieces: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"


class Maker:
    """Builds messages to one host under one marker."""

    def __init__(self, marker: str, host: str, token: bytes = b"") -> None:
        self.host = host.encode()
        self.token = token
        self.body = body_of(marker)
        self.length = b"Content-Length: %d" % len(self.body)
        hidden = body_of(HIDDEN_MODEL)
        self.hidden = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: %b\r\n%bContent-Type: application/json\r\nX-Smuggled: 1\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (self.host, token + b"\r\n" if token else b"", len(hidden), hidden)
        )

    def post(
        self,
        *fields: bytes,
        body: bytes | None = None,
        line: bytes = b"POST /v1/chat/completions HTTP/1.1",
        host: bytes | None = None,
    ) -> bytes:
        lines = [line, b"Host: " + self.host if host is None else host, self.token, b"Content-Type: application/json", *fields]
        return b"\r\n".join(each for each in lines if each) + b"\r\n\r\n" + (self.body if body is None else body)

    def sized(self, *fields: bytes, **more: bytes) -> bytes:
        return self.post(self.length, *fields, **more)

    def chunked(self, body: bytes, *fields: bytes) -> bytes:
        return self.post(CHUNKED, *fields, body=body)
