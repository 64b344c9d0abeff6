"""Reserve the most a request may cost before it leaves; what it really used is settled by `close_exchange`.

Reads the token count and the model that will really be called, so it runs after every stage that rewrites either. It debits every
limit that matches, and adds nothing to a request that none matches. A hold is a bound only where the output is bounded: where the
caller set no maximum, the gateway sends the policy's or the model's own; where neither is known, or policy accepts debt, none.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from outgate.dialects.registry import spec
from outgate.errors import Denial, Problem
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.pipeline.contract import Contract, Effect, May, OnError
from outgate.pipeline.stage import Stage, TimedSettings
from outgate.stores.accounts import Accounts, Ask, Hold, Limit
from outgate.tokens.ceilings import ceiling_of

_GUESS = 4096
"""Held for a model whose ceiling is not known."""


class TokenBudgetSettings(TimedSettings):
    """What policies/*.yaml may say under `token_budget`."""

    limits: tuple[Limit, ...] = ()
    """Budgets; a request debits every one that matches it, and is refused where one of them has too little left."""
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """The maximum the gateway sends with a request that a limit matches and whose caller set none: it cuts longer answers short.
    Absent, the most that the model can write is sent; nothing is, where that is not known."""
    accept_debt: bool = False
    """Send no maximum of our own: `max_output_tokens` is held as a guess, and what is used beyond it is debt (W_UNBOUNDED_HOLD)."""
    on_error: OnError = OnError.DENY
    """`open` lets requests pass unbudgeted where budgets cannot be kept."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [limit.name for limit in self.limits]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two limits share a name: {', '.join(twice)}")
        return self


class Reads(NamedTuple):
    """Who spends, on which model, and how much it can be."""

    exchange_id: str
    principal: Principal
    operation: Operation
    model: str
    tokens_in: InputTokens
    params: Params


class TokenBudget(Stage):
    """Writes `hold`: one per exchange, however many attempts it takes. `models` are named by the policy: they alone can have a
    budget of their own.
    """

    name = "token_budget"
    settings_type = TokenBudgetSettings

    def __init__(self, settings: TokenBudgetSettings, accounts: Accounts, models: frozenset[str] = frozenset()) -> None:
        self._ours = settings.max_output_tokens
        self._accept_debt = settings.accept_debt
        self._open = settings.on_error is OnError.OPEN
        self.warnings = tuple(_warnings(settings, models))
        self._accounts, self.limits = accounts, settings.limits
        self._limits = accounts.limits.plus(settings.limits, models)
        self.contract = Contract.of(
            Reads,
            writes=("hold",),
            may=May.DENY,
            effect=Effect.CHARGE,
            on_error=settings.on_error,
            limit=settings.limit,
            cost=0.02,
            passes=0.99,
        )

    async def run(self, facts: Reads) -> tuple[Hold | None] | Denial:
        ask = self._ask(facts)
        outcome = self._accounts.try_reserve(ask, self._limits) or await self._accounts.reserve(ask, self._limits)
        if isinstance(outcome, Denial):
            return (None,) if self._open and outcome.code == "accounts_unavailable" else outcome
        return (outcome,)

    def _ask(self, facts: Reads) -> Ask:
        """What the request may cost; a bound of the gateway's own where the caller set none and a limit needs one."""
        params = facts.params
        if facts.operation.kind not in (Kind.CHAT, Kind.TEXT):
            return _asked(facts, 0, None)
        own = self._bound(facts)
        bound = params.max_tokens if params.max_tokens is not None else own or self._ours or _GUESS
        sent = None if self._accept_debt or params.max_tokens is not None else own
        if sent is not None and not self._limits.matching(facts.principal, facts.model):
            sent = None
        return _asked(facts, bound * max(1, params.n), sent)

    def _bound(self, facts: Reads) -> int | None:
        """The policy's maximum, else the most that the model can write beside this input; None where that is not known."""
        least, ceiling = spec(facts.operation.dialect).least_output, ceiling_of(facts.model)
        if self._ours is not None:
            return max(least, self._ours)
        if ceiling is None:
            return None
        return max(least, min(ceiling.output, facts.tokens_in.room(ceiling.window, ceiling.output)))


def _asked(facts: Reads, output: int, max_output: int | None) -> Ask:
    tokens = facts.tokens_in
    counting = None if tokens.is_counted else tokens.exact
    return Ask(facts.exchange_id, facts.principal, facts.model, tokens.most, output, max_output, counting)


def _warnings(settings: TokenBudgetSettings, models: frozenset[str]) -> Iterator[Problem]:
    """Requests without a maximum that may use more than is held for them, or that a limit can never take."""
    if settings.accept_debt:
        cause, repair = "accepts debt: a request", "leave accept_debt out, and the gateway sends a maximum with such requests"
        yield _problem("W_UNBOUNDED_HOLD", f"{cause} without a maximum may use more than is held for it", repair)
    if settings.accept_debt or settings.max_output_tokens is not None:
        return
    for model in sorted(models):
        matching = [limit for limit in settings.limits if fnmatchcase(model, limit.model)]
        ceiling = ceiling_of(model)
        if matching and ceiling is None and "embed" not in model:
            message = f"knows no output ceiling of {model!r}: a request without a maximum may use more than is held for it"
            yield _problem("W_UNBOUNDED_HOLD", message, "set `max_output_tokens`, which is then sent with such requests")
        for limit in matching:
            if ceiling is not None and limit.tokens < ceiling.output * limit.output_weight:
                message = f"refuses each request to {model!r} without a maximum: it may take {ceiling.output} tokens of output"
                least = f"set `max_output_tokens`, or give the limit {limit.name!r} more than {limit.tokens} tokens"
                yield _problem("W_LIMIT_BELOW_CEILING", message, least)


def _problem(code: str, message: str, repair: str) -> Problem:
    return Problem(code=code, message=f"token_budget {message}", repair=repair, stages=("token_budget",), fact="hold")
