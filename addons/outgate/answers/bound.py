"""Hold the rate of wrong hits of a tenant to the policy's delta, by a sequential test on answers that were compared.

For each of some thresholds of the verifier's score, two bets run on the hits at or above it (betting martingales, Ville's
inequality: they may be looked at after every comparison). One is that the rate is above delta: when its stake has grown to 1/ALPHA,
the threshold is given up for the next; when the last is given up, nothing similar is served to the tenant. The other is that the
rate is below delta: when it has won as much, and at least 600 answers were compared, the bound is proven; until then the offline
calibration counts.

A comparison errs: it calls some of the same answers different, and sees only a part of those that are; both rates were measured. So
delta stands for two rates of answers that are called different: above the one, wrong hits must be more than delta, and below the
other they must be less. Whatever lies between proves nothing.

A tenant whose rate is at most delta loses the last threshold with a chance of at most ALPHA, however long it is watched. New stakes
are set on a rise with every comparison, so that a rate that rises late is found too. After vCache (arXiv 2502.03771), which bounds
the error of each decision by what was seen of its entry; here tenants are bounded, for entries are asked too seldom.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

THRESHOLDS = (0.0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
"""Of the verifier's score. The first is whatever the calibrated judgement serves."""
ALPHA = 0.05
CLEAN = 600
_RISES = (2.0, 4.0, 16.0)
"""Rates that are bet on, as multiples of what is allowed."""
_REST, _LOWER = 0.005, 0.2
"""Part of the stake on the lower rate that bets on this multiple of it, and may meet wrong hits; the rest bets on none."""
_HIGHEST = 1e12


class Errors(NamedTuple):
    """How the comparison of answers errs: the share of the same that it calls different, and of the different that it sees."""

    mistaken: float = 0.0
    seen: float = 1.0

    def most(self, delta: float) -> float:
        """The rate of answers called different where `delta` of the hits are wrong."""
        return self.mistaken + delta * (self.seen - self.mistaken)


EXACT = Errors()


class State(StrEnum):
    """What holds the error of a tenant's similar hits; `broken` serves none."""

    CALIBRATED = "calibrated"
    PROVEN = "proven"
    RAISED = "raised"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The two bets at one threshold. `above` and `below` are stakes, `given_up` is for good."""

    compared: int = 0
    wrong: int = 0
    above: tuple[float, ...] = (0.0,) * len(_RISES)
    below: tuple[float, float] = (1.0 - _REST, _REST)
    given_up: bool = False

    def after(self, wrong: bool, most: float, proven: float) -> "Threshold":  # noqa: FBT001
        """With one more comparison: `most` and `proven` are the rates that the two bets are about."""
        if self.given_up:
            return replace(self, compared=self.compared + 1, wrong=self.wrong + wrong)
        count = self.compared
        fresh = 1.0 / ((count + 1) * (count + 2))
        rates = [min((1.0 + most) / 2, rise * most) for rise in _RISES]
        above = tuple((held + fresh) * _odds(rate, most, wrong) for held, rate in zip(self.above, rates, strict=True))
        lower = zip(self.below, (0.0, _LOWER * proven), strict=True)
        none, few = (min(held * _odds(rate, proven, wrong), _HIGHEST) for held, rate in lower)
        unspent = 1.0 / (count + 2)
        lost = unspent + sum(above) / len(above) >= 1.0 / ALPHA
        return Threshold(count + 1, self.wrong + wrong, above, (none, few), lost)

    @property
    def is_proven(self) -> bool:
        return not self.given_up and self.compared >= CLEAN and sum(self.below) >= 1.0 / ALPHA


@dataclass(frozen=True, slots=True)
class Bound:
    """The bets of one tenant under one delta and one judgement."""

    delta: float
    errors: Errors = EXACT
    thresholds: tuple[Threshold, ...] = (Threshold(),) * len(THRESHOLDS)

    def after(self, score: float, wrong: bool) -> "Bound":  # noqa: FBT001
        """With one more comparison, of a hit with this score."""
        rates = self.errors.most(self.delta), self.delta * self.errors.seen
        pairs = zip(THRESHOLDS, self.thresholds, strict=True)
        return replace(self, thresholds=tuple(held.after(wrong, *rates) if score >= least else held for least, held in pairs))

    @property
    def threshold(self) -> float | None:
        """The least score that is served; None where nothing is."""
        held = (least for least, bets in zip(THRESHOLDS, self.thresholds, strict=True) if not bets.given_up)
        return next(held, None)

    @property
    def current(self) -> Threshold:
        """The bets at the threshold in force, or at the last one."""
        return next((bets for bets in self.thresholds if not bets.given_up), self.thresholds[-1])

    @property
    def state(self) -> State:
        if self.threshold is None:
            return State.BROKEN
        if self.current.is_proven:
            return State.PROVEN
        return State.CALIBRATED if self.threshold == THRESHOLDS[0] else State.RAISED

    def stored(self) -> list[list[Any]]:
        """As JSON values."""
        return [[bets.compared, bets.wrong, bets.above, bets.below, bets.given_up] for bets in self.thresholds]

    @classmethod
    def restored(cls, delta: float, stored: Any, errors: Errors = EXACT) -> "Bound":
        """What `stored` gave, or a fresh one where that is something else."""
        try:
            bets = tuple(
                Threshold(int(compared), int(wrong), _floats(above, len(_RISES)), _floats(below, 2), bool(given_up))  # type: ignore[arg-type]
                for compared, wrong, above, below, given_up in stored
            )
        except (TypeError, ValueError):
            return cls(delta, errors)
        return cls(delta, errors, bets) if len(bets) == len(THRESHOLDS) else cls(delta, errors)


def _odds(rate: float, other: float, wrong: bool) -> float:  # noqa: FBT001
    """How much likelier the comparison is at this rate than at the other."""
    return rate / other if wrong else (1.0 - rate) / (1.0 - other)


def _floats(values: Any, count: int) -> tuple[float, ...]:
    found = tuple(map(float, values))
    if len(found) != count:
        raise ValueError("another number of bets")
    return found
