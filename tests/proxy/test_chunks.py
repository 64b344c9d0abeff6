from itertools import pairwise

import h11
import pytest
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from hypothesis import given
from hypothesis import strategies as st

from outgate.proxy.chunks import ChunkReader

GOOD = b"5\r\nhello\r\n3;ext=1\r\n wo\r\n00A \r\nrld, again\r\n0\r\nx-trailer: a\r\n\r\nGET / HTTP/1.1"
BAD = {
    "no size": b"\r\nhello",
    "a sign": b"+5\r\nhello\r\n",
    "a prefix": b"0x5\r\nhello\r\n",
    "underscores": b"1_0\r\n",
    "a line ended by LF": b"5\nhello\r\n",
    "a space before": b" 5\r\nhello\r\n",
    "no end of a chunk": b"5\r\nhelloX\r\n",
    "half an end of a chunk": b"5\r\nhello\rX",
    "a chunk ended by LF": b"5\r\nhello\n5\r\nhello\r\n",
    "a control in an extension": b"5;\x00\r\nhello\r\n",
    "CR in an extension": b"5;a\rb\r\nhello\r\n",
    "an endless line": b"5;" + b"a" * 2000,
    "more digits than 64 bits": b"1" + b"0" * 16 + b"\r\n",
    "endless trailers": b"0\r\n" + b"x-a: b\r\n" * 4000,
    "a folded trailer without a name": b"0\r\n a\r\n\r\n",
}


def read(reader, pieces):
    """The content, whether it ended, and what was left in the buffer."""
    buf, content, ended = ReceiveBuffer(), b"", False
    for piece in pieces:
        buf += piece
        while not ended and (event := reader(buf)) is not None:
            if isinstance(event, h11.EndOfMessage):
                ended = True
            else:
                content += event.data
    return content, ended, bytes(buf)


def cut(data, cuts):
    edges = sorted({0, len(data), *(at % len(data) for at in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.lists(st.integers(0, 200), max_size=40))
def test_however_it_is_cut_it_is_the_same_body(cuts):
    assert (b"hello world, again", True, b"GET / HTTP/1.1") == read(ChunkReader(), cut(GOOD, cuts))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.lists(st.integers(0, 2000), max_size=20))
def test_it_reads_what_h11_reads(chunks, cuts):
    data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    assert read(ChunkedReader(), cut(data, cuts)) == read(ChunkReader(), cut(data, cuts)) == (b"".join(chunks), True, b"")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", BAD)
def test_what_is_not_chunked_is_refused(name, size):
    pieces = [BAD[name][at : at + size] for at in range(0, len(BAD[name]), size)]

    with pytest.raises(h11.ProtocolError):
        read(ChunkReader(), pieces)


def test_a_body_that_ends_early_is_refused():
    with pytest.raises(h11.RemoteProtocolError):
        ChunkReader().read_eof()


@pytest.mark.parametrize(("size", "taken"), [(1, False), (4, False), (6, True), (100, True)])
def test_a_long_body_may_not_have_more_framing_than_content(size, taken):
    """`6 CRLF 123456 CRLF` is as much framing as it can be."""
    data = (b"%x\r\n" % size + b"a" * size + b"\r\n") * 100_000 + b"0\r\n\r\n"

    if taken:
        assert (b"a" * size * 100_000, True, b"") == read(ChunkReader(), [data])
    else:
        with pytest.raises(h11.RemoteProtocolError):
            read(ChunkReader(), [data[at : at + 65536] for at in range(0, len(data), 65536)])


def test_a_short_body_may_come_byte_by_byte():
    assert (b"a" * 10_000, True, b"") == read(ChunkReader(), [b"1\r\na\r\n" * 10_000 + b"0\r\n\r\n"])


def test_extensions_are_framing():
    with pytest.raises(h11.RemoteProtocolError):
        read(ChunkReader(), [b"1;" + b"a" * 900 + b"\r\nb\r\n"] * 200)
