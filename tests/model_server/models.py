"""Tenants for the model server that do what their texts say."""

from collections.abc import Sequence
from threading import Event
from typing import NamedTuple


class Pieces(NamedTuple):
    text: str

    @property
    def pieces(self) -> list[str]:
        return self.text.split("|")


class Echo:
    """One result for each item: what its pieces (between bars) said. `boom` raises, `wait` waits to be let go."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, ...]] = []
        self.waiting, self.go = Event(), Event()

    def split(self, item: str) -> Pieces:
        return Pieces(item)

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[str]:
        self.batches.append(tuple(pieces))
        if "boom" in pieces:
            raise RuntimeError("prompt text that must not be shown")
        if "wait" in pieces:
            self.waiting.set()
            self.go.wait(20)
        return [piece + "".join(options) for piece in pieces]

    def merge(self, job: Pieces, found: Sequence[str]) -> list[list[object]]:
        return [[word, 0, 1, 1.0] for word in found]
