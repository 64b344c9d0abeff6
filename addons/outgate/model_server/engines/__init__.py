"""Engines that run embedding models and pair scorers, each behind the same two protocols; in the model server only."""

from collections.abc import Sequence
from typing import Protocol


class EngineError(Exception):
    """A model cannot be loaded: its files are missing, or are not the published ones."""


class Encoder(Protocol):
    """An embedding model. Vectors of different `version` are never compared."""

    name: str
    version: str
    """Name, precision, and digest of the weights and of how they are run."""
    dimension: int

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """A unit vector for each text, as little-endian float32."""
        ...


class PairScorer(Protocol):
    """A model that reads two texts together."""

    version: str

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How surely the two texts of each pair mean the same, 0 to 1; 0 for a pair that is too long to be read whole."""
        ...
