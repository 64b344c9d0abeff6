"""OpenAI's byte-pair encodings, read from files on this disk and never from the network.

tiktoken would fetch a file that is missing, or whose checksum is wrong, over HTTPS. So file and checksum are proved here, and its
definition of an encoding is given the ranks that were read; a missing or changed file is an error at start. Only the Rust core is
kept (52 MB for o200k; tiktoken's own `Encoding` holds a second copy of the table, 79 MB). No special token is known to it:
`<|endoftext|>` in a prompt is text.
"""

import hashlib
from binascii import a2b_base64
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import FunctionType
from typing import Any

from outgate.errors import OutgateError

_FILES = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}
"""Name of the file (SHA-1 of its address, as tiktoken caches it) and the SHA-256 of its content."""
_SLICE = 65_536
_LOOK_BACK = 2_048


class TokenizerDataError(OutgateError):
    """Tokenizer data is missing or not what it should be."""


class Bpe:
    """One encoding. Safe to share by threads."""

    def __init__(self, core: Any) -> None:
        self._encode = core.encode_ordinary

    def count(self, texts: Sequence[str]) -> list[int]:
        """The exact number of tokens of each text. Never raises: a lone surrogate counts as U+FFFD."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> int:
        if len(text) > _SLICE:
            return sum(self._one(piece) for piece in _slices(text))
        try:
            return len(self._encode(text))
        except UnicodeEncodeError:
            return len(self._encode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")))


def load(name: str, folder: Path | None = None) -> Bpe:
    """The encoding `o200k_base` or `cl100k_base` (half a second, once). Raises TokenizerDataError, never opens a socket."""
    return _read(name, folder or _folder())


@cache
def _read(name: str, folder: Path) -> Bpe:
    file, checksum = _FILES[name]
    try:
        data = (folder / file).read_bytes()
    except OSError as error:
        raise TokenizerDataError(f"tokenizer data of {name} is missing: install requirements/data.in") from error
    if hashlib.sha256(data).hexdigest() != checksum:
        raise TokenizerDataError(f"tokenizer data of {name} is not the published file")
    define = getattr(import_module("tiktoken_ext.openai_public"), name)
    spec = FunctionType(define.__code__, {**define.__globals__, "load_tiktoken_bpe": lambda *_, **__: _ranks(data)})()
    return Bpe(import_module("tiktoken._tiktoken").CoreBPE(spec["mergeable_ranks"], {}, spec["pat_str"]))


def _ranks(data: bytes) -> dict[bytes, int]:
    """Tokens in base64 and their ranks, a pair per line: a third of the time that tiktoken takes for them."""
    words = data.split()
    return dict(zip(map(a2b_base64, words[::2]), map(int, words[1::2]), strict=True))


def _folder() -> Path:
    try:
        package = distribution("llama-index-core")
    except PackageNotFoundError as error:
        raise TokenizerDataError("tokenizer data is not installed: see requirements/data.in") from error
    return Path(str(package.locate_file("llama_index/core/_static/tiktoken_cache")))


def _slices(text: str) -> list[str]:
    """Pieces of at most 64 Ki characters whose counts add up to the whole text's.

    tiktoken's regex overflows its stack on about a million white-space characters. No alternative of its patterns matches a
    non-space followed by a space, so a cut there is always a token boundary; where no such place is near, the cut is hard and
    may cost a token.
    """
    pieces, start = [], 0
    while len(text) - start > _SLICE:
        end = start + _SLICE
        cut = next((at for at in range(end, end - _LOOK_BACK, -1) if text[at] == " " and not text[at - 1].isspace()), end)
        pieces.append(text[start:cut])
        start = cut
    return [*pieces, text[start:]]
