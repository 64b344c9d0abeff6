"""How many HTTP/2 frames a client may send for what they bring: a frame costs 10 µs, however little is in it.

Floods of empty DATA, PING, SETTINGS, WINDOW_UPDATE or RST_STREAM frames, and bodies byte by byte, are all of them this. Frames are
counted before they are parsed. Nothing here depends on time, so a slow client is no worse off than a fast one.
"""

_MOST = 4096
"""Frames a client may be ahead; what one read of 64 KiB may hold of the smallest takes less than 50 ms."""
_HEADER = 9
_PREFACE = 24
_BYTES = 64
"""Bytes that earn the credit of one frame."""
_PER_EVENT = 4
"""Frames that each part of an answer earns: acknowledgements and windows follow it."""


class FrameCredit:
    """The credit of one connection."""

    __slots__ = ("_credit", "_partial", "_skip")

    def __init__(self) -> None:
        self._credit = _MOST
        self._partial = b""
        self._skip = _PREFACE

    def earn(self) -> None:
        """A part of an answer has been sent."""
        self._credit = min(_MOST, self._credit + _PER_EVENT)

    def spend(self, data: bytes) -> bool:
        """Whether the frames that begin in `data`, the next bytes of the connection, are within the credit."""
        self._credit = min(_MOST, self._credit + len(data) // _BYTES) - self._begun(data)
        return self._credit >= 0

    def _begun(self, data: bytes) -> int:
        if self._partial:
            data = self._partial + data
        at, size, count = self._skip, len(data), 0
        while at + _HEADER <= size:
            at += _HEADER + int.from_bytes(data[at : at + 3])
            count += 1
        self._partial = data[at:] if at < size else b""
        self._skip = max(0, at - size)
        return count
