"""Frame the messages between a worker and the model server: length-prefixed JSON, bounded.

A request is `{"id", "model", "options", "items", "share"}`: `items` are texts, `share` names on whose account it is worked on; one
without items loads the model. An answer is `{"id", "results", "batch", "queue"}`, one result for each item, with
the pieces in the batch it came of and the requests that still wait, or `{"id", "error"}`: a code, sometimes a
reason after a colon, and never a text. `{"cancel"}` takes the request of this id back. `{"alive"}` is answered with the same once
the work in hand is done.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, Protocol

import orjson

from outgate.errors import OutageError, ToldError

MAX_FRAME = 32 * 1024 * 1024
_LENGTH = Struct(">I")


CODES = frozenset({"busy", "too_large", "unencodable", "protocol", "failed", "unknown_model", "unloadable"})


class Models(Protocol):
    """The part of ModelClient that is asked. Raises ModelServerError."""

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]: ...


class ModelServerError(ToldError):
    """The model server gave no answer. `code` is one of CODES; `why` says why a model cannot be loaded."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"the model server gave no answer: {code}{why and ': '}{why}")
        self.code = code

    @property
    def told(self) -> str:
        return f"the model server gave no answer: {self.code}"


class ModelServerDownError(ModelServerError, OutageError):
    """There is no model server now; its supervisor has said so. `code`: down."""

    def __init__(self) -> None:
        super().__init__("down")


def frame(message: dict[str, Any]) -> bytes:
    """A message as bytes. Raises ModelServerError for a text that is not Unicode (a lone surrogate) or a frame beyond the bound."""
    try:
        body = orjson.dumps(message, default=_plain)
    except orjson.JSONEncodeError:
        raise ModelServerError("unencodable") from None
    if len(body) > MAX_FRAME:
        raise ModelServerError("too_large")
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Messages out of bytes as they arrive. Raises ModelServerError(protocol) for anything but frames of JSON objects."""

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
                raise ModelServerError("protocol")
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
        raise ModelServerError("protocol") from None
    if not isinstance(message, dict):
        raise ModelServerError("protocol")
    return message
