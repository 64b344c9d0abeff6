import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.dialects.sse import KEEP_ALIVE, SseEvent, SseParser, encode
from outgate.errors import WireError

SPEC = [
    (b"data: a\n\n", [(b"a", b"")]),
    (b"data:a\n\n", [(b"a", b"")]),
    (b"data:  a\n\n", [(b" a", b"")]),
    (b"data: a\r\n\r\n", [(b"a", b"")]),
    (b"data: a\r\rdata: b\r\r", [(b"a", b""), (b"b", b"")]),
    (b"data: a\n\r\ndata: b\r\n\n", [(b"a", b""), (b"b", b"")]),
    (b"data: a\ndata: b\n\n", [(b"a\nb", b"")]),
    (b"data\n\n", [(b"", b"")]),
    (b"data\ndata\n\n", [(b"\n", b"")]),
    (b"event: x\ndata: a\n\ndata: b\n\n", [(b"a", b"x"), (b"b", b"")]),
    (b"event: x\n\ndata: b\n\n", [(b"b", b"")]),
    (b": comment\n\ndata: a\n\n", [(b"a", b"")]),
    (b"\xef\xbb\xbfdata: a\n\n", [(b"a", b"")]),
    (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [(b"b", b"")]),
    (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [(b"a", b""), (b"b", b"")]),
    (b"foo: bar\ndata: a\nfoo\n\n", [(b"a", b"")]),
    (b"data: a\n\ndata: cut", [(b"a", b"")]),
    (b"data: a\n\ndata: cut\n", [(b"a", b"")]),
    ("data: é日😀\n\n".encode(), [("é日😀".encode(), b"")]),
    (b"DATA: a\n\n data: b\n\n", []),
]


@pytest.mark.parametrize(("raw", "events"), SPEC, ids=[repr(raw[:24]) for raw, _ in SPEC])
def test_events_by_the_specification(raw, events):
    assert events == [(event.data, event.name) for event in SseParser().feed(raw) if event is not KEEP_ALIVE]


def test_ids_last_and_a_nul_is_ignored():
    events = SseParser().feed(b"id: 1\ndata: a\n\ndata: b\n\nid: x\0\ndata: c\n\nid\ndata: d\n\n")

    assert [b"1", b"1", b"1", b""] == [event.id for event in events]


def test_retry_takes_digits_only():
    parser = SseParser()
    parser.feed(b"retry: 3000\n\nretry: soon\n\n")

    assert 3000 == parser.retry


FIELDS = [
    b"data: x",
    b"data:",
    b"data",
    b"event: e",
    b": c",
    b"id: 7",
    b"id",
    b"retry: 1",
    "data: é😀\u2028".encode(),
    b"junk",
    b"",
    b"",
]
ENDS = [b"\n", b"\r", b"\r\n"]


def stream(r):
    bom = b"\xef\xbb\xbf" if r.random() < 0.2 else b""
    return bom + b"".join(r.choice(FIELDS) + r.choice(ENDS) for _ in range(r.randrange(1, 16)))


def fed(chunks):
    parser = SseParser()
    events = [event for chunk in chunks for event in parser.feed(chunk) if event is not KEEP_ALIVE]
    return events, parser.pending, parser.retry


def test_p3_chunking_never_changes_events():
    r = random.Random(3)
    splits = 0
    for _ in range(1500):
        raw = stream(r)
        whole = fed([raw])
        ways = [[raw[i : i + 1] for i in range(len(raw))]]
        for _ in range(14):
            cuts = sorted(r.randrange(len(raw) + 1) for _ in range(r.randrange(1, 6)))
            ways.append([raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)])
        for way in ways:
            splits += 1
            assert whole == fed(way), (raw, way)

    assert splits >= 20_000


@settings(max_examples=400, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_p4_any_bytes_give_events(chunks):
    assert fed([b"".join(chunks)]) == fed(chunks)


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_an_event_beyond_the_limit_is_refused_in_any_chunks(size):
    raw = b"data: " + b"x" * 200 + b"\n\n"
    parser = SseParser(limit=100)
    with pytest.raises(WireError) as caught:
        for at in range(0, len(raw), size):
            parser.feed(raw[at : at + size])

    assert "event_too_large" == caught.value.code


def test_an_event_at_the_limit_is_accepted_in_any_chunks():
    raw = b"data: " + b"x" * 94
    for size in (1, 99, 102):
        parser = SseParser(limit=100)
        whole = raw + b"\n\n"

        assert 1 == sum(len(parser.feed(whole[at : at + size])) for at in range(0, len(whole), size))


def test_many_small_chunks_of_a_large_event_are_linear():
    parser = SseParser()
    for _ in range(50_000):
        assert [] == parser.feed(b"data: xxxxxxxxxxxxxxxx\n")

    assert 1 == len(parser.feed(b"\n"))


@pytest.mark.parametrize(("data", "name"), [(b"{}", b""), (b"a\nb", b"x"), (b"", b"")])
def test_an_encoded_event_is_read_back(data, name):
    assert [SseEvent(data, name)] == SseParser().feed(encode(data, name))
