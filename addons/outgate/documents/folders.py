"""Read files of a folder: no step leads out of it, no link is followed, nothing that is not a plain file is opened.

Each step is opened in the folder that the step before it gave: renaming or exchanging one meanwhile changes nothing.
"""

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NO_STEP = frozenset({"", ".", ".."})
_PIECE = 1024 * 1024


class UnreadFileError(Exception):
    """A file that is not read; the argument says why, for who asked for it."""


class LocalFile(NamedTuple):
    """The bytes of a file, and what changes when it does."""

    data: bytes
    version: str


def read_file(folder: str, steps: Sequence[str], most: int, known: str = "") -> LocalFile | None:
    """A file of the folder; None where its version is the known one. Raises UnreadFileError."""
    try:
        with ExitStack() as opened:
            return _read(_opened(folder, steps, opened), most, known)
    except (OSError, ValueError):
        raise UnreadFileError("there is no such file in the folder of the policy") from None


def _opened(folder: str, steps: Sequence[str], opened: ExitStack) -> int:
    """The descriptor of the file."""
    if any(step in _NO_STEP or "/" in step for step in steps):
        raise UnreadFileError("its path leads out of the folder of the policy")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, at)
    for step in steps[:-1]:
        at = os.open(step, _STEP, dir_fd=at)
        opened.callback(os.close, at)
    _insist(os.stat(steps[-1], dir_fd=at, follow_symlinks=False))
    file = os.open(steps[-1], _FILE, dir_fd=at)
    opened.callback(os.close, file)
    _insist(os.fstat(file))
    return file


def _insist(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnreadFileError("it is not a plain file")


def _read(file: int, most: int, known: str) -> LocalFile | None:
    version = _version(file)
    if version == known:
        return None
    pieces, size = [], 0
    while piece := os.read(file, _PIECE):
        size += len(piece)
        if size > most:
            raise UnreadFileError("it is larger than `max_bytes` of `hydrate`")
        pieces.append(piece)
    if _version(file) != version:
        raise UnreadFileError("it was being written while it was read")
    return LocalFile(b"".join(pieces), version)


def _version(file: int) -> str:
    found = os.fstat(file)
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"
