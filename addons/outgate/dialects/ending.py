"""The end of a stream in given words: what has left of an answer is noted, so that it can be completed at any event.

An answer in the middle of a tool call cannot be ended so: its client might run what there is of the call. Calls of answers that may
be ended are held until they are whole (`exchange.calling`), so none is open but one that is too long to be held.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from outgate.dialects.json_body import dump
from outgate.dialects.sse import encode as sse_event
from outgate.errors import WireError
from outgate.inference.stream import Event


class Ending(Protocol):
    """What has left of one streamed answer."""

    def see(self, event: Event) -> None:
        """An event has left."""
        ...

    def words(self, text: str, part: Hashable) -> bytes:
        """What completes the answer with these words, said where `part` stands. Raises WireError where it cannot be."""
        ...


GAP = "\n\n"
"""Between what has been said and the words."""


def in_a_call() -> WireError:
    """Why an answer cannot be ended in words."""
    return WireError("no_canned_answer", "an answer in the middle of a tool call cannot be ended in words")


def named(tree: Mapping[str, Any]) -> bytes:
    """An event under the name of its type."""
    return sse_event(dump(tree), str(tree["type"]).encode())
