"""Answer `GET /v1/models` and `/v1/models/NAME` with what the caller may use, aliases included. Nothing is asked upstream.

What is offered stands in the policy, not at the provider, so that the list shows no model that policy would refuse.
"""

from collections.abc import Callable
from typing import NamedTuple

from pydantic import Field

from outgate.dialects.json_body import decode_value, dump
from outgate.dialects.registry import dialect
from outgate.errors import Denial
from outgate.identity.access import ModelRule
from outgate.inference.names import ModelPattern
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.inference.shown import quoted
from outgate.inference.stream import EventStream
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Catalog

_SHOWN = 20
_FIELDS = Headers([("content-type", "application/json")])


class Offer(ModelRule):
    """Models, and who may see them. `models` are names here, not patterns."""

    models: tuple[ModelPattern, ...] = Field(min_length=1)
    """Names callers may ask for, aliases included."""


class ListModelsSettings(Settings):
    """What is offered, to whom."""

    offers: tuple[Offer, ...] = ()
    """Every offer that covers the caller adds its models."""


class Reads(NamedTuple):
    """Who asks, where, and in which dialect."""

    principal: Principal
    operation: Operation
    destination: str
    admitted: bool


class ListModels(Stage):
    """A list of models as an answer of the gateway."""

    name = "list_models"
    settings_type = ListModelsSettings

    def __init__(self, settings: ListModelsSettings, catalog: Catalog, wall: Callable[[], float]) -> None:
        self._offers = settings.offers
        self._catalog = catalog
        self._wall = wall
        self.contract = Contract.of(Reads, may=May.RESPOND | May.DENY, cost=0.02, passes=0.0)

    def run(self, facts: Reads, /) -> Outcome:
        if facts.operation.kind is not Kind.MODELS:
            return ()
        addressed = self._catalog.by_destination(facts.destination)
        provider = addressed.provider if addressed is not None else ""
        offers = [
            offer
            for offer in self._offers
            if offer.covers(facts.principal) and (not offer.providers or provider in offer.providers)
        ]
        names = list(dict.fromkeys(name for offer in offers for name in offer.models))
        asked = dict(facts.operation.captured).get("model")
        if asked is not None and asked not in names:
            message = f"The policy offers no model {quoted(asked)} here; it offers {', '.join(names[:_SHOWN]) or 'none'}."
            return Denial(code="model_not_found", status=404, message=message)
        return self._answer(facts.operation, names if asked is None else [asked], alone=asked is not None)

    def _answer(self, operation: Operation, names: list[str], *, alone: bool) -> Answer:
        speaker = dialect(operation.dialect)
        told = speaker.models(names, int(self._wall()))
        if alone:
            told = dump(next(value for value in decode_value(told).values() if isinstance(value, list))[0])
        decoder = speaker.answer(operation, stream=False, include_usage=False)
        events = [*decoder.feed(told), *decoder.end()]
        return Answer(200, _FIELDS, EventStream.of(events), "gateway")
