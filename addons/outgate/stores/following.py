"""Follow the closing lines of a state folder as they are written, through rotation and recovery: each is told once.

A file is known by its run and number, which stay when it is archived. Nothing is locked: a line that is not whole yet, or an empty
one (a probe of the disk, which is cut off again), is read the next time.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from outgate.stores.journal import SUFFIX

_CLOSE = b'{"event":"close"'


class Following:
    """Lines that are written after this is made. Used by one thread."""

    def __init__(self, accounts: Path) -> None:
        self._journals, self._audit = accounts / "journals", accounts / "audit"
        self._places: dict[str, int] = {}
        self._whole = frozenset(path.name for path in self._archived())
        for name, path in self._living():
            self._places[name] = path.stat().st_size

    def new(self) -> Iterator[bytes]:
        """Closing lines, with their newline, that were not told yet. Raises OSError."""
        for name, path in self._living():
            with suppress(FileNotFoundError):  # archived in this moment, and found there
                yield from self._read(name, path)
        archived = {path.name: path for path in self._archived()}
        for name in archived.keys() - self._whole:
            yield from self._read(name, archived[name])
            self._places.pop(name, None)
        self._whole = frozenset(archived)

    def _living(self) -> Iterator[tuple[str, Path]]:
        return ((f"{path.parent.name}.{path.name}", path) for path in sorted(self._journals.glob(f"[!.]*/*{SUFFIX}")))

    def _archived(self) -> list[Path]:
        return sorted(self._audit.glob(f"*{SUFFIX}"))

    def _read(self, name: str, path: Path) -> Iterator[bytes]:
        place = self._places.get(name, 0)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size <= place:
                return
            file.seek(place)
            for line in file:
                if line == b"\n" or not line.endswith(b"\n"):
                    return
                place += len(line)
                self._places[name] = place
                if line.startswith(_CLOSE):
                    yield line
