"""Take a backend's credential out of whatever the provider answers, also where it is split between pieces.

A provider that echoes what it was sent would hand the key to the workload: in an error, in a 200, in a stream. Looked for are the
credential as it is, in hexadecimal, in base64 at any alignment, and with characters spelled as JSON escapes.
"""

import re
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

_SHOWN = b"***"
_ESCAPE = b"\\u00"
_PART = re.compile(rb"\\(?:u(?:0(?:0[0-9a-fA-F]?)?)?)?\Z")
"""An escape that is cut short."""
_ESCAPED = re.compile(rb"\\u00([0-7][0-9a-fA-F])")


class _Spellings(NamedTuple):
    """The ways to write some credentials: literally, and as a pattern of characters and escapes; the bytes in all of these."""

    literal: tuple[bytes, ...]
    escaped: re.Pattern[bytes]
    starts: frozenset[int]
    letters: frozenset[int]
    longest: int


@lru_cache(maxsize=64)
def _spellings(secrets: tuple[str, ...]) -> _Spellings:
    plain = [secret.encode("latin-1") for secret in secrets]
    literal = (
        *plain,
        *(case(each.hex()).encode() for each in plain for case in (str.lower, str.upper)),
        *(each for one in plain for each in _base64(one)),
    )
    escaped = b"|".join(b"".join(rb"(?:%b|\\u00(?i:%02x))" % (re.escape(bytes([c])), c) for c in each) for each in plain)
    starts = frozenset(each[0] for each in literal)
    letters = frozenset(b"".join(literal) + b"\\u0123456789abcdefABCDEF")
    return _Spellings(literal, re.compile(escaped), starts, letters, max(map(len, literal)))


def _base64(secret: bytes) -> list[bytes]:
    """What is the same of it in any base64 text, at each of the three alignments (the last characters depend on what follows)."""
    found = []
    for before in range(3):
        text = b64encode(bytes(before) + secret)
        whole = (before + len(secret)) // 3 * 4
        found.append(text[-(-before * 8 // 6) : whole])
    return found


class Scrubber:
    """`secrets` are credentials without their scheme. `feed` gives what may go on; what may be the beginning of one waits."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._known = _spellings(secrets)
        self._plain = self._known.literal[: len(secrets)]
        self._kept = b""

    def feed(self, data: bytes, *, last: bool) -> bytes:
        data = self._kept + data if self._kept else data
        for literal in self._known.literal:
            if literal in data:
                data = data.replace(literal, _SHOWN)
        if _ESCAPE in data:
            data = self._known.escaped.sub(_SHOWN, data)
        cut = len(data) if last else self._open(data)
        self._kept = data[cut:]
        return data[:cut] if self._kept else data

    def _open(self, data: bytes) -> int:
        """Where the tail begins that may be the beginning of a credential; the end where there is none."""
        if not data or data[-1] not in self._known.letters:
            return len(data)
        spelled = b"\\" in data[-6 * self._known.longest :]
        first = max(0, len(data) - (6 if spelled else 1) * self._known.longest)
        for at in range(first, len(data)):
            if (data[at] in self._known.starts or (spelled and data[at] == 0x5C)) and self._begins(data[at:], spelled=spelled):
                return at
        return len(data)

    def _begins(self, tail: bytes, *, spelled: bool) -> bool:
        if any(literal.startswith(tail) for literal in self._known.literal):
            return True
        if not spelled:
            return False
        text = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), _PART.sub(b"", tail))
        return any(each.startswith(text) for each in self._plain)
