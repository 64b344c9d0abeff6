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
    """What the provider reported of a whole answer; of a stream that broke off, was cut, or said nothing of its usage, at least
    what came: also of what no client got to see, for the provider bills it.
    """
    if delivery is None:
        return None
    if not delivery.streams or (delivery.complete and delivery.usage is not None):
        return delivery.usage
    reported, said = delivery.usage or Usage(), delivery.said.tokens
    if delivery.complete and not said:
        return None
    return replace(
        reported,
        input_tokens=execution.get("tokens.in") if reported.input_tokens is None else reported.input_tokens,
        output_tokens=max(said, reported.output_tokens or 0),
        estimated=True,
    )


def landed(execution: Execution | None, outcome: str, attempts: Attempts | None) -> Landed:
    """What those get who waited for this answer. It broke where a provider was asked and gave none, an error, or not all of it."""
    status = execution.get("r.status") if execution is not None else None
    broke = outcome in ("failed", "killed") or (
        attempts is not None and bool(attempts.records) and (status is None or status >= _FAULT)
    )
    return Landed(execution.get("cache.entry") if execution is not None else None, broke)
