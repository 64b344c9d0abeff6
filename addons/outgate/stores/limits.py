"""Match a request with the budgets it debits: every limit that covers it, each with the account it is kept under.

A limit is one budget shared by all that match, unless `per` gives each workload, tenant or model its own. A model has its own
only where the policy names it: any other name is the caller's text, and would be a fresh budget to whoever invents it. All of
those share one account (docs/decisions/0018).
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote, unquote

from pydantic import Field

from outgate.inference.names import ModelPattern, WorkloadPattern
from outgate.inference.principal import Principal
from outgate.pipeline.stage import Settings

_REMEMBERED = 4096
_UNNAMED = "*"
"""Stands in a key for every model that the policy does not name; quoted, no name reads so."""


class Limit(Settings):
    """A number of tokens per window of time. Hashable, frozen; unknown keys are refused."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
    """Names the budget in denials, the ledger and the report; two policies that use one name share the account."""
    tokens: Annotated[int, Field(ge=0, lt=2**53)]
    """Tokens per window."""
    window: Literal["minute", "hour", "day", "month"] | Annotated[int, Field(ge=1, le=366 * 86400)] = "day"
    """Length of the fixed window: a name (a month is a calendar month in UTC) or seconds."""
    workload: WorkloadPattern = "*"
    """Glob over the workload's name."""
    tenant: str = "*"
    """Glob over the workload's tenant."""
    model: ModelPattern = "*"
    """Glob over the model that will really be called."""
    per: tuple[Literal["workload", "tenant", "model"], ...] = ()
    """What gets a budget of its own; empty, one budget is shared by all that match. Models that the policy names nowhere (in
    rules, as a target, or among prices; a pattern names none) share one between them."""
    output_weight: Annotated[int, Field(ge=1, le=100)] = 1
    """How many tokens of the budget one output token costs."""
    warn_at: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (0.8,)
    """Shares of the budget; when one is used, the log says so, once in a window, and `outgate status` until it ends."""


class Account(NamedTuple):
    """A limit, and the key under which this request's share of it is kept."""

    key: str
    limit: Limit


class BudgetLimits:
    """The limits of one policy, and the models it names. `matching` is remembered per caller and model, bounded."""

    __slots__ = ("_known", "_models", "limits")

    def __init__(self, limits: Iterable[Limit] = (), models: frozenset[str] = frozenset()) -> None:
        self.limits = tuple(dict.fromkeys(limits))
        self._models = models
        self._known: dict[tuple[str, str, str], tuple[Account, ...]] = {}

    def plus(self, more: Iterable[Limit], models: frozenset[str] = frozenset()) -> "BudgetLimits":
        return BudgetLimits((*self.limits, *more), self._models | models)

    def matching(self, principal: Principal, model: str) -> tuple[Account, ...]:
        """The accounts a request debits, all of them; of two limits that share an account, the first counts."""
        who = (principal.name, principal.tenant, model)
        known = self._known.get(who)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = [self._account(limit, who) for limit in reversed(self.limits) if _matches(limit, who)]
            known = self._known[who] = tuple(reversed({account.key: account for account in found}.values()))
        return known

    def tokens_of(self, key: str) -> frozenset[int]:
        """What limits give the account of this key: nothing where none keeps it any more, several where routes differ."""
        base, *parts = key.split("/")
        own = {part: unquote(value) for part, _, value in (each.partition("=") for each in parts) if value != _UNNAMED}
        per = tuple(each.partition("=")[0] for each in parts)
        kept = (limit for limit in self.limits if (f"{limit.name}@{limit.window}", limit.per) == (base, per))
        return frozenset(
            limit.tokens for limit in kept if all(fnmatchcase(value, getattr(limit, part)) for part, value in own.items())
        )

    def _account(self, limit: Limit, who: tuple[str, str, str]) -> Account:
        """Parts are quoted, so that no two callers ever meet under one key, but for models without a name here."""
        parts = {part: quote(value, safe="") for part, value in zip(("workload", "tenant", "model"), who, strict=True)}
        if who[2] not in self._models:
            parts["model"] = _UNNAMED
        return Account("/".join((f"{limit.name}@{limit.window}", *(f"{part}={parts[part]}" for part in limit.per))), limit)


def _matches(limit: Limit, who: tuple[str, str, str]) -> bool:
    name, tenant, model = who
    return fnmatchcase(name, limit.workload) and fnmatchcase(tenant, limit.tenant) and fnmatchcase(model, limit.model)
