"""Cost of an exchange in US dollars, with the basis of each part.

Whatever is charged has a price: the answer at its usage, every lost attempt at its share, at the provider and model it went to. The
parts are told apart by their basis and never mixed: a hold is the most that may have been billed, not what was. Reasons:
docs/decisions/0016.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from outgate.inference.attempt import OWN, AttemptRecord
from outgate.inference.usage import Usage
from outgate.metering.charge import Basis, Charge
from outgate.metering.prices import Prices

type Costs = Mapping[Basis, Decimal]
"""US dollars by what they rest on; a basis on which nothing rests is absent."""


class _Part(NamedTuple):
    provider: str
    model: str
    usage: Usage
    basis: Basis


def costs_of(
    prices: Prices | None, answered_by: tuple[str, str], usage: Usage | None, charge: Charge, attempts: Sequence[AttemptRecord]
) -> Costs | None:
    """What the charge costs; None where nothing is charged, or a part of it has no price, for the others would look like the whole.
    `answered_by` is the provider and model of the answer, `usage` what is known of that.
    """
    if prices is None or charge.basis is Basis.NOTHING or (attempts and attempts[-1].credential == OWN):
        return None  # what a workload pays with its own token costs nobody here
    if charge.basis is Basis.REPORTED and usage is not None and usage.output_tokens is not None:  # nearly always
        dollars = prices.cost(*answered_by, usage)
        return None if dollars is None else {Basis.REPORTED: dollars}
    found: dict[Basis, Decimal] = {}
    for part in _parts(answered_by, usage, charge, attempts):
        dollars = prices.cost(part.provider, part.model, part.usage)
        if dollars is None:
            return None
        found[part.basis] = found.get(part.basis, Decimal(0)) + dollars
    return found


def _parts(answered_by: tuple[str, str], usage: Usage | None, charge: Charge, attempts: Sequence[AttemptRecord]) -> list[_Part]:
    parts: list[_Part] = []
    left_in, left_out = charge.tokens_in, charge.tokens_out
    for attempt, (tokens_in, tokens_out) in zip(attempts, charge.attempts, strict=False):
        if attempt.status is None and tokens_in + tokens_out and attempt.credential != OWN:
            left_in, left_out = left_in - tokens_in, left_out - tokens_out
            basis = Basis.HOLD if tokens_out else Basis.ESTIMATED
            parts.append(_Part(attempt.provider, attempt.model, Usage(input_tokens=tokens_in, output_tokens=tokens_out), basis))
    if usage is not None and (left_in + left_out or charge.basis is Basis.REPORTED):
        told = (usage.input_tokens, usage.output_tokens or 0) == (left_in, left_out)
        known = usage if told and usage.output_tokens is not None else replace(usage, input_tokens=left_in, output_tokens=left_out)
        parts.append(_Part(*answered_by, known, Basis.REPORTED if told and not usage.estimated else Basis.ESTIMATED))
    elif left_in + left_out:
        parts.append(_Part(*answered_by, Usage(input_tokens=left_in, output_tokens=left_out), Basis.HOLD))
    return parts
