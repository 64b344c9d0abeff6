"""Remove audit files that are older, larger together or more than an operator keeps. A journal is never touched."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from outgate.stores.journal import SUFFIX


class Kept(NamedTuple):
    """What is kept at most: seconds since the last line of a file, bytes of all files, files. None: no bound."""

    seconds: float | None = None
    size: int | None = None
    files: int | None = None

    @property
    def bounded(self) -> bool:
        return self != Kept()


def expired(audit: Path, kept: Kept, now: float) -> Iterator[Path]:
    """The files of an audit folder beyond what is kept, the oldest first. Raises OSError."""
    found = sorted(((path.stat(), path) for path in audit.glob(f"*{SUFFIX}")), key=lambda each: (each[0].st_mtime, each[1]))
    size, files = sum(stat.st_size for stat, _ in found), len(found)
    for stat, path in found:
        old = kept.seconds is not None and stat.st_mtime < now - kept.seconds
        much = kept.size is not None and size > kept.size
        if not (old or much or (kept.files is not None and files > kept.files)):
            return
        size, files = size - stat.st_size, files - 1
        yield path


def remove(audit: Path, kept: Kept, now: float) -> int:
    """Remove them; how many there were. Raises OSError."""
    paths = list(expired(audit, kept, now))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)
