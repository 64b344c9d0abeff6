"""Input tokens of images and other parts that are not text: by the provider's formula, else an upper bound.

OpenAI: 512-pixel tiles after fitting 2048 x 2048 and a shortest side of 768, or 32-pixel patches, at most 1,536, times a factor
(platform.openai.com/docs/guides/images-vision, "Calculating costs"; always as `detail: high`). Anthropic: width x height / 750
after fitting a long edge (docs.anthropic.com, "Vision"). An image given by address has no size here and costs the most its model
can charge. Audio, files and whatever else is not text cost one token for each byte they have in the body.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable
from functools import cache
from math import ceil
from struct import unpack_from

from outgate.dialects.rules import HOSTED
from outgate.dialects.spec import ImageMarks
from outgate.tokens.framing import family_of

HEAD = 90_000
_HEAD = rf"([A-Za-z0-9+/]{{32,{HEAD}}})"
"""The base64 of a file's first bytes: enough for its size in pixels."""
_UNKNOWN_MODEL = 4_784

_TILES = (  # model name contains, base, per tile
    ("gpt-4o-mini", 2833, 5667),
    ("gpt-5", 70, 140),
    ("o1", 75, 150),
    ("o3", 75, 150),
    ("computer-use", 65, 129),
    ("gpt-4", 85, 170),
)
_PATCHES = (  # model name contains, factor
    ("gpt-4.1-mini", 1.62),
    ("gpt-4.1-nano", 2.46),
    ("gpt-5-mini", 1.62),
    ("gpt-5-nano", 2.46),
    ("o4-mini", 1.72),
)


def unjudged_tokens(kinds: frozenset[str], body: Callable[[], tuple[bytes, int]], model: str, marks: ImageMarks | None) -> int:
    """Tokens of the parts of these kinds. `body` encodes the request, of long files the beginning, and says how long it is
    in whole; it is called only when there is such a part.
    """
    kinds -= {HOSTED}  # its definition is counted as text
    if not kinds:
        return 0
    encoded, size = body()
    tokens = 0 if kinds == {"image"} else size
    if "image" in kinds:
        count, sizes = _images(encoded, marks)
        tokens += sum(image_tokens(model, *size) for size in sizes) + max(0, count - len(sizes)) * most(model)
    return tokens


def _images(encoded: bytes, marks: ImageMarks | None) -> tuple[int, list[tuple[int, int]]]:
    """How many images a body holds, one at least, and the sizes of those whose files are in it."""
    if marks is None:
        return 1, []
    mark, data = _patterns(marks)
    return max(len(mark.findall(encoded)), 1), [
        size for match in data.finditer(encoded) if (size := dimensions(match[1])) is not None
    ]


@cache
def _patterns(marks: ImageMarks) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    return re.compile(marks.mark.encode()), re.compile((marks.data + _HEAD).encode())


def image_tokens(model: str, width: int, height: int) -> int:
    """Tokens of one image of this size in pixels."""
    if "claude" in model:
        return min(ceil(width * height / 750), most(model))
    for part, factor in _PATCHES:
        if part in model:
            return ceil(min(ceil(width / 32) * ceil(height / 32), 1536) * factor)
    for part, base, tile in _TILES:
        if part in model:
            return base + tile * _tiles(width, height)
    return _UNKNOWN_MODEL


def most(model: str) -> int:
    """The most one image can cost with this model."""
    if "claude" in model:
        return 1_600 if family_of(model).tokenizer == "claude/3.0" else _UNKNOWN_MODEL
    return image_tokens(model, 2048, 768)


def _tiles(width: int, height: int) -> int:
    fit = min(1.0, 2048 / max(width, height, 1))
    fit *= min(1.0, 768 / max(min(width, height) * fit, 1))
    return ceil(round(width * fit, 6) / 512) * ceil(round(height * fit, 6) / 512)


def dimensions(base64: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the first bytes of a PNG, GIF, WebP or JPEG file in base64; None if they are not there."""
    try:
        data = b64decode(base64[: len(base64) // 4 * 4])
    except Error:
        return None
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return unpack_from(">II", data, 16)
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        return unpack_from("<HH", data, 6)
    if data[:4] == b"RIFF" and data[8:15] == b"WEBPVP8":
        return _webp(data)
    return _jpeg(data) if data.startswith(b"\xff\xd8") else None


def _webp(data: bytes) -> tuple[int, int] | None:
    """The lossless and extended headers; a lossy one is left to the bound (RFC 9649 section 2)."""
    if data[15:16] == b"X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame header SOFn (ITU T.81, B.1.1.4 and B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(2, unpack_from(">H", data, at + 2)[0])
    return None
