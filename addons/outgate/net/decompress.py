"""Decode one content coding incrementally, within bounds (RFC 9110 section 8.4.1).

Refused with WireError: unknown and stacked codings, output beyond `size` or `ratio`, damaged and truncated data, and anything after
the end, a second gzip member or zstd frame included. `deflate` is the zlib format of RFC 1950 only, as the RFC says.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import brotli  # type: ignore[import-untyped]
from backports import zstd

from outgate.errors import WireError

_STEP = 64 * 1024
_ZSTD_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB of window: RFC 8878 section 3.1.1.1.2 and RFC 9659: what every decoder of `zstd` must support, and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    """`size` is the most bytes a body may have decoded; `ratio` the most it may grow, judged once it is beyond `slack` bytes."""

    size: int = 32 * 1024 * 1024
    ratio: float = 100.0
    slack: int = 1024 * 1024


class _Codec(Protocol):
    """One coding: pieces of output for a piece of input, each of bounded size."""

    def pieces(self, data: bytes) -> Iterator[bytes]: ...

    def ended(self) -> bool: ...

    def left_over(self) -> bool: ...


class Decoder:
    """One body being decoded. `feed` and `finish` raise WireError; after that it is of no further use."""

    __slots__ = ("_codec", "_limits", "_read", "_written")

    def __init__(self, codec: _Codec, limits: DecodingLimits) -> None:
        self._codec = codec
        self._limits = limits
        self._read = 0
        self._written = 0

    def feed(self, data: bytes) -> bytes:
        """What this piece of the body decodes to."""
        if not data:
            return b""
        self._read += len(data)
        output = []
        try:
            for piece in self._codec.pieces(data):
                self._count(len(piece))
                output.append(piece)
        except (zlib.error, brotli.error, zstd.ZstdError):
            raise WireError("encoding_damaged", "the compressed body is damaged") from None
        if self._codec.left_over():
            raise WireError("encoding_trailing", "bytes follow the end of the compressed body")
        return b"".join(output)

    def finish(self) -> None:
        """The body has ended. A body of no bytes at all is empty, not truncated."""
        if self._read and not self._codec.ended():
            raise WireError("encoding_truncated", "the compressed body is truncated")

    def _count(self, size: int) -> None:
        self._written += size
        limits = self._limits
        if self._written > limits.size:
            raise WireError("encoding_too_large", "the body is too large when decoded")
        if self._written > limits.slack and self._written > limits.ratio * self._read:
            raise WireError("encoding_bomb", "the compressed body unfolds beyond all proportion")


class _Identity:
    """No coding: only the size is bounded."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def ended(self) -> bool:
        return True

    def left_over(self) -> bool:
        return False


class _Zlib:
    """gzip and deflate, by window bits."""

    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while True:
            piece = self._engine.decompress(data, _STEP)
            yield piece
            data = self._engine.unconsumed_tail
            # A full piece may leave output inside the engine although all input is consumed.
            if self._engine.eof or (not data and len(piece) < _STEP):
                return

    def ended(self) -> bool:
        return self._engine.eof

    def left_over(self) -> bool:
        return bool(self._engine.unused_data)


class _Brotli:
    """RFC 7932."""

    def __init__(self) -> None:
        self._engine = brotli.Decompressor()
        self._trailing = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._engine.is_finished():
            self._trailing = True
            return
        while True:
            piece = self._engine.process(data, output_buffer_limit=_STEP)
            yield piece
            data = b""
            # A full piece may leave output inside the engine although it would accept more input.
            if self._engine.is_finished() or (self._engine.can_accept_more_data() and len(piece) < _STEP):
                return

    def ended(self) -> bool:
        return bool(self._engine.is_finished())

    def left_over(self) -> bool:
        return self._trailing


class _Zstd:
    """RFC 8878, one frame."""

    def __init__(self) -> None:
        self._engine = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
        self._trailing = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._engine.eof:
            self._trailing = True
            return
        while True:
            yield self._engine.decompress(data, _STEP)
            data = b""
            if self._engine.eof or self._engine.needs_input:
                return

    def ended(self) -> bool:
        return self._engine.eof

    def left_over(self) -> bool:
        return self._trailing or bool(self._engine.unused_data)


_CODECS: dict[str, Callable[[], _Codec]] = {
    "": _Identity,
    "identity": _Identity,
    "gzip": lambda: _Zlib(31),
    "x-gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder(coding: str, limits: DecodingLimits = DecodingLimits()) -> Decoder:
    """A decoder for the value of Content-Encoding. Raises WireError where it names more than one coding, or an unknown one."""
    name = coding.strip().lower()
    if "," in name:
        raise WireError("encoding_stacked", "a body is compressed once at most")
    codec = _CODECS.get(name)
    if codec is None:
        raise WireError("encoding_unknown", "the content coding is not supported")
    return Decoder(codec(), limits)


def decode(body: bytes, coding: str, limits: DecodingLimits = DecodingLimits()) -> bytes:
    """A whole body, decoded. Raises WireError."""
    engine = decoder(coding, limits)
    output = engine.feed(body)
    engine.finish()
    return output
