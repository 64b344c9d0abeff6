"""Vectors of body framing: lengths, codings and chunks, said twice, said badly, or said so that only some would understand."""

from collections.abc import Iterator

from slow.faults.messages import EITHER, ONCE, REFUSED, Expected, Maker, chunks

TRANSFER = {
    "chunked": b"Transfer-Encoding: chunked",
    "capitals": b"TRANSFER-ENCODING: CHUNKED",
    "no space": b"Transfer-Encoding:chunked",
    "two spaces": b"Transfer-Encoding:  chunked",
    "tab before": b"Transfer-Encoding:\tchunked",
    "space after": b"Transfer-Encoding: chunked ",
    "tab after": b"Transfer-Encoding: chunked\t",
    "vertical tab": b"Transfer-Encoding: \x0bchunked",
    "form feed": b"Transfer-Encoding: \x0cchunked",
    "NUL after": b"Transfer-Encoding: chunked\x00",
    "NUL before": b"Transfer-Encoding: \x00chunked",
    "no-break space": b"Transfer-Encoding: chunked\xa0",
    "high byte": b"Transfer-Encoding: \xffchunked",
    "prefix": b"Transfer-Encoding: xchunked",
    "suffix": b"Transfer-Encoding: chunkedx",
    "quoted": b'Transfer-Encoding: "chunked"',
    "single quotes": b"Transfer-Encoding: 'chunked'",
    "parameter": b"Transfer-Encoding: chunked;q=1",
    "comma before": b"Transfer-Encoding: ,chunked",
    "comma after": b"Transfer-Encoding: chunked,",
    "twice in one": b"Transfer-Encoding: chunked, chunked",
    "identity first": b"Transfer-Encoding: identity, chunked",
    "identity last": b"Transfer-Encoding: chunked, identity",
    "gzip first": b"Transfer-Encoding: gzip, chunked",
    "identity": b"Transfer-Encoding: identity",
    "empty": b"Transfer-Encoding:",
    "unknown": b"Transfer-Encoding: cow",
    "percent": b"Transfer-Encoding: %63hunked",
    "tab within": b"Transfer-Encoding: chu\tnked",
    "two fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "two fields, cow last": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    "two fields, cow first": b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "two fields, identity": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "space before colon": b"Transfer-Encoding : chunked",
    "tab before colon": b"Transfer-Encoding\t: chunked",
    "vertical tab before colon": b"Transfer-Encoding\x0b: chunked",
    "NUL in name": b"Transfer-\x00Encoding: chunked",
    "space before name": b" Transfer-Encoding: chunked",
    "space in name": b"Transfer Encoding: chunked",
    "folded value": b"Transfer-Encoding:\r\n chunked",
    "folded with tab": b"Transfer-Encoding:\r\n\tchunked",
    "folded after": b"Transfer-Encoding: chunked\r\n , identity",
    "colon on next line": b"Transfer-Encoding\r\n: chunked",
    "behind a bare LF": b"X-A: b\nTransfer-Encoding: chunked",
    "behind a bare CR": b"X-A: b\rTransfer-Encoding: chunked",
    "LF after colon": b"Transfer-Encoding:\nchunked",
    "CR before colon": b"Transfer-Encoding\r: chunked",
}
HARMLESS = {"underscore": b"Transfer_Encoding: chunked", "other name": b"X-Transfer-Encoding: chunked"}


def transfers(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    """CL.TE, TE.CL and TE.TE: both lengths in one head, in every spelling."""
    whole, early = chunks(make.body), b"0\r\n\r\n" + make.hidden
    for name, field in TRANSFER.items():
        # A lone LF ends no line for the gateway, so that what stands behind it must sink the message.
        yield f"length is right, and {name}", make.post(make.length, field), REFUSED
        yield f"chunks are right, and {name}", make.post(b"Content-Length: 4", field, body=whole), REFUSED
        yield f"last chunk is early, and {name}", make.post(field, b"Content-Length: %d" % len(early), body=early), REFUSED
    for name, field in HARMLESS.items():
        yield f"length is right, and {name}", make.post(make.length, field), ONCE


def lengths(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    n = len(make.body)
    for value in (
        b"+%d" % n, b"-%d" % n, b"0x%x" % n, b"%d.0" % n, b"%de0" % n, b"%d,%d" % (n, n), b"%d, %d" % (n, n + 9), b"%d;" % n,
        b'"%d"' % n,
        b"%d %d" % (n, n), b"1_0", b"\xb2", b"\x0b%d" % n, b"%d\x00" % n, b"", b",", b"%d," % n, b"9" * 30, b"1" + b"0" * 20,
        b"-0", b"0n10", b"NaN",
    ):  # fmt: skip
        yield f"content-length {value!r}", make.post(b"Content-Length: " + value), REFUSED
    yield "content-length with a zero before", make.post(b"Content-Length: 0%d" % n), EITHER
    yield "content-length in spaces", make.post(b"Content-Length:   %d  " % n), EITHER
    yield "content-length twice", make.sized(make.length), REFUSED
    yield "content-length twice, other last", make.sized(b"Content-Length: 0"), REFUSED
    yield "content-length twice, other first", make.post(b"Content-Length: 0", make.length), REFUSED
    yield "content-length spaced name", make.post(b"Content-Length : %d" % n), REFUSED
    yield "content-length folded", make.post(b"Content-Length:\r\n %d" % n), REFUSED
    yield "content-length folded further", make.post(b"Content-Length: %d\r\n 0" % n), REFUSED
    yield "content-length behind LF", make.post(b"X: y\nContent-Length: %d" % n), REFUSED
    yield "content-length NUL in name", make.post(b"Content\x00-Length: %d" % n), REFUSED
    yield "content-length named with underscore", make.post(b"Content_Length: %d" % n, body=make.hidden), REFUSED
    yield "no length and a body", make.post(), REFUSED
    yield "zero length and a hidden request", make.post(b"Content-Length: 0", body=make.hidden), REFUSED
    yield "length too short", make.post(b"Content-Length: 9"), REFUSED
    yield "length too long", make.post(b"Content-Length: %d" % (n + len(make.hidden)), body=make.body + make.hidden), REFUSED


def chunk_forms(make: Maker) -> Iterator[tuple[str, bytes, Expected]]:
    body, size = make.body, b"%x" % len(make.body)
    end = b"\r\n0\r\n\r\n"
    for name, line in {
        "an extension": size + b";a=b", "an extension without value": size + b";a", "a quoted extension": size + b';a="b;c"',
        "a long extension": size + b";a=" + b"b" * 2000, "capitals": size.upper(), "a zero before": b"0" + size,
        "a space after": size + b" ",
        "a tab after": size + b"\t",
    }.items():  # fmt: skip
        yield f"chunk with {name}", make.chunked(line + b"\r\n" + body + end), EITHER
    for name, line in {
        "0x": b"0x" + size, "plus": b"+" + size, "minus": b"-" + size, "space before": b" " + size, "nothing": b"",
        "text": b"zz", "underscore": b"4_0",
        "overflow 64": b"1" + b"0" * (16 - len(size)) + size, "overflow 32": b"100000000"[: 9 - len(size)] + size,
        "huge": b"f" * 16, "huger": b"f" * 40,
        "decimal point": size + b".0", "NUL": size + b"\x00", "NUL in extension": size + b";a\x00b",
        "vertical tab": b"\x0b" + size, "high digit": b"\xb2",
        "comma": size + b"," + size, "CR in extension": size + b";a\rb", "two sizes": size + b" " + size,
    }.items():  # fmt: skip
        yield f"chunk size {name}", make.chunked(line + b"\r\n" + body + end), EITHER if name.endswith("in extension") else REFUSED
    hidden = b"0\r\n\r\n" + make.hidden
    tricky = b"%x" % len(hidden)
    yield "chunk size line ends with LF", make.chunked(size + b"\n" + body + end), REFUSED
    yield "chunk size line ends with CR", make.chunked(size + b"\r" + body + end), REFUSED
    yield "chunk data ends with LF", make.chunked(size + b"\r\n" + body + b"\n0\r\n\r\n"), REFUSED
    yield "chunk data ends with nothing", make.chunked(size + b"\r\n" + body + b"0\r\n\r\n"), REFUSED
    yield "chunk data ends with two other bytes", make.chunked(size + b"\r\n" + body + b"XX0\r\n\r\n"), REFUSED
    yield "LF in an extension hides a chunk", make.chunked(size + b";a\n" + tricky + b"\r\n" + body + end), REFUSED
    yield "CRLF in a quoted extension", make.chunked(size + b';a="\r\n' + body + end), EITHER
    yield "chunk larger than its data", make.chunked(b"%x\r\n" % (len(body) + 7) + body + end), REFUSED
    yield "chunk smaller than its data", make.chunked(b"%x\r\n" % (len(body) - 2) + body + end), REFUSED
    yield "a last chunk of many zeros", make.chunked(size + b"\r\n" + body + b"\r\n0000000000000000\r\n\r\n"), EITHER
    yield "a last chunk with extension", make.chunked(size + b"\r\n" + body + b"\r\n0;a=b\r\n\r\n"), EITHER
    yield "a last chunk with LF", make.chunked(size + b"\r\n" + body + b"\r\n0\n\n" + make.hidden), EITHER
    yield "a last chunk with LF in the trailers", make.chunked(size + b"\r\n" + body + b"\r\n0\r\n\n" + make.hidden), EITHER
    yield "hidden in the trailers", make.chunked(size + b"\r\n" + body + b"\r\n0\r\n" + make.hidden), EITHER
    yield "hidden as a chunk", make.chunked(chunks(body, make.hidden)), REFUSED
    yield "hidden after the last chunk", make.chunked(chunks(body) + make.hidden), ONCE
    for name, trailer in {
        "a field": b"X-Smuggled: 1", "a length": b"Content-Length: 5", "a coding": b"Transfer-Encoding: chunked",
        "a host": b"Host: evil.test",
        "a key": b"Authorization: Bearer evil", "no colon": b"nothing", "folded": b"X-A: b\r\n X-Smuggled: 1", "NUL": b"X-A: \x00",
        "bare LF": b"X-A: b\nX-Smuggled: 1",
    }.items():  # fmt: skip
        yield f"trailer with {name}", make.chunked(chunks(body, trailers=trailer + b"\r\n")), EITHER
