"""Close the exchange: settle what it used, write its one line, count it. Runs on every ending, and counts once."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from outgate.errors import Denial
from outgate.inference.attempt import AttemptRecord
from outgate.inference.cached import CacheStatus
from outgate.inference.conversation import Translation
from outgate.inference.input_tokens import NOTHING_COUNTED, InputTokens
from outgate.inference.operation import Operation
from outgate.inference.principal import Principal
from outgate.inference.routing import Routing
from outgate.inference.spending import Spent
from outgate.inference.usage import Usage
from outgate.inference.verdict import Verdict
from outgate.metering.audit import record
from outgate.metering.charge import Charge, Ending, charge_for
from outgate.metering.cost import costs_of
from outgate.metering.events import Closed, emit, reported_input
from outgate.metering.metrics import Metrics
from outgate.metering.names import ModelNames
from outgate.metering.notices import Notices
from outgate.metering.prices import Prices
from outgate.metering.refusals import Refusals
from outgate.net.connection import Connection
from outgate.pipeline.contract import Contract, Effect
from outgate.pipeline.executor import Ran
from outgate.pipeline.facts import fact_of_field
from outgate.pipeline.stage import Stage
from outgate.stores.accounts import Accounts, ClosingLine, Hold, Settlement
from outgate.tokens.tokenizers import Tokenizers
from outgate.upstreams.catalog import Backend, Endpoint


class Reads(NamedTuple):
    """What the line tells. Only the ending is certain: what was denied at the door has no route, model or hold, yet a line."""

    exchange_id: str
    started: float
    outcome: str
    attempts: tuple[AttemptRecord, ...]
    trace: tuple[Ran, ...]
    policy_revision: str
    principal: Principal | None
    route: str | None
    destination: str | None
    operation: Operation | None
    model_requested: str | None
    model: str | None
    model_admitted: object
    provider: str | None
    backend: Backend | None
    endpoint: Endpoint | None
    tokens_in: InputTokens | None
    hold: Hold | None
    usage: Usage | None
    denial: Denial | None
    r_status: int | None
    r_source: str | None
    conn: Connection | None
    method: str | None
    path: str | None
    redacted: Mapping[str, int] | None
    cache_status: CacheStatus | None = None
    routing: Routing | None = None
    cache_similar: CacheStatus | None = None
    cache_joined: CacheStatus | None = None
    spent: Mapping[str, Spent] | None = None
    tool_calls: int | None = None
    translation: Translation | None = None
    verdicts: Mapping[str, Verdict] = {}


_CERTAIN = ("exchange_id", "started", "outcome", "attempts", "trace", "policy_revision", "verdicts")
_OPTIONAL = tuple(fact_of_field(name) for name in Reads._fields if name not in _CERTAIN)


class CloseExchange(Stage):
    """Writes `line`. Without `prices` nothing has a cost, without `tokenizers` no factor is learned; `models` label series."""

    name = "close_exchange"

    def __init__(
        self, accounts: Accounts, metrics: Metrics, wall: Callable[[], float], prices: Prices | None = None,
        tokenizers: Tokenizers | None = None, models: frozenset[str] = frozenset(), notices: Notices | None = None,
        refusals: Refusals | None = None,
    ) -> None:  # fmt: skip
        self._accounts, self._metrics, self._wall = accounts, metrics, wall
        self._prices, self._tokenizers, self._names = prices, tokenizers, ModelNames(models)
        self._tell = notices.tell if notices is not None else lambda *_: None
        self._is_counted = refusals.counts if refusals is not None else lambda *_: False
        self.contract = Contract.of(Reads, writes=("line",), effect=Effect.IDEMPOTENT, optional=_OPTIONAL, cost=0.05)

    def run(self, facts: Reads) -> tuple[ClosingLine]:
        bound = facts.hold.output if facts.hold is not None else None
        tokens = facts.tokens_in or NOTHING_COUNTED
        charge = charge_for(Ending(facts.r_source, facts.r_status, facts.usage, tokens, bound, facts.attempts or ()))
        closed = self._closed(facts, charge)
        if facts.outcome.startswith("telemetry_"):  # counted only
            emit(closed, 0, self._metrics)
            return (ClosingLine(facts.exchange_id, 0, 0, b"{}"),)
        line = ClosingLine(facts.exchange_id, *charge[:2], record(closed))
        settlement = Settlement() if self._is_counted(facts.exchange_id, closed) else self._accounts.close(line)
        if settlement is not None:
            emit(closed, settlement.debt, self._metrics)
            self._tell(facts.exchange_id, closed)
            if self._tokenizers is not None and facts.model and tokens.counted and (reported := reported_input(closed.usage)):
                self._tokenizers.observe(facts.model, tokens.counted, reported)
        return (line,)

    def _closed(self, facts: Reads, charge: Charge) -> Closed:
        principal, model = facts.principal or Principal(name="", tenant=""), facts.model or ""
        usage, answered = (facts.usage, (facts.r_status or 500) < 400) if facts.r_source == "upstream" else (None, False)
        return Closed(
            started=facts.started,
            seconds=max(0.0, self._wall() - facts.started),
            outcome=facts.outcome,
            principal=principal,
            route=facts.route or "",
            revision=facts.policy_revision or "",
            operation=facts.operation.kind if facts.operation is not None else None,
            destination=facts.destination or "",
            model_requested=facts.model_requested or "",
            routing=facts.routing,
            model=model,
            admitted=bool(facts.model_admitted) or answered,
            label=self._names.label(model, principal.name, answered=answered),
            provider=facts.provider or "",
            backend=facts.backend.name if facts.backend is not None else "",
            endpoint=facts.endpoint.name if facts.endpoint is not None else "",
            tokens=facts.tokens_in,
            usage=usage,
            tool_calls=facts.tool_calls or 0,
            charge=charge,
            costs=costs_of(self._prices, (facts.provider or "", model), usage, charge, facts.attempts or ()),
            status=facts.r_status,
            source=facts.r_source or "",
            denial=facts.denial,
            peer=facts.conn.peer if facts.conn is not None else "",
            method=facts.method or "",
            path=facts.path or "",
            redacted=facts.redacted or {},
            attempts=facts.attempts or (),
            trace=facts.trace or (),
            verdicts=facts.verdicts,
            spent=facts.spent or {},
            translation=facts.translation,
            cache=tuple(filter(None, (facts.cache_status, facts.cache_similar, facts.cache_joined))),
        )
