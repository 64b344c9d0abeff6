"""Token charge of an exchange: what the provider reported, else the most that it may bill.

Nothing is charged for what the gateway answered itself, nor for what was never sent. Every attempt is charged on its own:

* An answer that came whole: as reported; without a report, its whole hold.
* A stream that was cut, by either side: its input and what of it was delivered, or reported by then if that is more.
* A whole answer that was asked for and never came, or not to its end: its whole hold, for the provider works on when nobody
  listens. It is what the open holds of a killed worker are charged, too.
* A stream that was asked for and of which nothing came: its input.

Reasons: docs/decisions/0016.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from outgate.errors import FailureKind
from outgate.inference.attempt import AttemptRecord
from outgate.inference.input_tokens import InputTokens
from outgate.inference.usage import Usage

_LOST = (
    FailureKind.RESET, FailureKind.STALE, FailureKind.TIMEOUT, FailureKind.BROKEN_STREAM, FailureKind.NOT_BEGUN,
    FailureKind.PROTOCOL, None,
)  # fmt: skip
"""How an attempt ends that a provider may have billed without answering; None is one that was cut off from our side."""
_REFUSED = (FailureKind.REFUSAL, FailureKind.CONTENT_FILTER)


class Basis(StrEnum):
    """On what a charge rests."""

    NOTHING = "nothing"
    REPORTED = "reported"
    ESTIMATED = "estimated"
    HOLD = "hold"


class Charge(NamedTuple):
    """Tokens an exchange is charged, over all of its attempts; `attempts` are the shares (input, output) of each."""

    tokens_in: int = 0
    tokens_out: int = 0
    basis: Basis = Basis.NOTHING
    attempts: tuple[tuple[int, int], ...] = ()


class Ending(NamedTuple):
    """What a charge depends on. `bound` is the most output tokens that were held, None where nothing was held."""

    source: str | None
    status: int | None
    usage: Usage | None
    counted: InputTokens
    bound: int | None
    attempts: Sequence[AttemptRecord]


def charge_for(ending: Ending) -> Charge:
    """What the exchange is charged."""
    answer = _answer(ending)
    answered = max((at for at, attempt in enumerate(ending.attempts) if attempt.status is not None), default=None)
    shares = [(0, 0) if at == answered else _lost(attempt, ending) for at, attempt in enumerate(ending.attempts)]
    lost_in, lost_out = sum(share[0] for share in shares), sum(share[1] for share in shares)
    if answered is not None:
        shares[answered] = answer[:2]
    basis = answer.basis if not lost_in + lost_out else Basis.HOLD if lost_out or answer.basis is Basis.HOLD else Basis.ESTIMATED
    return Charge(answer.tokens_in + lost_in, answer.tokens_out + lost_out, basis, tuple(shares))


def _lost(attempt: AttemptRecord, ending: Ending) -> tuple[int, int]:
    """What an attempt may have been billed that has no status: nothing of an answer to it came. A refusal
    that was given up for another answer was read, and is billed.
    """
    if attempt.status == 200 and attempt.failure in _REFUSED:
        return (ending.counted.exact(), 0)
    if not attempt.sent or attempt.status is not None or attempt.failure not in _LOST:
        return (0, 0)
    at_once = attempt.streams or attempt.failure is FailureKind.STALE  # cut off with us, or within a second
    return (ending.counted.exact(), 0 if at_once else ending.bound or 0)


def _answer(ending: Ending) -> Charge:
    usage, bound = ending.usage, ending.bound or 0
    if ending.source != "upstream":
        return Charge()
    if ending.status is not None and ending.status >= 400 and (usage is None or usage.estimated):
        return Charge()
    if usage is None:
        return Charge(ending.counted.exact(), bound, Basis.HOLD)
    known = usage.input_tokens is not None and (usage.output_tokens is not None or not bound)
    tokens_in = ending.counted.exact() if usage.input_tokens is None else usage.input_tokens
    tokens_out = bound if usage.output_tokens is None else usage.output_tokens
    return Charge(tokens_in, tokens_out, Basis.REPORTED if known and not usage.estimated else Basis.ESTIMATED)
