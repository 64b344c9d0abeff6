"""Incremental parser of server-sent events (WHATWG HTML, section 9.2.6), independent of chunk borders.

Rules: a line ends with LF, CR or CRLF; a blank line ends an event; an event without `data` is no event; unknown fields are nothing;
a stream that ends inside an event does not have that event. One event may be `limit` bytes long. What holds no event and keeps the
connection alive, a comment above all, is told as `KEEP_ALIVE`; at which chunk is all that depends on the borders of chunks.
"""

from typing import NamedTuple

from outgate.errors import WireError

CONTENT_TYPE = "text/event-stream"
LIMIT = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_FAST = b"data: "
_QUIET = (b":", b"\n")


class SseEvent(NamedTuple):
    """One event: its data (lines joined by LF, not yet decoded), its name, and the last event id of the stream."""

    data: bytes
    name: bytes = b""
    id: bytes = b""


KEEP_ALIVE = SseEvent(b"")
"""A comment, blank lines, or fields without data: a sign of life. Compared by identity."""


class SseParser:
    """Bytes in, events out. Feeding the same bytes in other chunks gives the same events.

    `retry` is the reconnection time in ms that the stream asked for. Raises WireError("event_too_large") once an event exceeds
    `limit` bytes; the parser is of no use after that.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.retry: int | None = None
        self._limit = limit
        self._rest = bytearray()
        self._seen = 0
        self._after_cr = False
        self._start: bytes | None = b""
        self._id = b""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that this chunk completes, in order."""
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if b"\r" in chunk or self._after_cr:
            chunk = self._with_line_feeds(chunk)
        rest = self._rest
        if not rest and chunk[:1] == b"\n" and not chunk.strip(b"\n"):
            return [KEEP_ALIVE]
        if not rest and chunk.endswith(b"\n\n"):
            return self._events(chunk[:-2])
        rest += chunk
        end = rest.rfind(b"\n\n", max(0, self._seen - 1))
        if end < 0:
            if rest[:1] in _QUIET and _is_quiet(rest):
                rest.clear()
                return [KEEP_ALIVE]
            self._seen = len(rest)
            if self._seen > self._limit + 1:  # a line feed at its end may be half of the blank line
                raise WireError("event_too_large", "an event of the stream is too long")
            return []
        block = bytes(rest[:end])
        del rest[: end + 2]
        self._seen = 0
        events = self._events(block)
        if len(rest) > self._limit + 1:
            raise WireError("event_too_large", "an event of the stream is too long")
        return events

    @property
    def pending(self) -> bool:
        """Whether the stream so far ends inside an event."""
        return not _is_quiet(self._rest + b"\n")

    def rest(self) -> list[SseEvent]:
        """The event inside which the stream has ended. By the rules it is none, but some servers leave out the last blank line."""
        block = bytes(self._rest.strip(b"\n"))
        self._rest.clear()
        return self._events(block) if block else []

    def _without_bom(self, chunk: bytes) -> bytes:
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _events(self, blocks: bytes) -> list[SseEvent]:
        events = []
        for block in blocks.split(b"\n\n"):
            if len(block) > self._limit:
                raise WireError("event_too_large", "an event of the stream is too long")
            if block.startswith(_FAST) and b"\n" not in block:
                events.append(SseEvent(block[6:], b"", self._id))
            elif block.strip(b"\n"):
                events.append(self._event(block))
        return events

    def _event(self, block: bytes) -> SseEvent:
        name = b""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
            elif field == b"id" and b"\0" not in value:
                self._id = value
            elif field == b"retry" and value.isdigit():
                self.retry = int(value[:9])
        return SseEvent(b"\n".join(data), name, self._id) if data else KEEP_ALIVE


def _is_quiet(lines: bytearray) -> bool:
    """Whether these are whole lines, and all of them blank or comments."""
    return lines.endswith(b"\n") and all(not line or line.startswith(b":") for line in lines.split(b"\n"))


def is_stream(content_type: str | None) -> bool:
    """Whether an answer of this Content-Type comes event by event."""
    return (content_type or "").strip().lower().startswith(CONTENT_TYPE)


def encode(data: bytes, name: bytes = b"") -> bytes:
    """One event as bytes; data of several lines becomes several fields."""
    head = b"event: " + name + b"\n" if name else b""
    return head + b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"
