"""Ordinary files: source and documentation of installed packages. An eighth of them, by name, is kept back from training."""

from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

_SUFFIXES = (".py", ".md", ".rst", ".txt", ".json", ".js", ".ts", ".html", ".yaml", ".toml", ".c", ".h")
_QUOTING = ("guard", "jail", "inject", "llm", "outgate")
"""Packages with these in their names quote attacks."""
_PART = 8


def ordinary_files(folders: Iterable[Path], *, kept_back: bool) -> list[Path]:
    """The files below the folders, in order: those that were kept back, or those to train on."""
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in _SUFFIXES
        and path.is_file()
        and not any(word in str(path).lower() for word in _QUOTING)
        and (crc32(path.name.encode()) % _PART == 0) == kept_back
    ]
