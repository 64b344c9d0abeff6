import pytest
from botocore.eventstream import EventStreamBuffer

from outgate.dialects.bedrock.event_stream import EventStreamParser
from outgate.errors import WireError
from support.bedrock_answers import called, event, events, exception, frame, said

STREAM = b"".join(events(said(["a", "b"]), called("reset", ['{"x":', "1}"], index=1)))
NUMBER = b"\x01n\x04\x00\x00\x00\x07"


def parsed(*chunks, limit=10_000):
    parser = EventStreamParser(limit)
    return [each for chunk in chunks for each in parser.feed(chunk)] + parser.rest()


def test_every_split_gives_the_same_events():
    wanted = parsed(STREAM)

    assert [b"messageStart", b"contentBlockDelta"] == [each.name for each in wanted[:2]]
    assert all(parsed(STREAM[:at], STREAM[at:]) == wanted for at in range(len(STREAM)))
    assert wanted == parsed(*(STREAM[at : at + 1] for at in range(len(STREAM))))


def test_amazons_own_parser_reads_the_same():
    oracle = EventStreamBuffer()
    oracle.add_data(STREAM)

    assert [(each.payload, each.headers[":event-type"].encode()) for each in oracle] == [
        (each.data, each.name) for each in parsed(STREAM)
    ]


def test_an_exception_and_an_error_have_their_names():
    error = frame(b"", message_type="error", error_code="500", error_message="worn out")

    assert [(b"throttlingException", b'{"message":"slow down"}'), (b"error", b'{"message":"worn out","code":"500"}')] == [
        (each.name, each.data) for each in parsed(exception("throttlingException", "slow down"), error)
    ]


@pytest.mark.parametrize("at", range(len(event("messageStart", role="assistant"))))
def test_attack_of_a_bit_turned_anywhere(at):
    raw = bytearray(event("messageStart", role="assistant"))
    raw[at] ^= 1
    with pytest.raises(WireError) as raised:
        parsed(bytes(raw))

    assert raised.value.code in {"bad_frame", "event_too_large", "truncated"}


@pytest.mark.parametrize("length", [1, 12, 17, len(STREAM) - 1])
def test_a_torn_frame_is_a_broken_stream(length):
    with pytest.raises(WireError, match="inside a frame"):
        parsed(STREAM[:length])


def test_attack_of_a_frame_without_end_is_refused_by_its_length():
    with pytest.raises(WireError, match="too long"):
        parsed(event("messageStart", role="a" * 200)[:12], limit=100)


@pytest.mark.parametrize("fields", [b"\x05ab", b"\x01n\x0a", b"\x01n\x07\xff\xffab", b"\x01\xff\x00", b"\x01n\x05\x00"])
def test_malformed_fields_are_refused(fields):
    with pytest.raises(WireError, match="malformed"):
        parsed(rewritten(fields))


def test_fields_of_other_types_are_passed_by():
    [found] = parsed(rewritten(NUMBER + b"\x01t\x00" + b"\x01b\x06\x00\x01x" + b"\x0b:event-type\x07\x00\x01e"))

    assert (b"e", b"{}") == (found.name, found.data)


def rewritten(fields):
    """A frame with these bytes for its header fields."""
    import struct
    from zlib import crc32

    prelude = struct.pack(">II", len(fields) + 18, len(fields))
    body = prelude + struct.pack(">I", crc32(prelude)) + fields + b"{}"
    return body + struct.pack(">I", crc32(body))
