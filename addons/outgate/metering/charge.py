"""Decides what an exchange is charged: what the provider reported, else the most careful estimate of what it may bill.

Nothing is charged for what the gateway answered itself. An attempt that was lost after the provider may have received it is
charged its input. An answer without usage is charged its whole hold, never nothing.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol

from outgate.errors import FailureKind
from outgate.inference.usage import Usage

_LOST = frozenset({FailureKind.RESET, FailureKind.STALE, FailureKind.TIMEOUT, FailureKind.BROKEN_STREAM, FailureKind.PROTOCOL})
_CUT_OFF = frozenset({"client_gone", "killed"})


class Basis(StrEnum):
    """On what a charge rests."""

    NOTHING = "nothing"
    REPORTED = "reported"
    ESTIMATED = "estimated"
    HOLD = "hold"


class Charge(NamedTuple):
    """Tokens an exchange is charged, over all of its attempts."""

    tokens_in: int = 0
    tokens_out: int = 0
    basis: Basis = Basis.NOTHING


class Attempt(Protocol):
    """What is asked of an upstream attempt: how it failed, and whether the provider may have received it."""

    @property
    def failure(self) -> FailureKind | None: ...

    @property
    def sent(self) -> bool: ...


class Ending(NamedTuple):
    """What a charge depends on. `bound` is the most output tokens that were held, None where nothing was held."""

    outcome: str
    source: str | None
    status: int | None
    usage: Usage | None
    counted: int
    bound: int | None
    attempts: Iterable[Attempt]


def charge_for(ending: Ending) -> Charge:
    """What the exchange is charged."""
    lost = ending.counted * sum(attempt.sent and attempt.failure in _LOST for attempt in ending.attempts)
    answer = _answer(ending)
    if not lost:
        return answer
    return Charge(answer.tokens_in + lost, answer.tokens_out, Basis.HOLD if answer.basis is Basis.HOLD else Basis.ESTIMATED)


def _answer(ending: Ending) -> Charge:
    usage, bound = ending.usage, ending.bound or 0
    if ending.source is None:
        cut_off = ending.outcome in _CUT_OFF and ending.bound is not None
        return Charge(ending.counted, 0, Basis.ESTIMATED) if cut_off else Charge()
    if ending.source != "upstream":
        return Charge()
    if usage is not None:
        known = usage.input_tokens is not None and (usage.output_tokens is not None or not bound)
        tokens_in = ending.counted if usage.input_tokens is None else usage.input_tokens
        tokens_out = bound if usage.output_tokens is None else usage.output_tokens
        return Charge(tokens_in, tokens_out, Basis.REPORTED if known and not usage.estimated else Basis.ESTIMATED)
    if ending.status is not None and ending.status >= 400:
        return Charge()
    return Charge(ending.counted, bound, Basis.HOLD)
