"""Findings of the prompt guard: a rule, how sure it is, and where. A trained detector gives the same."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol


class Weight(StrEnum):
    """What a finding may do. Only what is certain may refuse, answer or withhold; a signal is written down."""

    CERTAIN = "certain"
    SIGNAL = "signal"


class Found(NamedTuple):
    """A rule that matched a text. `score` is confidence in 0..1; a rule that matches is sure that it does."""

    rule: str
    weight: Weight = Weight.CERTAIN
    score: float = 1.0


class Placed(NamedTuple):
    """A finding in a prompt: `leaf` is an index into its leaves, for a text split over several the one that completes it."""

    leaf: int
    rule: str
    weight: Weight
    score: float

    @property
    def certain(self) -> bool:
        """Whether it may refuse, answer or withhold."""
        return self.weight is Weight.CERTAIN


class Detector(Protocol):
    """Reads one text, of bounded length, at a time. Pure: the same text gives the same findings for the same `revision`."""

    revision: str

    def find(self, text: str, /) -> tuple[Found, ...]: ...


def rules(found: Iterable[Found | Placed]) -> tuple[str, ...]:
    """The ids of rules, each once, in order of appearance."""
    return tuple(dict.fromkeys(one.rule for one in found))
