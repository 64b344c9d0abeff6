"""Chat requests of a given size for the bench: prose, code and JSON in turn, each with letters of its own so that no cache can
answer it and nothing takes them for a number.

The bench's provider reads its orders from the text: `@pace=20` (milliseconds between events), `@hold` (one event, then silence).
"""

import json
import random
from collections.abc import Sequence
from functools import cache
from typing import Protocol

from bench.conversation import code, letters, listings, prose

MARK = "@@letters@@"


class Asks(Protocol):
    """Requests as bytes, by number."""

    def next(self, number: int) -> bytes: ...


class Body:
    """Chat requests as bytes, a text each; `next()` gives the next of them with these letters inside."""

    def __init__(self, texts: Sequence[str], *, stream: bool = False, known: bool = False) -> None:
        self._halves = [_halves(text, stream=stream, known=known) for text in texts]

    def next(self, number: int) -> bytes:
        before, after = self._halves[number % len(self._halves)]
        return b"%s%s%s" % (before, letters(number).encode(), after)


def _halves(text: str, *, stream: bool, known: bool) -> tuple[bytes, bytes]:
    said = [text, f"and {MARK}"] if known else [f"request {MARK} {text}"]
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        *({"role": "user", "content": content} for content in said),
    ]
    value = {"model": "gpt-4o-mini", "messages": messages, "max_tokens": 4096, "temperature": 0}
    if stream:
        value |= {"stream": True, "stream_options": {"include_usage": True}}
    before, _, after = json.dumps(value).encode().partition(MARK.encode())
    return before, after


@cache
def texts(size: int) -> list[str]:
    """Texts of `size` characters: five of prose, two of code, one of JSON."""
    chance = random.Random(size)
    starts = [chance.randrange(len(prose()) - size) for _ in range(5)]
    sources, answers = "\n".join(code()), "\n".join(listings())
    return [
        *(prose()[start : start + size] for start in starts),
        *(sources[start : start + size] for start in (0, len(sources) - size)),
        (answers * (size // len(answers) + 1))[:size],
    ]


def small() -> Body:
    return Body(texts(1850))


def large() -> Body:
    """64 KB: new as a whole with the first letters, though its pieces are not."""
    return Body(texts(64 * 1024))


def known() -> Body:
    """64 KB that are the same in every request, and a message that is new."""
    return Body(texts(64 * 1024), known=True)


def paced(milliseconds: int) -> Body:
    return Body([f"@pace={milliseconds} {text}" for text in texts(1800)], stream=True)


def burst() -> Body:
    return Body(texts(1800), stream=True)


def held(size: int) -> Body:
    return Body([f"@hold {text}" for text in texts(size)], stream=True)
