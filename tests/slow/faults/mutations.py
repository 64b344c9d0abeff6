"""Mutations of requests: pieces that parsers disagree about, put, doubled, moved and cut wherever they may hurt."""

import random

from slow.faults.messages import CHUNKED, Maker, chunks

PIECES = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\x00", b" ", b"\t", b"\x0b", b"\x0c", b":", b",", b";", b"\xa0", b"\x85",
    b"0", b"0\r\n\r\n", b"+", b"-", b"0x",
    b"chunked", b"Transfer-Encoding: chunked\r\n", b"\r\nTransfer-Encoding: chunked", b"Content-Length: 0\r\n",
    b"\r\nContent-Length: 5", b"Transfer-Encoding",
    b"Content-Length", b"Host: evil.test\r\n", b" HTTP/1.1\r\n", b"HTTP/1.0", b"Connection: close\r\n",
    b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n",
    b"Upgrade: h2c\r\n", b"identity", b"\r\n ", b"GET / HTTP/1.1\r\n", b"X-Smuggled: 1\r\n", b"http://evil.test", b"%0d%0a",
    b"\xff", b"1", b"ffffffffffffffff", b";a=b",
)  # fmt: skip


def seeds(make: Maker) -> list[bytes]:
    """What mutations begin with: good requests, and good ones with a hidden one near by."""
    whole = chunks(make.body)
    pieces = chunks(*(make.body[at : at + 9] for at in range(0, len(make.body), 9)))
    return [
        make.sized(),
        make.chunked(whole),
        make.chunked(pieces),
        make.chunked(chunks(make.body, trailers=b"X-A: b\r\n")),
        make.sized() + make.hidden,
        make.chunked(whole) + make.hidden,
        make.post(b"Content-Length: %d" % len(whole + make.hidden), CHUNKED, body=whole + make.hidden),
        make.sized(b"User-Agent: a", b"Accept: */*", b"Connection: keep-alive"),
    ]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """One to six changes, most of them at the places where a parser decides."""
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 6))):
        at = _place(data, dice)
        end = min(len(data), at + dice.choice((1, 1, 2, 4, 12, 40)))
        match dice.randrange(6):
            case 0 | 1:
                data = data[:at] + dice.choice(PIECES) + data[at:]
            case 2:
                data = data[:at] + data[end:]
            case 3:
                data = data[:at] + dice.randbytes(1) + data[at + 1 :]
            case 4:
                data = data[:end] + data[at:end] + data[end:]
            case _:
                to = _place(data, dice)
                data = data[:to] + data[at:end] + data[to:]
    return data


def _place(data: bytes, dice: random.Random) -> int:
    """Any place, or one at the end of a line or beside a colon."""
    if dice.random() < 0.4:
        return dice.randrange(len(data) + 1)
    marks = [at for at, byte in enumerate(data) if byte in b"\r\n:"]
    return dice.choice(marks) if marks else 0
