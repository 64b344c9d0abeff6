"""The model `topics` of the model server: an item is JSON, `{"topics": [[vector]], "clusters": [n]}`, vectors float16 in base64."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson


class Job(NamedTuple):
    """An item, whole."""

    pieces: tuple[str]


class TopicsModel:
    """Pure: the same result for the same item."""

    def split(self, item: str) -> Job:
        return Job((item,))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[Any]:  # noqa: ARG002
        from outgate.routing.training import fitted  # with numpy, once it is asked for

        return [fitted(orjson.loads(piece)) for piece in pieces]

    def merge(self, job: Job, found: Sequence[Any]) -> Any:  # noqa: ARG002
        return found[0]


def load() -> TopicsModel:
    """The model `topics`."""
    return TopicsModel()
