"""Shape of an external guard: texts to the body of a question, an answer to the rules that matched in each text.

An answer is read strictly. What is missing, of another type, or about other texts than were asked makes it no answer at all
(ValueError), so that a guard which is broken never passes for one that found nothing.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from outgate.detectors.injection.finding import Found

type Findings = tuple[Found, ...]


class Piece(NamedTuple):
    """A text to be judged, or a slice of one, and where it stands."""

    text: str
    channel: str


class Asker(NamedTuple):
    """On whose behalf it is asked."""

    workload: str
    request: str
    model: str
    """The model that the caller asked for."""


class Shape(Protocol):
    """What differs between external guards. `most` is how many pieces one question holds; `rules` are the ids of what it finds."""

    @property
    def path(self) -> str: ...

    @property
    def most(self) -> int: ...

    @property
    def rules(self) -> Collection[str]: ...

    def question(self, pieces: Sequence[Piece], asker: Asker) -> Any:
        """The body of a question, as a JSON value."""
        ...

    def findings(self, answer: dict[str, Any], pieces: Sequence[Piece]) -> list[Findings]:
        """What was found in each piece. Raises ValueError for what is no answer to them."""
        ...


_SURROGATES = re.compile("[\ud800-\udfff]")


def encoded(question: Any) -> bytes:
    """A question as JSON."""
    return orjson.dumps(question)


def sendable(text: str) -> str:
    """The text as Unicode can carry it: half a surrogate pair, which no JSON text may hold, is shown as U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def decoded(answer: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises ValueError for anything else."""
    return member(orjson.loads(answer), dict)


def member[T](value: Any, kind: type[T]) -> T:
    """A value that is of just this type: a number is no flag, and a flag no number. Raises ValueError."""
    if type(value) is not kind:
        raise ValueError(f"not of the type {kind.__name__}")
    return value


def number(value: Any) -> float:
    """A score from 0 to 1. Raises ValueError."""
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError("no score")
    return float(value)
