"""Decides which budgets a request debits: every limit that matches it, each with the account it is kept under.

A limit is one budget shared by all that match, unless `per` gives each workload, tenant or model its own.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote

from pydantic import Field

from outgate.inference.principal import Principal
from outgate.pipeline.stage import Settings

_REMEMBERED = 4096


class Limit(Settings):
    """A number of tokens per window of time. Hashable, frozen; unknown keys are refused."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
    """Names the budget in denials, the ledger and the report; two policies that use one name share the account."""
    tokens: Annotated[int, Field(ge=0, lt=2**53)]
    """Tokens per window."""
    window: Literal["minute", "hour", "day", "month"] | Annotated[int, Field(ge=1, le=366 * 86400)] = "day"
    """Length of the fixed window: a name (a month is a calendar month in UTC) or seconds."""
    workload: str = "*"
    """Glob over the workload's name."""
    tenant: str = "*"
    """Glob over the workload's tenant."""
    model: str = "*"
    """Glob over the model that will really be called."""
    per: tuple[Literal["workload", "tenant", "model"], ...] = ()
    """What gets a budget of its own; empty, one budget is shared by all that match."""
    output_weight: Annotated[int, Field(ge=1, le=100)] = 1
    """How many tokens of the budget one output token costs."""


class Account(NamedTuple):
    """A limit, and the key under which this request's share of it is kept."""

    key: str
    limit: Limit


class Limits:
    """The limits of one policy. `matching` is remembered per caller and model, bounded."""

    __slots__ = ("_known", "limits")

    def __init__(self, limits: Iterable[Limit] = ()) -> None:
        self.limits = tuple(dict.fromkeys(limits))
        self._known: dict[tuple[str, str, str], tuple[Account, ...]] = {}

    def plus(self, more: Iterable[Limit]) -> "Limits":
        return Limits((*self.limits, *more))

    def matching(self, principal: Principal, model: str) -> tuple[Account, ...]:
        """The accounts a request debits, all of them; of two limits that share an account, the first counts."""
        who = (principal.name, principal.tenant, model)
        known = self._known.get(who)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = [_account(limit, who) for limit in reversed(self.limits) if _matches(limit, who)]
            known = self._known[who] = tuple(reversed({account.key: account for account in found}.values()))
        return known


def _matches(limit: Limit, who: tuple[str, str, str]) -> bool:
    name, tenant, model = who
    return fnmatchcase(name, limit.workload) and fnmatchcase(tenant, limit.tenant) and fnmatchcase(model, limit.model)


def _account(limit: Limit, who: tuple[str, str, str]) -> Account:
    """Parts are quoted, so that no two callers ever meet under one key."""
    parts = dict(zip(("workload", "tenant", "model"), who, strict=True))
    return Account("/".join((f"{limit.name}@{limit.window}", *(f"{p}={quote(parts[p], safe='')}" for p in limit.per))), limit)
