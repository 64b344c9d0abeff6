"""Carry long base64 strings of a body as bytes: images and files are cut out before it is parsed, and put back when it is written.

Parsing, walking, counting and writing a string of 30 MB hold the interpreter lock for a quarter of a second together; of its mark,
which has a digest of it, nothing. A cut is only kept where the dialect's table says that the string is a blob, which no policy
reads: everywhere else, what was cut is put back before anything is judged.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

from outgate.errors import WireError

_LEAST = 65_536
"""Bytes of base64 from which a string is cut."""
_SLICE = 1 << 20
"""Looked at in one go, so that the loop may run between two."""
_HEAD = 256
"""Bytes in which the head of a `data:` URL ends."""
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
MARK = "\x01"
_ESCAPED = b"\\u0001"
_MARKED = re.compile(r"\x01([0-9a-f]{64})")
_WRITTEN = re.compile(rb"\\u0001([0-9a-f]{64})")


class Blobs:
    """The strings that were cut out of one body, by their digests. Immutable."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Mapping[bytes, memoryview]) -> None:
        self._pieces = pieces

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def whole(self, text: str) -> str:
        """A string as it came."""
        return _MARKED.sub(lambda mark: str(self._pieces[mark[1].encode()], "ascii"), text)

    def beyond(self, text: str) -> int:
        """How many characters longer it was."""
        return sum(len(self._pieces[mark[1].encode()]) - len(mark[0]) for mark in _MARKED.finditer(text))

    def written(self, marked: bytes, most: int | None = None) -> tuple[bytes, int]:
        """A body with the cuts put back, no more than `most` bytes of each; and the size that it has with all of them.

        Raises WireError for a mark that stands for nothing.
        """
        parts: list[bytes | memoryview] = list(_WRITTEN.split(marked))
        try:
            cuts = [self._pieces[bytes(digest)] for digest in parts[1::2]]
        except KeyError:
            raise WireError("unencodable", "the body cannot be written as JSON") from None
        parts[1::2] = cuts if most is None else [cut[:most] for cut in cuts]
        return b"".join(parts), sum(map(len, parts[::2])) + sum(map(len, cuts))


NO_BLOBS = Blobs({})


def cut(raw: bytes) -> tuple[bytes, Blobs]:
    """A body with marks for its long base64 strings. One that spells the mark itself stays as it is."""
    around: list[bytes] = []
    pieces: dict[bytes, memoryview] = {}
    view, done = memoryview(raw), 0
    for start, end in _runs(raw):
        piece = view[start:end]
        digest = sha256(piece).hexdigest().encode()
        pieces[digest] = piece
        around += (raw[done:start], _ESCAPED + digest)
        done = end
    if not pieces:
        return raw, NO_BLOBS
    short = b"".join((*around, raw[done:]))
    return (short, Blobs(pieces)) if 2 * short.count(_ESCAPED) == len(around) else (raw, NO_BLOBS)


def _runs(raw: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each long base64 string that names no member, without the head of a `data:` URL."""
    at = 0
    while at + _LEAST <= len(raw):
        quote = raw.rfind(b'"', at, at + _LEAST)
        if quote >= 0:
            at = quote + 1
            continue
        start, end = at + raw[at : at + _HEAD].rfind(b",") + 1, raw.find(b'"', at + _LEAST)
        if end < 0:
            return
        if end - start >= _LEAST and raw[end + 1 : end + _HEAD].lstrip()[:1] in (b",", b"}", b"]") and _is_base64(raw, start, end):
            yield start, end
        at = end + 1


def _is_base64(raw: bytes, start: int, end: int) -> bool:
    return not any(raw[at : min(at + _SLICE, end)].translate(None, _BASE64) for at in range(start, end, _SLICE))
