"""Reserve the most a request may cost before it leaves; what it really used is settled by `close_exchange`.

Reads the token count and the model that will really be called, so it runs after every stage that rewrites either. It debits every
limit that matches. A hold is a bound only where the output is bounded: where the caller set no maximum the gateway sends its own,
or policy accepts debt.
"""

from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from outgate.dialects.registry import spec
from outgate.errors import Denial, Problem
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.pipeline.contract import Contract, Effect, May, OnError
from outgate.pipeline.stage import Stage, TimedSettings
from outgate.stores.accounts import Accounts, Ask, Hold, Limit

_UNBOUNDED = (
    Problem(
        code="W_UNBOUNDED_HOLD",
        message="token_budget accepts debt: a request without a maximum may use more than is held for it",
        repair="leave accept_debt out, and the gateway sends max_output_tokens with such requests",
        stages=("token_budget",),
        fact="hold",
    ),
)


class TokenBudgetSettings(TimedSettings):
    """What policies/*.yaml may say under `token_budget`."""

    limits: tuple[Limit, ...] = ()
    """Budgets; a request debits every one that matches it, and is refused where one of them has too little left."""
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 4096
    """The maximum the gateway sends with a request whose caller set none."""
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
    tokens_in: int
    params: Params


class TokenBudget(Stage):
    """Writes `hold`: one per exchange, however many attempts it takes. `models` are named by the policy: they alone can have a
    budget of their own.
    """

    name = "token_budget"
    settings_type = TokenBudgetSettings

    def __init__(self, settings: TokenBudgetSettings, accounts: Accounts, models: frozenset[str] = frozenset()) -> None:
        self._default = settings.max_output_tokens
        self._accept_debt = settings.accept_debt
        self._open = settings.on_error is OnError.OPEN
        self.warnings = _UNBOUNDED if settings.accept_debt else ()
        self._accounts = accounts
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
        """What the request may cost; the bound of the gateway's own where the caller set none."""
        params = facts.params
        if facts.operation.kind is not Kind.CHAT:
            return Ask(facts.exchange_id, facts.principal, facts.model, facts.tokens_in, 0)
        least = spec(facts.operation.dialect).least_output
        bound = max(least, self._default) if params.max_tokens is None else params.max_tokens
        ours = None if self._accept_debt or params.max_tokens is not None else bound
        return Ask(facts.exchange_id, facts.principal, facts.model, facts.tokens_in, bound * max(1, params.n), ours)
