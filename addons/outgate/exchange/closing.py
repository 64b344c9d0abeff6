"""Close an exchange: run its close stages with its outcome, its attempts and what it used.

Every request gets its one closing line here, tunnels that were refused included.
"""

import logging
from dataclasses import replace
from typing import NamedTuple

from outgate.errors import Denial
from outgate.exchange.attempts import Attempts
from outgate.exchange.delivery import Delivery
from outgate.inference.attempt import AttemptRecord
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind
from outgate.inference.spending import spent
from outgate.inference.usage import Usage
from outgate.pipeline.executor import Execution
from outgate.stores.flights import Landed

_FAULT = 500
_log = logging.getLogger(__name__)


class ExchangeEnd(NamedTuple):
    """The end of an exchange: `answered`, `denied`, `failed`, `client_gone` or `killed`, the denial if any, and what was tried."""

    outcome: str
    denial: Denial | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    usage: Usage | None = None
    tool_calls: int = 0


async def run_close_stages(execution: Execution, end: ExchangeEnd, what: str) -> Denial | None:
    """Run them once. A denial says that they failed: then the answer must not be completed. `what` names it in the log."""
    execution.give({**end._asdict(), "trace": tuple(execution.trace), "spent": spent()})
    refused = await execution.ensure(execution.plan.close)
    if refused is None:
        return None
    assert isinstance(refused, Denial)
    _log.error("%s could not be closed: %s", what, refused.code)
    return refused


def usage_of(execution: Execution, delivery: Delivery | None) -> Usage | None:
    """What the provider reported of a whole answer; of a stream that broke off or was cut, and of an answer that said nothing of
    its usage, at least what came: also of what no client got to see, for the provider bills it.
    """
    if delivery is None:
        return None
    reported = delivery.usage if delivery.usage is not None and delivery.usage.told else None
    if (delivery.complete or not delivery.streams) and (reported is not None or not _speaks(execution)):
        return delivery.usage
    said = delivery.said.tokens
    if not said and (delivery.complete or not delivery.streams):
        return None
    begun = reported or Usage()
    return replace(
        begun,
        input_tokens=_counted(execution) if begun.input_tokens is None else begun.input_tokens,
        output_tokens=max(said, begun.output_tokens or 0),
        estimated=True,
    )


def _counted(execution: Execution) -> int | None:
    tokens: InputTokens | None = execution.get("tokens.in")
    return None if tokens is None else tokens.exact()


def _speaks(execution: Execution) -> bool:
    """Whether the answer is a model's words, and no list or file."""
    operation = execution.get("operation")
    return operation is not None and operation.kind in (Kind.CHAT, Kind.TEXT)


def landed(execution: Execution | None, outcome: str, attempts: Attempts | None) -> Landed:
    """What those get who waited for this answer. It broke where a provider was asked and gave none, an error, or not all of it."""
    status = execution.get("r.status") if execution is not None else None
    broke = outcome in ("failed", "killed") or (
        attempts is not None and bool(attempts.records) and (status is None or status >= _FAULT)
    )
    return Landed(execution.get("cache.entry") if execution is not None else None, broke)
