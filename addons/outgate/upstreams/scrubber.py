"""Take a backend's credential out of whatever the provider answers, also where it is split between pieces.

A provider that echoes what it was sent would hand the key to the workload: in an error, in a 200, in a stream. Looked for are the
credential as it is, turned round, in UTF-16, hexadecimal, base32 and base64 at any alignment, base64 twice; and all of these with
characters spelled as escapes of JSON, of URLs, of HTML, or in quoted-printable.
"""

import re
from base64 import b32encode, b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

_SHOWN = b"***"
_LONGEST_ESCAPE = 8
_HEX = b"[0-9a-fA-F]"


class _Family(NamedTuple):
    """One way to escape characters: what begins an escape, a whole one, and one that is cut short at the end."""

    mark: bytes
    whole: re.Pattern[bytes]
    part: re.Pattern[bytes]


_FAMILIES = (
    _Family(
        b"\\",
        re.compile(rb"\\+(?:(?:u00|x)(?P<hex>%b{2})|(?P<self>/))" % _HEX),
        re.compile(rb"\\+(?:u(?:0(?:0%b?)?)?|x%b?)?\Z" % (_HEX, _HEX)),
    ),
    _Family(b"%", re.compile(rb"%%(?:25)*(?P<hex>%b{2})" % _HEX), re.compile(rb"%%(?:25)*%b?\Z" % _HEX)),
    _Family(
        b"&",
        re.compile(rb"&#(?:[xX]0{0,4}(?P<hex>%b{2})|0{0,4}(?P<number>1?[0-9]{2}));?" % _HEX),
        re.compile(rb"&(?:#(?:[xX]%b{0,6}|[0-9]{0,7})?)?\Z" % _HEX),
    ),
    _Family(b"=", re.compile(rb"=(?P<hex>[0-9A-F]{2})"), re.compile(rb"=[0-9A-F]?\Z")),
)


class _Spellings(NamedTuple):
    """The ways to write some credentials, the bytes in all of these and in escapes, and the longest."""

    literal: tuple[bytes, ...]
    letters: frozenset[int]
    longest: int


@lru_cache(maxsize=64)
def _spellings(secrets: tuple[str, ...]) -> _Spellings:
    plain = [secret.encode("latin-1") for secret in secrets]
    literal = tuple(dict.fromkeys(chain.from_iterable(map(_written, plain))))
    letters = frozenset(b"".join(literal) + b"\\/%&#=;ux0123456789abcdefABCDEF")
    return _Spellings(literal, letters, max(map(len, literal), default=0))


def _written(secret: bytes) -> Iterator[bytes]:
    yield from (secret, secret[::-1], b"\0".join(bytes([each]) for each in secret))
    for separator in ("", ":", " "):
        digits = secret.hex(separator) if separator else secret.hex()
        yield from (digits.encode(), digits.upper().encode())
    once = _aligned(secret, b64encode, 6)
    for text in chain(once, *(_aligned(each, b64encode, 6) for each in once)):
        yield from (text, text.translate(_URLSAFE))
    for text in _aligned(secret, b32encode, 5):
        yield from (text, text.lower())


_URLSAFE = bytes.maketrans(b"+/", b"-_")


def _aligned(secret: bytes, encode: Callable[[bytes], bytes], bits: int) -> list[bytes]:
    """What is the same of it in any such text, at each alignment (the characters around depend on what stands before and after)."""
    return [
        encode(bytes(before) + secret)[-(-before * 8 // bits) : (before + len(secret)) * 8 // bits]
        for before in range({6: 3, 5: 5}[bits])
    ]


class _View(NamedTuple):
    """A text with the escapes of one family read, and where its characters come from; `part` is where one begins that is cut
    short.
    """

    text: bytes
    starts: list[int]
    origins: list[int]
    part: int | None

    def origin(self, index: int) -> int:
        at = bisect_right(self.starts, index) - 1
        return self.origins[at] + index - self.starts[at]


def _views(data: bytes, *, more: bool) -> Iterator[_View]:
    """The text, and as it reads without its escapes. Where `more` will come, an escape at its end is not read yet."""
    yield _View(data, [0], [0], None)
    for family in _FAMILIES:
        if family.mark in data:
            cut = family.part.search(data, max(0, len(data) - 64)) if more else None
            if cut or family.whole.search(data):
                yield _read(data, family, cut)


def _read(data: bytes, family: _Family, cut: re.Match[bytes] | None) -> _View:
    end = cut.start() if cut else len(data)
    pieces, starts, origins, last, size = [], [0], [0], 0, 0
    for match in family.whole.finditer(data, 0, end):
        pieces += [data[last : match.start()], _character(match)]
        size += match.start() - last
        starts += [size, size + 1]
        origins += [match.start(), match.end()]
        last, size = match.end(), size + 1
    return _View(b"".join([*pieces, data[last:end]]), starts, origins, cut.start() if cut else None)


def _character(match: re.Match[bytes]) -> bytes:
    kind = match.lastgroup or "self"
    return match[kind] if kind == "self" else bytes((int(match[kind], 16 if kind == "hex" else 10),))


class Scrubber:
    """`secrets` are credentials without their scheme. `feed` gives what may go on; what may begin one waits in `kept`."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._known = _spellings(secrets)
        self.kept = b""

    def feed(self, data: bytes, *, last: bool) -> bytes:
        data = self._scrubbed(self.kept + data if self.kept else data)
        cut = len(data) if last else self._open(data)
        self.kept = data[cut:]
        return data[:cut] if self.kept else data

    def repeats(self, text: bytes) -> bool:
        """Whether a credential stands in the text, in any spelling."""
        return next(self._spans(text), None) is not None

    def _scrubbed(self, data: bytes) -> bytes:
        spans, kept, last = sorted(self._spans(data)), [], 0
        for start, end in spans:
            if start >= last:
                kept += [data[last:start], _SHOWN]
            last = max(last, end)
        return b"".join([*kept, data[last:]]) if spans else data

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        for view in _views(data, more=False):
            for literal in self._known.literal:
                at = view.text.find(literal)
                while at >= 0:
                    yield view.origin(at), view.origin(at + len(literal))
                    at = view.text.find(literal, at + len(literal))

    def _open(self, data: bytes) -> int:
        """Where the tail begins that may be the beginning of a credential; the end where there is none."""
        if not data or data[-1] not in self._known.letters:
            return len(data)
        before = max(0, len(data) - _LONGEST_ESCAPE * self._known.longest)
        return before + min(map(self._tail, _views(data[before:], more=True)))

    def _tail(self, view: _View) -> int:
        """Where in its data the longest end of this view begins with which a spelling begins."""
        text, first = view.text, len(view.text)
        for literal in self._known.literal:
            at = text.find(literal[:1], max(0, len(text) - len(literal) + 1), first)
            while at >= 0 and not literal.startswith(text[at:]):
                at = text.find(literal[:1], at + 1, first)
            first = at if at >= 0 else first
        if first == len(text) and view.part is not None:
            return view.part
        return view.origin(first)
