"""Bounded decoding: what is honest comes through at any chunking, bombs and damage do not, and cost little."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import nullcontext

import brotli
import pytest
from backports import zstd

from outgate.errors import WireError
from outgate.net.decompress import DecodingLimits, decode, decoder

_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=4),
    "zstd": zstd.compress,
}
_TEXT = b"".join(b"%d: the quick brown fox\n" % number for number in range(20_000))


@pytest.mark.parametrize("coding", _PACK)
def test_round_trip_at_any_chunking(coding: str) -> None:
    packed = _PACK[coding](_TEXT)
    assert _TEXT == decode(packed, coding.upper())
    for size in (1, 7, 1000, 65_536):
        engine = decoder(coding)
        out = b"".join(engine.feed(packed[start : start + size]) for start in range(0, len(packed), size))
        engine.finish()
        assert _TEXT == out


@pytest.mark.parametrize("coding", [*_PACK, "identity", ""])
def test_empty_body_is_empty(coding: str) -> None:
    assert b"" == decode(b"", coding)


@pytest.mark.parametrize("coding", _PACK)
def test_bomb_is_refused_and_cheap(coding: str) -> None:
    bomb = _PACK[coding](b"\0" * 100_000_000)
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(WireError) as caught:
        decode(bomb, coding)
    spent, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "encoding_bomb" == caught.value.code
    assert spent < 0.25
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("coding", _PACK)
def test_bomb_in_small_pieces_is_refused_as_early(coding: str) -> None:
    bomb, engine = _PACK[coding](b"\0" * 100_000_000), decoder(coding)
    largest = 0
    with pytest.raises(WireError):
        for start in range(0, len(bomb), 16):
            largest = max(largest, len(engine.feed(bomb[start : start + 16])))

    assert largest < 4 * 1024 * 1024


@pytest.mark.parametrize("coding", [*_PACK, "identity"])
def test_size_is_bounded_exactly(coding: str) -> None:
    packed = _PACK.get(coding, bytes)(_TEXT)
    assert _TEXT == decode(packed, coding, DecodingLimits(size=len(_TEXT)))
    with pytest.raises(WireError) as caught:
        decode(packed, coding, DecodingLimits(size=len(_TEXT) - 1))

    assert "encoding_too_large" == caught.value.code


@pytest.mark.parametrize("coding", _PACK)
def test_every_truncation_is_refused(coding: str) -> None:
    packed = _PACK[coding](b"hello, hello, hello")
    for end in range(1, len(packed)):
        with pytest.raises(WireError):
            decode(packed[:end], coding)


@pytest.mark.parametrize("coding", _PACK)
@pytest.mark.parametrize("split", [False, True])
def test_nothing_follows_the_end(coding: str, split: bool) -> None:
    packed = _PACK[coding](b"hello")
    for tail in (b"x", packed, b"\0" * 10):
        engine = decoder(coding)
        with pytest.raises(WireError):
            for piece in (packed, tail) if split else (packed + tail,):
                engine.feed(piece)
            engine.finish()


@pytest.mark.parametrize("coding", _PACK)
def test_damage_raises_only_wire_errors(coding: str) -> None:
    packed = bytearray(_PACK[coding](_TEXT[:5000]))
    for index in range(0, len(packed), 3):
        damaged = bytes(packed[:index] + bytes([packed[index] ^ 0x55]) + packed[index + 1 :])
        try:
            decode(damaged, coding)
        except WireError:
            continue


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,br", "identity, gzip", ","])
def test_stacked_codings_are_refused(coding: str) -> None:
    with pytest.raises(WireError) as caught:
        decoder(coding)

    assert "encoding_stacked" == caught.value.code


@pytest.mark.parametrize("coding", ["compress", "rot13", "gzip;q=1", "gz ip", "*"])
def test_unknown_codings_are_refused(coding: str) -> None:
    with pytest.raises(WireError) as caught:
        decoder(coding)

    assert "encoding_unknown" == caught.value.code


def test_body_compressed_twice_stays_compressed_once() -> None:
    """Never unfolded a second time: what is inside is judged as the bytes it is, and is no JSON."""
    inner = gzip.compress(b"hello")

    assert inner == decode(gzip.compress(inner), "gzip")


def test_a_zstd_window_is_eight_mebibytes_at_most() -> None:
    """RFC 9659: what every decoder must support; a larger one would be memory that the sender chooses."""
    for log, refused in ((23, False), (24, True)):
        packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
        packed = packer.compress(_TEXT) + packer.flush()  # a frame that does not say how long it is
        with pytest.raises(WireError) if refused else nullcontext():
            decode(packed, "zstd")
