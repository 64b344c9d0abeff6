"""Vectors of message heads: line ends, request lines, Host and other fields."""

from collections.abc import Iterator

from slow.faults.messages import EITHER, ONCE, REFUSED, Expected, Maker


def line_ends(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    plain = make.sized()
    head, _, body = plain.partition(b"\r\n\r\n")
    yield "every line ends with LF", head.replace(b"\r\n", b"\n") + b"\n\n" + body, REFUSED
    yield "every line ends with CR", head.replace(b"\r\n", b"\r") + b"\r\r" + body, REFUSED
    yield "head ends with LF LF", head + b"\n\n" + body, REFUSED
    yield "head ends with CRLF LF", head + b"\r\n\n" + body, REFUSED
    yield "head ends with LF CRLF", head + b"\n\r\n" + body, REFUSED
    yield "CR CR LF", head.replace(b"\r\n", b"\r\r\n") + b"\r\r\n\r\r\n" + body, REFUSED
    yield "LF CR", head.replace(b"\r\n", b"\n\r") + b"\n\r\n\r" + body, REFUSED
    yield "first line ends with LF", plain.replace(b"\r\n", b"\n", 1), REFUSED
    yield "an empty line before", b"\r\n" + plain, EITHER
    yield "three empty lines before", b"\r\n\r\n\r\n" + plain, EITHER
    yield "LF before", b"\n" + plain, REFUSED
    yield "a space before", b" " + plain, REFUSED
    yield "NUL before", b"\x00" + plain, REFUSED
    yield "a BOM before", b"\xef\xbb\xbf" + plain, REFUSED
    yield "CR CR before the body", head + b"\r\n\r\r\n" + body, REFUSED
    for name, byte in {"LF": b"\n", "CR": b"\r", "NUL": b"\x00", "vertical tab": b"\x0b", "DEL": b"\x7f"}.items():
        yield (
            f"{name} in a forwarded value",
            make.sized(b"User-Agent: a" + byte + b"X-Smuggled: 1"),
            REFUSED,
        )
    for name, byte in {"NEL": b"\x85", "high byte": b"\xe9", "tab": b"\t", "line separator": b"\xe2\x80\xa8"}.items():
        yield f"{name} in a forwarded value", make.sized(b"User-Agent: a" + byte + b"X-Smuggled: 1"), EITHER
    yield "a CRLF written in percent", make.sized(b"User-Agent: a%0d%0aX-Smuggled: 1"), ONCE
    yield "a CRLF written in letters", make.sized(rb"User-Agent: a\r\nX-Smuggled: 1"), ONCE
    yield "unicode that narrows to CRLF", make.sized("User-Agent: a嘊嘍X-Smuggled: 1".encode()), EITHER


def request_lines(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    host = make.host
    for line in (
        b"POST  /v1/chat/completions HTTP/1.1", b"POST\t/v1/chat/completions\tHTTP/1.1", b"POST /v1/chat/completions  HTTP/1.1",
        b"POST /v1/chat/completions HTTP/1.1 ", b"POST /v1/chat/completions HTTP/1.1 HTTP/1.1",
        b"POST /v1/chat/completions http/1.1",
        b"POST /v1/chat/completions HTTP/1.2", b"POST /v1/chat/completions HTTP/1.10", b"POST /v1/chat/completions HTTP/01.1",
        b"POST /v1/chat/completions HTTP/1.0", b"POST /v1/chat/completions HTTP/0.9", b"POST /v1/chat/completions HTTP/2.0",
        b"POST /v1/chat/completions HTTP/1,1", b"POST /v1/chat/completions XTTP/1.1", b"POST /v1/chat/completions", b"POST",
        b"POST /v1/chat/completions\x00 HTTP/1.1", b"POST /v1/chat/completions\r HTTP/1.1",
        b"POST /v1/chat/completions\x0b HTTP/1.1",
        b"POST /v1/chat/comp letions HTTP/1.1", b"POST /v1/chat/completions#x HTTP/1.1", b"POST /v1//chat/completions HTTP/1.1",
        b"POST /v1/./chat/completions HTTP/1.1", b"POST /v1/files/../chat/completions HTTP/1.1",
        b"POST /v1/chat/completions/../../files HTTP/1.1",
        b"POST /v1/chat/%2e%2e/files HTTP/1.1", b"POST /v1\\chat\\completions HTTP/1.1", b"POST v1/chat/completions HTTP/1.1",
        b"POST /v1/chat/completions%0d%0aX-Smuggled:%201 HTTP/1.1", b"POST /v1/chat/completions%20HTTP/1.1%0d%0a HTTP/1.1",
        b"POST * HTTP/1.1",
        b"POST /v1/chat/completions\xe5\x98\x8a HTTP/1.1", b"post /v1/chat/completions HTTP/1.1",
        b"POST\x00 /v1/chat/completions HTTP/1.1",
        b"PO ST /v1/chat/completions HTTP/1.1", b"GET /v1/chat/completions HTTP/1.1", b"HEAD /v1/chat/completions HTTP/1.1",
        b"CONNECT evil.test:443 HTTP/1.1", b"TRACE /v1/chat/completions HTTP/1.1", b"OPTIONS * HTTP/1.1",
        b"POST /v1/files HTTP/1.1",
        b"POST http://evil.test/v1/chat/completions HTTP/1.1", b"POST https://evil.test/v1/chat/completions HTTP/1.1",
        b"POST https://" + host + b"@evil.test/v1/chat/completions HTTP/1.1",
        b"POST https://evil.test@" + host + b"/v1/chat/completions HTTP/1.1",
        b"POST https://evil.test\\@" + host + b"/v1/chat/completions HTTP/1.1", b"POST //evil.test/v1/chat/completions HTTP/1.1",
        b"POST file:///v1/chat/completions HTTP/1.1", b"POST http:///v1/chat/completions HTTP/1.1",
        b"POST " + host + b":443 HTTP/1.1",
        b"PRI * HTTP/2.0",
    ):  # fmt: skip
        yield f"line {line.replace(host, b'HOST')!r}", make.sized(line=line), REFUSED
    yield "line in absolute form", make.sized(line=b"POST https://%b/v1/chat/completions HTTP/1.1" % host), EITHER
    yield "line with a query", make.sized(line=b"POST /v1/chat/completions?a=%0d%0aX-Smuggled HTTP/1.1"), EITHER
    yield "line of 70,000 bytes", make.sized(line=b"POST /v1/chat/completions?" + b"a" * 70_000 + b" HTTP/1.1"), REFUSED
    yield (
        "HTTP/1.0 kept alive",
        make.sized(b"Connection: keep-alive", line=b"POST /v1/chat/completions HTTP/1.0") + make.hidden,
        REFUSED,
    )


def fields(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    host = make.host
    for value in (
        b"Host: evil.test", b"Host: %b\r\nHost: %b" % (host, host), b"Host: %b\r\nHost: evil.test" % host,
        b"Host: evil.test\r\nHost: %b" % host,
        b"Host: %b, evil.test" % host, b"Host: %b evil.test" % host, b"Host: %b@evil.test" % host, b"Host: evil.test#%b" % host,
        b"Host: %b:80" % host,
        b"Host: %b:443:443" % host, b"Host: %b\x00.evil.test" % host, b"Host:", b"Host : %b" % host, b"Host: %b/v1" % host,
        b"Host: %b." % host,
        b"X-Host: %b" % host, b"Host: http://%b" % host, b" Host: %b" % host, b"Host: [%b]" % host,
        b"Host: %b\r\n .evil.test" % host,
    ):  # fmt: skip
        yield f"host {value.replace(host, b'HOST')!r}", make.sized(host=value), REFUSED
    for field in (
        b"nothing", b": value", b"X A: b", b"X\x00A: b", b'X"A: b', b"X(A): b", b"X\xe9: b", b"X-A : b", b"X-A\t: b",
        b"X-A\x0b: b", b"X-A: b\r\n folded", b"=: b",
    ):  # fmt: skip
        yield f"field {field!r}", make.sized(field), EITHER if field == b"=: b" else REFUSED
    for field in (
        b"Connection: content-length", b"Connection: host", b"Connection: authorization", b"Connection: close, content-type",
        b"Connection: x-smuggled",
        b"Keep-Alive: timeout=9999", b"TE: trailers", b"TE: chunked", b"Trailer: X-Smuggled", b"Max-Forwards: 0",
        b"Range: bytes=0-1",
        b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /v1/files", b"X-Rewrite-URL: /v1/files",
        b"X-Forwarded-Host: evil.test", b"X-Forwarded-For: 1",
        b"Forwarded: host=evil.test", b"Cookie: a=b", b"Authorization: Bearer evil", b"X-Api-Key: evil",
        b"Proxy-Connection: keep-alive",
        b"Content-Type: text/plain", b"User-Agent: a\r\nUser-Agent: b", b"Via: 1.0 evil", b"Accept-Encoding: gzip",
        b"X-Amz-Security-Token: a",
    ):  # fmt: skip
        yield f"field {field!r}", make.sized(field), EITHER
    for field in (
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        b"Upgrade: websocket\r\nConnection: Upgrade",
        b"Upgrade: TLS/1.0\r\nConnection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Content-Encoding: gzip",
        b"Content-Encoding: chunked",
    ):  # fmt: skip
        yield f"field {field.partition(b'AAM')[0]!r}", make.sized(field), REFUSED
    yield "a field of 70,000 bytes", make.sized(b"X-Long: " + b"a" * 70_000), REFUSED
    yield "a field name of 70,000 bytes", make.sized(b"a" * 70_000 + b": b"), REFUSED
    yield "9,000 fields", make.sized(*[b"X-%d: b" % at for at in range(9000)]), REFUSED
    yield "200 fields", make.sized(*[b"X-%d: b" % at for at in range(200)]), EITHER
    yield "the same field 50 times", make.sized(*[b"User-Agent: b"] * 50), EITHER
