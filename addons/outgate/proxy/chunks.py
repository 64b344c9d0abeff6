"""Read a chunked request body (RFC 9112 section 7.1), all chunks that have come at once; refuse one that is mostly framing.

h11, behind mitmproxy, takes 10 µs a chunk, so that 2 MB in chunks of one byte would be 15 s. Here a chunk is 1 µs, and a body that
is more framing than content is refused beyond an allowance.
"""

import re
from collections.abc import Iterator

from h11 import Data, EndOfMessage, RemoteProtocolError

from outgate.proxy.internals import ReceiveBuffer, decode_header_lines

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_LONGEST_LINE = 1024
_LONGEST_TRAILERS = 16 * 1024
_ALLOWANCE = 64 * 1024
"""Bytes of framing that every body may have; beyond it, no more than it has content."""


class ChunkReader:
    """Reads one body, called as mitmproxy calls the readers of h11. Raises h11.ProtocolError."""

    def __init__(self) -> None:
        self._left = 0
        self._inside = False
        self._framing = self._content = 0
        self._ended = False

    def __call__(self, buf: ReceiveBuffer) -> Data | EndOfMessage | None:
        """What has come of the content; its end, once trailers have come, which are dropped; None where more is needed."""
        if not self._ended:
            content = self._taken(buf)
            if content:
                return Data(data=content)
        return self._trailers(buf) if self._ended else None

    def read_eof(self) -> None:
        raise RemoteProtocolError("the connection ended in a chunked body")

    def _taken(self, buf: ReceiveBuffer) -> bytes:
        data = bytes(buf.maybe_extract_at_most(len(buf)) or b"")
        content = b"".join(self._pieces(data))
        rest = data[self._at :]
        buf += rest
        self._content += len(content)
        self._framing += self._at - len(content)
        if self._framing > _ALLOWANCE + self._content:
            raise RemoteProtocolError("the body has more framing than content")
        return content

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """The content in `data`, chunk by chunk; `_at` is how far it was read."""
        at, size = 0, len(data)
        self._at = 0
        while at < size:
            if self._inside:
                end = at + self._left
                yield data[at:end]
                if end + 2 > size:
                    self._break_off(data, end)
                    return
                if data[end : end + 2] != b"\r\n":
                    raise RemoteProtocolError("a chunk does not end where it should")
                at, self._inside = end + 2, False
                self._at = at
            line = _SIZE_LINE.match(data, at)
            if line is None:
                if size - at > _LONGEST_LINE or b"\n" in data[at:]:
                    raise RemoteProtocolError("a chunk has no size")
                return
            self._at = at = line.end()
            self._left = int(line[1], 16)
            if not self._left:
                self._ended = True
                return
            self._inside = True

    def _break_off(self, data: bytes, end: int) -> None:
        """The chunk goes on, or its last two bytes do, in what comes next."""
        self._left = max(0, end - len(data))
        self._at = min(end, len(data))
        if not b"\r\n".startswith(data[self._at :]):
            raise RemoteProtocolError("a chunk does not end where it should")

    def _trailers(self, buf: ReceiveBuffer) -> EndOfMessage | None:
        lines = buf.maybe_extract_lines()
        if lines is None:
            if len(buf) > _LONGEST_TRAILERS:
                raise RemoteProtocolError("the trailers are too long")
            return None
        list(decode_header_lines(map(bytes, lines)))
        return EndOfMessage()
