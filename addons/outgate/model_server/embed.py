"""Embed texts in the model server: an item is a text, its result the base64 of its unit vector. Options name the embedder."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple

from outgate.model_server import engines
from outgate.model_server.embedders import Embedder
from outgate.model_server.engines import Encoder, EngineError
from outgate.model_server.scheduler import Bounds

_MOST = 65_536
"""Characters of a text that are kept; no model reads as many."""


class Text(NamedTuple):
    """A text, which is never cut into more than one piece."""

    pieces: tuple[str]


class EmbedModel:
    """The model `embed`. `load_encoder` gives the encoder of an embedder."""

    bounds = Bounds(pieces=16, characters=256)
    """About 10 ms: two texts of 50 tokens, or 16 of a few words."""
    takes_whole = True

    def __init__(self, load_encoder: Callable[[Embedder], Encoder]) -> None:
        self._load = load_encoder
        self._encoders: dict[Embedder, Encoder] = {}

    def prepare(self, options: Sequence[str]) -> None:
        """Load the encoder. Raises EngineError where there is none, or ValueError for what are no options."""
        embedder = Embedder.of_options(options)
        if embedder not in self._encoders:
            self._encoders[embedder] = self._load(embedder)

    def split(self, item: str) -> Text:
        return Text((item[:_MOST],))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[str]:
        encoder = self._encoders[Embedder.of_options(options)]
        return [b64encode(vector).decode() for vector in encoder.embed(pieces)]

    def merge(self, job: Text, found: Sequence[str]) -> str:  # noqa: ARG002
        return found[0]


def load() -> EmbedModel:
    """The model `embed` of the model server."""
    return EmbedModel(load_encoder)


@cache
def load_encoder(embedder: Embedder) -> Encoder:
    """The encoder of an embedder, one for all models of this process.

    Raises EngineError where there is none, or another than the policy was compiled for.
    """
    engine = import_module(f"{engines.__name__}.{embedder.engine.replace('-', '_')}")
    encoder: Encoder = engine.encoder_of(embedder.of_engine)
    if encoder.version != embedder.version:
        raise EngineError(f"the files of {embedder.name} have changed since the policy was loaded: reload it")
    return encoder
