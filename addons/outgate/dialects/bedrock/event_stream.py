"""Incremental parser of Amazon's event stream (`application/vnd.amazon.eventstream`), the framing of streamed answers.

A frame is its length, the length of its header fields, a checksum of these two, the fields, a payload, and a checksum of all
before (smithy.io/2.0/aws/amazon-eventstream.html). A frame that is torn, too long, or has not its checksum breaks the stream:
what follows it cannot be found.
"""

import struct
from zlib import crc32

from outgate.dialects.json_body import dump
from outgate.dialects.sse import LIMIT, SseEvent
from outgate.errors import WireError

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_LEAST = _PRELUDE.size + _CHECKSUM.size
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a value by its type; those of the two types below say how many they are."""
_BYTES, _STRING = 6, 7


class EventStreamParser:
    """Bytes in, events out: the payload of each frame, under the name of its event, its exception, or `error`.

    Raises WireError("bad_frame") or WireError("event_too_large"); the parser is of no use after that.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that this chunk completes, in order."""
        self._rest += chunk
        events = []
        while (length := self._length()) and len(self._rest) >= length:
            events.append(_event(bytes(self._rest[:length])))
            del self._rest[:length]
        return events

    def rest(self) -> list[SseEvent]:
        """Nothing: a frame inside which the stream has ended is none. Raises WireError("truncated") where there is one."""
        if self._rest:
            raise WireError("truncated", "the stream ended inside a frame")
        return []

    def _length(self) -> int:
        """Bytes of the frame that has begun; 0 where too little of it is there to say."""
        if len(self._rest) < _PRELUDE.size:
            return 0
        length, fields, checksum = _PRELUDE.unpack_from(self._rest)
        if crc32(self._rest[:8]) != checksum or length < _LEAST + fields:
            raise WireError("bad_frame", "a frame of the stream is malformed")
        if length > self._limit:
            raise WireError("event_too_large", "an event of the stream is too long")
        return int(length)


def _event(frame: bytes) -> SseEvent:
    if crc32(frame[: -_CHECKSUM.size]) != _CHECKSUM.unpack(frame[-_CHECKSUM.size :])[0]:
        raise WireError("bad_frame", "a frame of the stream is malformed")
    end = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
    fields = _fields(frame[_PRELUDE.size : end])
    kind = fields.get(":message-type", "event")
    if kind == "error":  # which has its words in its fields
        return SseEvent(dump({"message": fields.get(":error-message", ""), "code": fields.get(":error-code", "")}), b"error")
    return SseEvent(frame[end : -_CHECKSUM.size], fields.get(f":{kind}-type", "").encode())


def _fields(raw: bytes) -> dict[str, str]:
    """The header fields that are strings. Raises WireError for what is malformed."""
    fields, at = {}, 0
    try:
        while at < len(raw):
            name, at = raw[at + 1 : at + 1 + raw[at]].decode(), at + 1 + raw[at]
            kind, at = raw[at], at + 1
            if kind in (_BYTES, _STRING):
                size, at = _SHORT.unpack_from(raw, at)[0], at + _SHORT.size
            else:
                size = _SIZES[kind]
            if kind == _STRING:
                fields[name] = raw[at : at + size].decode()
            at += size
    except (ValueError, LookupError, struct.error) as error:
        raise WireError("bad_frame", "a frame of the stream is malformed") from error
    if at != len(raw):
        raise WireError("bad_frame", "a frame of the stream is malformed")
    return fields
