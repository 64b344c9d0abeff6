"""Number the parts of one alternative of a stream whose API does not: one is open at a time, and ends where another begins."""

from collections.abc import Iterator
from typing import Any

from outgate.inference.conversation import Part, PartBegun, PartEnded, Piece, StreamItem


class Numbered:
    """The parts of this `alternative` so far. `open` is what tells the open one from the next, None where none is."""

    def __init__(self, alternative: int) -> None:
        self.alternative, self._count = alternative, 0
        self.open: Any = None

    @property
    def at(self) -> int:
        """The number of the last part that began."""
        return self._count - 1

    def begin(self, key: Any, part: Part) -> Iterator[StreamItem]:
        """Begin a part, unless it is the open one."""
        if key == self.open:
            return
        yield from self.end()
        self.open = key
        yield PartBegun(self.next(), part, self.alternative)

    def next(self) -> int:
        """Take a number."""
        self._count += 1
        return self.at

    def piece(self, text: str) -> Piece:
        """More of the open part."""
        return Piece(self.at, text, self.alternative)

    def end(self) -> Iterator[StreamItem]:
        """End the open part, where there is one."""
        if self.open is not None:
            yield PartEnded(self.at, self.alternative)
        self.open = None
