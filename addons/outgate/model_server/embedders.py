"""Name embedders: what a policy says of one, what the model server is asked for, and the version of its vectors.

Workers and the policy import it: nothing of an engine is imported here.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from outgate.model_server.engines import packaged

ONNX, SENTENCE_TRANSFORMERS = "onnx", "sentence-transformers"
DEFAULT = "default"
"""The name of the embedder that is used where none is named."""


class Embedder(NamedTuple):
    """An encoder as it is asked for: its engine, its precision or its folder, and the version that its vectors must have."""

    engine: str
    of_engine: str
    version: str

    @property
    def options(self) -> tuple[str, ...]:
        """The options under which the model `embed` is asked."""
        return tuple(self)

    @property
    def name(self) -> str:
        return f"{packaged.NAME} in {self.of_engine}" if self.engine == ONNX else self.of_engine

    @classmethod
    def packaged(cls, precision: str = "int8") -> "Embedder":
        """The packaged encoder on ONNX Runtime."""
        return cls(ONNX, precision, packaged.encoder_version(precision))

    @classmethod
    def in_folder(cls, folder: Path) -> "Embedder":
        """A model of sentence-transformers in a folder."""
        return cls(SENTENCE_TRANSFORMERS, str(folder), folder_version(folder))

    @classmethod
    def of_options(cls, options: Sequence[str]) -> "Embedder":
        """The embedder of these options; without any, the packaged one. Raises ValueError for what are none."""
        return cls(*options) if options else cls.packaged()


class Embedders:
    """The embedders that a policy names."""

    def __init__(self, named: Mapping[str, Embedder]) -> None:
        self._named = {DEFAULT: Embedder.packaged()} | dict(named)

    def named(self, name: str) -> Embedder:
        """Raises ValueError, with the names there are, for another."""
        if name not in self._named:
            raise ValueError(f"there is no model {name!r}: name one under `models`; there are {', '.join(sorted(self._named))}")
        return self._named[name]


def folder_version(folder: Path) -> str:
    """A digest of the names, sizes and times of the files in a folder: cheap, and another one whenever a file is replaced."""
    digest = hashlib.sha256()
    for path in sorted(Path(root) / name for root, _, names in os.walk(folder) for name in names):
        stat = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return f"{folder.name}-{digest.hexdigest()[:16]}"
