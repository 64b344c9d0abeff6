"""Costs of a request and what is held for them: by its count, or by a bound that is counted when its room is needed."""

from collections.abc import Callable
from typing import NamedTuple

from outgate.inference.principal import Principal
from outgate.stores.limits import Account


class Ask(NamedTuple):
    """What a request may cost: input tokens, and the most output tokens it can get.

    `max_output` is the bound the gateway sends because the caller set none; None where the caller set one, or debt is accepted.
    `counting` gives the input tokens where `tokens_in` is only a bound of them; None where they are counted.
    """

    exchange_id: str
    principal: Principal
    model: str
    tokens_in: int
    output: int
    max_output: int | None = None
    counting: Callable[[], int] | None = None

    def exactly(self) -> "Ask":
        """The same, counted."""
        return self if self.counting is None else self._replace(tokens_in=self.counting(), counting=None)


class Amount(NamedTuple):
    """Tokens held of one account in the window that begins at `start`."""

    key: str
    start: int
    tokens: int
    output_weight: int = 1


class Hold(NamedTuple):
    """A reservation: one per exchange, however many attempts it takes. `output` is the bound it was made for."""

    exchange_id: str
    amounts: tuple[Amount, ...]
    output: int
    max_output: int | None = None


def costs(ask: Ask, accounts: tuple[Account, ...]) -> list[tuple[str, int]]:
    """Tokens that it takes of each account."""
    return [(account.key, ask.tokens_in + account.limit.output_weight * ask.output) for account in accounts]


def is_of(hold: Hold, ask: Ask, accounts: tuple[Account, ...]) -> bool:
    """Whether this is what the request costs, by its bound or counted."""
    debits = _debits(hold)
    return debits == costs(ask, accounts) or (ask.counting is not None and debits == costs(ask.exactly(), accounts))


def _debits(hold: Hold) -> list[tuple[str, int]]:
    """What a hold costs whom; not in which window, so that a retry keeps its hold when a window ends in between."""
    return [(amount.key, amount.tokens) for amount in hold.amounts]
