"""Every vector in HTTP/1, and those where one request stands before, behind or inside another."""

from collections.abc import Iterator

from slow.faults.framing import chunk_forms, lengths, transfers
from slow.faults.heads import fields, line_ends, request_lines
from slow.faults.messages import CHUNKED, EITHER, ONCE, REFUSED, Expected, Maker, Vector, chunks


def sequences(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    """What stands before, behind or inside a body."""
    hidden, host = make.hidden, make.host
    length = b"Content-Length: %d" % len(hidden)
    yield "hidden behind a body", make.sized() + hidden, ONCE
    yield "hidden twice behind a body", make.sized() + hidden * 2, ONCE
    yield "hidden behind chunks", make.chunked(chunks(make.body)) + hidden, ONCE
    yield "hidden behind connection close", make.sized(b"Connection: close") + hidden, ONCE
    yield "hidden before", hidden + make.sized(), ONCE
    yield "garbage behind a body", make.sized() + b"\x00\xff\r\n\r\n", ONCE
    yield "CRLF behind a body", make.sized() + b"\r\n\r\n", ONCE
    yield "half a request behind a body", make.sized() + hidden[:40], ONCE
    yield "to another host behind a body", make.sized() + hidden.replace(host, b"evil.test"), ONCE
    yield "in absolute form behind a body", make.sized() + hidden.replace(b" /v1", b" https://evil.test/v1"), ONCE
    yield "the HTTP/2 preface behind a body", make.sized() + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ONCE
    yield "CONNECT behind a body", make.sized() + b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n" + hidden, ONCE
    text = hidden.replace(b"\r\n", rb"\r\n").replace(b'"', rb"\"")
    inside = make.body.replace(b'"hi"', b'"' + text + b'"')
    yield "hidden in a JSON string", make.post(b"Content-Length: %d" % len(inside), body=inside), ONCE
    yield (
        "hidden in a JSON string, in chunks",
        make.chunked(chunks(*(inside[at : at + 7] for at in range(0, len(inside), 7)))),
        ONCE,
    )
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE", b"PUT"):
        yield (
            f"hidden in the body of {method.decode()}",
            make.post(length, body=hidden, line=method + b" /v1/chat/completions HTTP/1.1"),
            REFUSED,
        )
    yield "hidden as the body", make.post(length, body=hidden), REFUSED
    yield "expect", make.sized(b"Expect: 100-continue"), EITHER
    yield "expect, hidden instead of a body", make.post(make.length, b"Expect: 100-continue", body=hidden), REFUSED
    yield "expect something else", make.sized(b"Expect: 200-ok"), EITHER
    yield "expect twice", make.sized(b"Expect: 100-continue", b"Expect: 100-continue"), EITHER
    yield "expect with nothing to come", make.post(b"Content-Length: 0", b"Expect: 100-continue", body=hidden), REFUSED
    yield "expect with chunks", make.post(CHUNKED, b"Expect: 100-continue", body=chunks(make.body)), EITHER


def to_the_listener(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    """Absolute form and base URL, without a tunnel."""
    alias = b"Host: " + make.host
    absolute = b"POST http://%b/v1/chat/completions HTTP/1.1" % make.host
    yield "base URL", make.sized(), ONCE
    yield "absolute form", make.sized(line=absolute), ONCE
    yield "absolute form, hidden behind", make.sized(line=absolute) + make.hidden, ONCE
    yield "absolute form, origin form behind", make.sized(line=absolute) + make.hidden.replace(make.host, b"evil.test"), ONCE
    yield "absolute form, other Host", make.sized(line=absolute, host=b"Host: evil.test"), REFUSED
    yield "absolute form, no Host", make.sized(line=absolute, host=b""), EITHER
    yield "absolute form, two Hosts", make.sized(b"Host: evil.test", line=absolute), REFUSED
    yield "absolute form of another host", make.sized(line=absolute.replace(make.host, b"evil.test")), REFUSED
    yield "absolute form with userinfo", make.sized(line=absolute.replace(b"http://", b"http://evil.test@")), REFUSED
    yield "absolute form with a space", make.sized(line=absolute.replace(b"/v1", b" /v1", 1)), REFUSED
    yield "absolute form with a port", make.sized(line=absolute.replace(b"/v1", b":81/v1", 1)), REFUSED
    yield "absolute form of https", make.sized(line=absolute.replace(b"http:", b"https:")), EITHER
    yield "absolute form of ftp", make.sized(line=absolute.replace(b"http:", b"ftp:")), REFUSED
    yield "absolute form of a capital scheme", make.sized(line=absolute.replace(b"http:", b"HTTP:")), EITHER
    yield "absolute form with backslashes", make.sized(line=absolute.replace(b"//", b"\\\\")), REFUSED
    yield "absolute form, length and chunks", make.sized(CHUNKED, line=absolute, host=alias), REFUSED
    yield "CONNECT with a body", make.sized(line=b"CONNECT evil.test:443 HTTP/1.1", host=b"Host: evil.test:443"), REFUSED
    yield (
        "CONNECT with chunks",
        make.chunked(chunks(make.body)).replace(b"POST /v1/chat/completions", b"CONNECT evil.test:443", 1),
        REFUSED,
    )


def vectors(marker: str, host: str, alias: str, token: bytes) -> list[Vector]:
    """All of them in HTTP/1: in a tunnel to `host`, or to the listener under `alias`, with the `token` (a field) in each."""
    make, plain = Maker(marker, host), Maker(marker, alias, token)
    groups = (transfers, lengths, chunk_forms, line_ends, request_lines, fields, sequences)
    found = [Vector(*each) for group in groups for each in group(make)]
    return found + [Vector(*each, plain=True) for each in to_the_listener(plain)]
