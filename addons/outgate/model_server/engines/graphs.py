"""Keep written graphs in a folder, so that a later start only reads them.

A file is the digest of a graph, then the graph. One that is cut short, damaged or not ours is written again. Where the folder
cannot be written to (a full disk, another user's environment) a graph lives in memory alone, and every start makes it again.
"""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size


def folder() -> Path:
    """The folder beside the installed packages, where set-up leaves graphs for every process."""
    return Path(sys.prefix) / "share" / "outgate"


def graph(name: str, write: Callable[[], bytes], kept_in: Path) -> bytes:
    """The graph of this name, read or written. The name must say what it was made from."""
    path = kept_in / f"{name}.graph"
    kept = _read(path)
    if kept is None:
        kept = write()
        with contextlib.suppress(OSError):
            _keep(path, kept)
    return kept


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    body = data[_DIGEST:]
    return body if body and hashlib.sha256(body).digest() == data[:_DIGEST] else None


def _keep(path: Path, body: bytes) -> None:
    """Put the whole file in place at once: who reads meanwhile sees the old one or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
