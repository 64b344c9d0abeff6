"""What goes over the socket between a worker and the encoder: length-prefixed JSON frames, bounded.

A question is `{"id", "tenant", "options", "items", "budget"}`: `items` are texts, `budget` the seconds its asker will wait. An
answer is `{"id", "results"}`, one result for each item, or `{"id", "error"}` with a code that never quotes a text.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

import orjson

from outgate.errors import OutgateError

MAX_FRAME = 32 * 1024 * 1024
_LENGTH = Struct(">I")


class EncoderError(OutgateError):
    """The encoder gave no answer. `code`: down, busy, deadline, too_large, unencodable, protocol, failed, unknown_tenant."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the encoder gave no answer: {code}")
        self.code = code


def frame(message: dict[str, Any]) -> bytes:
    """A message as bytes. Raises EncoderError for a text that is not Unicode (a lone surrogate) or a frame beyond the bound."""
    try:
        body = orjson.dumps(message, default=_plain)
    except orjson.JSONEncodeError:
        raise EncoderError("unencodable") from None
    if len(body) > MAX_FRAME:
        raise EncoderError("too_large")
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Messages out of bytes as they arrive. Raises EncoderError(protocol) for anything but frames of JSON objects."""

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that are complete now."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > self._limit:
                raise EncoderError("protocol")
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            body = bytes(buffer[_LENGTH.size : end])
            del buffer[:end]
            yield _message(body)


def _plain(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return list(value)  # a NamedTuple
    raise TypeError(type(value).__name__)


def _message(body: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EncoderError("protocol") from None
    if not isinstance(message, dict):
        raise EncoderError("protocol")
    return message
