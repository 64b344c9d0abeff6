"""Give the caller its own values back: placeholders in the answer become what was taken out of this request, and nothing else.

Not in a URL of a host that the request did not name: whoever loads it would carry the value there. Runs after every other response
stage, so that guards, the cache and the journal see placeholders.
"""

from typing import NamedTuple

from outgate.detectors.pii.placeholders import NONE, Placeholders
from outgate.detectors.pii.restoring import Restoring
from outgate.inference.stream import EventStream
from outgate.metering.metrics import Metrics
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import StreamStage

_PLACEHOLDERS = "outgate_placeholders_total"


class Reads(NamedTuple):
    """What `restore` sees. A guard that answers before `redact` has run leaves no placeholders, and nothing to restore."""

    placeholders: Placeholders | None
    r_stream: EventStream
    secrets: Placeholders | None = None


class Restore(StreamStage):
    """The companion of `redact` and `secret_guard`."""

    name = "restore"
    contract = Contract.of(
        Reads,
        writes=("r.stream",),
        may=May.MUTATE,
        preserves=("verdict.out.*",),
        after=("*",),
        optional=("placeholders", "secrets"),
        cost=0.02,
    )

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def open(self, facts: Reads, /) -> Restoring | None:
        both = (facts.placeholders or NONE).joined(facts.secrets or NONE)
        return Restoring(both, self._counted) if both else None

    def _counted(self, outcome: str, number: int) -> None:
        self._metrics.add(_PLACEHOLDERS, (outcome,), number)
