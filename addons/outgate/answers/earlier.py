"""Earlier turns of a conversation that need only mean what those of a kept answer mean (`history: meaning`).

Only what users said. All else that was said counts to the byte, what the assistant said too: an answer that came from the cache is
the same to the byte, and of others nobody knows cheaply whether they say the same. Nothing here is kept but redacted text.
"""

from collections.abc import Sequence

import orjson

from outgate.answers.settings import SimilarSettings
from outgate.detectors.pii.canonical import READABLE
from outgate.inference.prompt import Channel, Leaf

MOST_TURNS, MOST_CHARACTERS = 8, 4_000
"""Turns of users, and what they say together: a history beyond that counts to the byte."""


def earlier_of(leaves: Sequence[Leaf], texts: Sequence[str], at: int, settings: SimilarSettings) -> tuple[int, ...]:
    """The leaves that users said before the question at `at`; none where one of them is not plain, or they are too much."""
    if settings.history != "meaning":
        return ()
    turns = [leaf.turn for leaf in leaves]
    said = [index for index, leaf in enumerate(leaves) if leaf.channel is Channel.USER and index != at]
    plain = all(turns.count(turns[index]) == 1 and is_plain(leaves[index].text) for index in said)
    short = len(said) <= MOST_TURNS and sum(len(texts[index]) for index in said) <= MOST_CHARACTERS
    return tuple(said) if plain and short else ()


def is_plain(text: str) -> bool:
    """Whether it says something, without control characters, and nothing that looks like what we write for a placeholder."""
    printable = text.replace("\n", " ").replace("\t", " ").isprintable()
    return printable and not text.isspace() and text != "" and not READABLE.search(text)


def packed(texts: Sequence[str]) -> bytes:
    """As it is kept; empty where there is nothing."""
    return orjson.dumps(texts) if texts else b""


def unpacked(history: bytes) -> list[str]:
    """What was packed. Raises ValueError."""
    return [str(text) for text in orjson.loads(history)] if history else []
