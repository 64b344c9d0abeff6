"""Embed texts in the model server: an item is a text, its result the base64 of its unit vector."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple

from outgate.model_server.engines import Encoder


class Text(NamedTuple):
    """A text, which is never cut into more than one piece."""

    pieces: tuple[str]


class EmbedModel:
    """The model `embed`. The encoder is loaded with the first text."""

    def __init__(self, load_encoder: Callable[[], Encoder]) -> None:
        self._load = load_encoder
        self._encoder: Encoder | None = None

    def split(self, item: str) -> Text:
        return Text((item,))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[str]:  # noqa: ARG002
        if self._encoder is None:
            self._encoder = self._load()
        return [b64encode(vector).decode() for vector in self._encoder.embed(pieces)]

    def merge(self, job: Text, found: Sequence[str]) -> str:  # noqa: ARG002
        return found[0]


def load() -> EmbedModel:
    """The model `embed` of the model server."""

    def load_encoder() -> Encoder:
        from outgate.model_server.engines.onnx import load_encoder

        return load_encoder()

    return EmbedModel(load_encoder)
