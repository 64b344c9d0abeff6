"""The same in HTTP/2: fields that would end a line or start a message in HTTP/1, and frames that disagree with fields."""

from collections.abc import Iterator
from typing import NamedTuple

from slow.faults.messages import EITHER, HIDDEN_MODEL, ONCE, PATH, REFUSED, Expected, Maker, body_of

type Fields = list[tuple[bytes, bytes]]


class Http2Vector(NamedTuple):
    """The fields of one stream, its body, and the fields of its trailers."""

    name: str
    fields: Fields
    body: bytes
    expected: Expected
    trailers: Fields = []


def vectors(marker: str, host: str) -> list[Http2Vector]:
    make = Maker(marker, host)
    return [*_fields(make), *_pseudo(make), *_bodies(make)]


def head(make: Maker, *more: tuple[bytes, bytes], **pseudo: bytes | None) -> Fields:
    """A good head with other pseudo-headers where given, None leaving one out."""
    known = {"method": b"POST", "scheme": b"https", "authority": make.host, "path": PATH.encode()} | pseudo
    named = [(b":" + name.encode(), value) for name, value in known.items() if value is not None]
    return [*named, (b"content-type", b"application/json"), *more]


def _fields(make: Maker) -> Iterator[Http2Vector]:
    crlf = b"a\r\nx-smuggled: 1"
    cases: dict[str, tuple[tuple[bytes, bytes], Expected]] = {
        "CRLF in a value": ((b"user-agent", crlf), REFUSED),
        "LF in a value": ((b"user-agent", b"a\nx-smuggled: 1"), REFUSED),
        "CR in a value": ((b"user-agent", b"a\rx-smuggled: 1"), REFUSED),
        "NUL in a value": ((b"user-agent", b"a\x00b"), REFUSED),
        "a whole request in a value": ((b"user-agent", b"a\r\n\r\n" + make.hidden), REFUSED),
        "CRLF at the end of a value": ((b"user-agent", b"a\r\n"), REFUSED),
        "CRLF in a name": ((b"user-agent: a\r\nx-smuggled", b"1"), REFUSED),
        "a colon in a name": ((b"user-agent: x", b"1"), REFUSED),
        "a space in a name": ((b"user agent", b"1"), REFUSED),
        "NUL in a name": ((b"user\x00-agent", b"1"), REFUSED),
        "capitals in a name": ((b"User-Agent", b"1"), EITHER),
        "an empty name": ((b"", b"1"), REFUSED),
        "a high byte in a name": ((b"x-\xe9", b"1"), REFUSED),
        "spaces around a value": ((b"user-agent", b" a "), EITHER),
        "a high byte in a value": ((b"user-agent", b"\xe9"), EITHER),
        "transfer-encoding": ((b"transfer-encoding", b"chunked"), REFUSED),
        "TRANSFER-ENCODING": ((b"TRANSFER-ENCODING", b"chunked"), REFUSED),
        "te: trailers": ((b"te", b"trailers"), EITHER),
        "te: chunked": ((b"te", b"chunked"), EITHER),
        "connection": ((b"connection", b"keep-alive"), EITHER),
        "connection names host": ((b"connection", b"host"), EITHER),
        "proxy-connection": ((b"proxy-connection", b"keep-alive"), EITHER),
        "upgrade": ((b"upgrade", b"h2c"), REFUSED),
        "http2-settings": ((b"http2-settings", b"AAMAAABk"), REFUSED),
        "keep-alive": ((b"keep-alive", b"timeout=5"), EITHER),
        "expect": ((b"expect", b"100-continue"), EITHER),
        "the same host": ((b"host", make.host), EITHER),
        "another host": ((b"host", b"evil.test"), REFUSED),
        "host with CRLF": ((b"host", make.host + b"\r\nx-smuggled: 1"), REFUSED),
        "a pseudo-header behind": ((b":path", b"/v1/files"), REFUSED),
        "a method behind": ((b":method", b"GET"), REFUSED),
        "an unknown pseudo-header": ((b":smuggled", b"1"), REFUSED),
        "extended CONNECT": ((b":protocol", b"websocket"), REFUSED),
        "a status": ((b":status", b"200"), REFUSED),
        "a pseudo-header of CRLF": ((b":path\r\nx-smuggled", b"1"), REFUSED),
        "a cookie in two": ((b"cookie", b"a=b\r\nx-smuggled: 1"), REFUSED),
    }
    for name, (field, expected) in cases.items():
        yield Http2Vector(f"h2 {name}", head(make, field), make.body, expected)


def _pseudo(make: Maker) -> Iterator[Http2Vector]:
    line = b"/v1/chat/completions HTTP/1.1\r\nx-smuggled: 1\r\na: b"
    cases: dict[str, dict[str, bytes | None]] = {
        "a line in :path": {"path": line},
        "a request in :path": {"path": b"/v1/chat/completions HTTP/1.1\r\n\r\n" + make.hidden},
        "a space in :path": {"path": b"/v1/chat/completions HTTP/1.1"},
        "LF in :path": {"path": b"/v1/chat/completions\nx-smuggled: 1"},
        "NUL in :path": {"path": b"/v1/chat/completions\x00"},
        "a tab in :path": {"path": b"/v1/chat/completions\tHTTP/1.1"},
        "percent CRLF in :path": {"path": b"/v1/chat/completions%0d%0ax-smuggled:1"},
        "empty :path": {"path": b""},
        "no :path": {"path": None},
        "asterisk :path": {"path": b"*"},
        "absolute :path": {"path": b"https://evil.test/v1/chat/completions"},
        "two slashes in :path": {"path": b"//evil.test/v1/chat/completions"},
        "relative :path": {"path": b"v1/chat/completions"},
        "dots in :path": {"path": b"/v1/chat/completions/../../files"},
        "fragment in :path": {"path": b"/v1/chat/completions#x"},
        "a line in :method": {"method": b"POST /v1/files HTTP/1.1\r\nx-smuggled: 1\r\n\r\nPOST"},
        "a space in :method": {"method": b"POST /v1/files"},
        "empty :method": {"method": b""},
        "no :method": {"method": None},
        "lower-case :method": {"method": b"post"},
        "GET with a body": {"method": b"GET"},
        "CONNECT": {"method": b"CONNECT"},
        "CRLF in :authority": {"authority": make.host + b"\r\nx-smuggled: 1"},
        "userinfo in :authority": {"authority": b"evil.test@" + make.host},
        "other :authority": {"authority": b"evil.test"},
        "a space in :authority": {"authority": make.host + b" evil.test"},
        "a path in :authority": {"authority": make.host + b"/v1/files"},
        "empty :authority": {"authority": b""},
        "no :authority": {"authority": None},
        "CRLF in :scheme": {"scheme": b"https\r\nx-smuggled: 1"},
        "a URL in :scheme": {"scheme": b"https://evil.test/?"},
        "no :scheme": {"scheme": None},
    }
    for name, pseudo in cases.items():
        yield Http2Vector(f"h2 {name}", head(make, **pseudo), make.body, REFUSED)
    yield Http2Vector("h2 http in :scheme", head(make, scheme=b"http"), make.body, EITHER)
    yield Http2Vector("h2 two :authority", [(b":authority", b"evil.test"), *head(make)], make.body, REFUSED)
    yield Http2Vector("h2 two :path", [(b":path", b"/v1/files"), *head(make)], make.body, REFUSED)


def _bodies(make: Maker) -> Iterator[Http2Vector]:
    right = (b"content-length", b"%d" % len(make.body))
    yield Http2Vector("h2 good", head(make), make.body, ONCE)
    yield Http2Vector("h2 good with length", head(make, right), make.body, ONCE)
    for name, value in {
        "short": b"5",
        "zero": b"0",
        "long": b"9999",
        "signed": b"+%d" % len(make.body),
        "hexadecimal": b"0x42",
        "a list": b"5, 5",
        "CRLF": right[1] + b"\r\nx-smuggled: 1",
    }.items():
        expected = EITHER if name in ("signed", "hexadecimal", "a list") else REFUSED
        yield Http2Vector(f"h2 content-length {name}", head(make, (b"content-length", value)), make.body, expected)
    yield Http2Vector("h2 two lengths", head(make, right, (b"content-length", b"5")), make.body, REFUSED)
    yield Http2Vector("h2 hidden behind the body", head(make), make.body + make.hidden, REFUSED)
    yield Http2Vector("h2 hidden as the body, length zero", head(make, (b"content-length", b"0")), make.hidden, REFUSED)
    yield Http2Vector("h2 chunks as the body", head(make), b"%x\r\n%b\r\n0\r\n\r\n" % (len(make.body), make.body), REFUSED)
    yield Http2Vector(
        "h2 another model twice", head(make), make.body.replace(b"{", b'{"model":"%b",' % HIDDEN_MODEL.encode(), 1), REFUSED
    )
    yield Http2Vector("h2 two bodies", head(make), make.body + body_of(HIDDEN_MODEL), REFUSED)
    for name, trailer in {
        "a field": (b"x-smuggled", b"1"),
        "a key": (b"authorization", b"Bearer evil"),
        "a length": (b"content-length", b"5"),
        "a path": (b":path", b"/v1/files"),
        "CRLF": (b"x-a", b"b\r\nx-smuggled: 1"),
    }.items():
        yield Http2Vector(f"h2 trailers with {name}", head(make), make.body, EITHER, [trailer])
