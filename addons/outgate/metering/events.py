"""The `Closed` event of an exchange: counted here, written to the journal by `audit`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from outgate.errors import Denial
from outgate.inference.attempt import OWN, AttemptRecord
from outgate.inference.cached import CacheStatus
from outgate.inference.conversation import Translation
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind
from outgate.inference.principal import Principal
from outgate.inference.routing import Routing
from outgate.inference.spending import Spent
from outgate.inference.usage import Usage
from outgate.inference.verdict import Action, Verdict
from outgate.metering.charge import Basis, Charge
from outgate.metering.cost import Costs
from outgate.metering.metrics import Metrics
from outgate.pipeline.executor import Ran


class Closed(NamedTuple):
    """An exchange has ended. Strings are empty where the exchange did not get that far.

    `admitted` says that policy let this caller use `model`; `label` is what metrics call it (`names`). `tokens` is the input
    as we know it, None where nobody looked; `usage` what the provider reported or the gateway estimated;
    `costs` is None where nothing was charged, or where that has no price. `verdicts` are those of all guards that ran, by guard.
    """

    started: float
    seconds: float
    outcome: str
    principal: Principal
    route: str
    revision: str
    operation: Kind | None
    destination: str
    model_requested: str
    model: str
    admitted: bool
    label: str
    provider: str
    backend: str
    endpoint: str
    tokens: InputTokens | None
    usage: Usage | None
    charge: Charge
    costs: Costs | None
    status: int | None
    source: str
    denial: Denial | None
    peer: str
    method: str
    path: str
    redacted: Mapping[str, int]
    attempts: Sequence[AttemptRecord]
    trace: Sequence[Ran]
    verdicts: Mapping[str, Verdict]
    cache: Sequence[CacheStatus] = ()
    routing: Routing | None = None
    spent: Mapping[str, Spent] = {}
    translation: Translation | None = None
    tool_calls: int = 0

    @property
    def workload(self) -> str:
        return self.principal.name

    @property
    def tenant(self) -> str:
        return self.principal.tenant

    @property
    def credential(self) -> str:
        """Whose credential went last: `gateway`, `placeholder:NAME` or `workload`; empty, where none did."""
        return self.attempts[-1].credential if self.attempts else ""


def emit(closed: Closed, debt: int, metrics: Metrics) -> None:
    """Count the end of an exchange, and `debt`, the tokens it used beyond its hold."""
    add, model, provider = metrics.add, closed.label, closed.provider
    status = f"{closed.status // 100}xx" if closed.status else ""
    add("outgate_exchanges_total", (closed.route, provider, model, closed.workload, closed.outcome, status, closed.revision))
    operation = closed.operation.value if closed.operation is not None else ""
    metrics.observe("gen_ai_server_request_duration_seconds", (operation, provider, model, closed.route), closed.seconds)
    if closed.denial is not None:
        who = (closed.workload, closed.revision)
        add("outgate_denials_total", (closed.denial.stage, closed.denial.code, _rule(closed.verdicts, closed.denial.stage), *who))
    if closed.translation is not None:
        _emit_translation(closed.translation, metrics)
    if closed.tool_calls:
        add("outgate_tool_calls_total", (closed.workload, model), closed.tool_calls)
    if closed.source:
        add("outgate_answers_total", (closed.source,))
    for attempt in closed.attempts:
        add("outgate_attempts_total", (attempt.backend, attempt.failure or "", attempt.reason or ""))
        if attempt.failure is not None:
            add("outgate_retries_total", (attempt.backend, attempt.failure, attempt.followed))
    if closed.charge.basis is not Basis.NOTHING:
        _emit_usage(closed, (operation, provider, model), debt, metrics)
    for guard, verdict in closed.verdicts.items():
        _emit_verdict(guard, verdict, metrics)
    for stage, spent in closed.spent.items():
        _emit_spent(stage, spent, metrics)
    metrics.observe_each("outgate_stage_seconds", [((stage, how), ns / 1e9) for stage, ns, how, _ in closed.trace])


def _rule(verdicts: Mapping[str, Verdict], stage: str) -> str:
    """The first rule for which this guard refused; empty where a stage has none."""
    verdict = verdicts.get(stage)
    matches = verdict.matches if verdict is not None else ()
    return next((match.rule for match in matches if match.action in ("", Action.DENIED.value)), "")


def _emit_translation(translation: Translation, metrics: Metrics) -> None:
    source, target, lost, answer_lost = translation
    metrics.add("outgate_translations_total", (source, target))
    for what in lost:
        metrics.add("outgate_translation_losses_total", (source, target, what))
    for what in answer_lost:
        metrics.add("outgate_translation_losses_total", (target, source, what))


def _emit_spent(stage: str, spent: Spent, metrics: Metrics) -> None:
    metrics.add("outgate_asked_total", (stage,), spent.asked)
    metrics.add("outgate_asked_characters_total", (stage,), spent.characters)
    metrics.add("outgate_asked_seconds_total", (stage,), spent.seconds)
    if spent.dollars:
        metrics.add("outgate_guard_cost_total", (stage,), spent.dollars)


def _emit_verdict(guard: str, verdict: Verdict, metrics: Metrics) -> None:
    add = metrics.add
    add("outgate_verdicts_total", (guard, verdict.action.value))
    for match in verdict.matches:
        add("outgate_verdict_matches_total", (guard, match.rule, match.channel, match.action), match.count)
    for extent in verdict.scanned:
        add("outgate_scanned_pieces_total", (guard, extent.kind), extent.count)
    for extent in verdict.unjudged:
        add("outgate_unjudged_pieces_total", (guard, extent.kind), extent.count)


def _emit_usage(closed: Closed, who: tuple[str, str, str], debt: int, metrics: Metrics) -> None:
    _, provider, model = who
    tokens_in, tokens_out, basis, _ = closed.charge
    metrics.observe("gen_ai_client_token_usage", (*who, "input", closed.workload), tokens_in)
    metrics.observe("gen_ai_client_token_usage", (*who, "output", closed.workload), tokens_out)
    if closed.credential:
        kind = closed.credential.partition(":")[0]
        metrics.add("outgate_credential_tokens_total", (provider, kind, "input", closed.workload), tokens_in)
        metrics.add("outgate_credential_tokens_total", (provider, kind, "output", closed.workload), tokens_out)
    for kind, tokens in _cached(closed.usage):
        metrics.add("outgate_cached_tokens_total", (provider, model, closed.workload, kind), tokens)
    for part, dollars in (closed.costs or {}).items():
        metrics.add("outgate_cost_total", (provider, model, closed.workload, part.value), float(dollars))
    if closed.costs is None and closed.credential != OWN:
        metrics.add("outgate_unpriced_total", (provider, model))
    if basis is not Basis.REPORTED:
        metrics.add("outgate_estimated_total", (provider,))
    if debt:
        metrics.add("outgate_debt_tokens_total", (provider, model), debt)
    reported = reported_input(closed.usage)
    counted = closed.tokens.counted if closed.tokens is not None else None
    if reported and counted:
        metrics.observe("outgate_token_count_error_ratio", (provider, model), (counted - reported) / reported)


def _cached(usage: Usage | None) -> Iterator[tuple[str, int]]:
    for kind, tokens in (("read", usage.cached_tokens), ("write", usage.cache_write_tokens)) if usage is not None else ():
        if tokens:
            yield kind, tokens


def reported_input(usage: Usage | None) -> int | None:
    """Input tokens as the provider reported them; None where it reported none."""
    return None if usage is None or usage.estimated else usage.input_tokens
