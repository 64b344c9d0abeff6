"""Pick the endpoint of the backend to dial: never one that failed in this exchange."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from outgate.errors import Denial
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.client import Client
from outgate.upstreams.replicas import Replicas

NONE_LEFT = "no_endpoint_left"
"""The code of the denial from which follows that the provider has failed."""


class Strategy(StrEnum):
    """How one of the remaining endpoints is chosen."""

    ROTATE = "rotate"
    LEAST_IN_FLIGHT = "least_in_flight"


class PickEndpointSettings(Settings):
    """How requests are spread over the endpoints of a backend."""

    strategy: Strategy = Strategy.ROTATE
    """`rotate` takes them in turn; `least_in_flight` the one with the fewest requests at this worker, in turn among equals."""


class Reads(NamedTuple):
    """The backend, and the names of endpoints that are out."""

    backend: Backend
    endpoint_state: frozenset[str] | None


class PickEndpoint(Stage):
    """Backend to endpoint."""

    name = "pick_endpoint"
    settings_type = PickEndpointSettings

    def __init__(self, settings: PickEndpointSettings, client: Client, replicas: Replicas) -> None:
        self._least = settings.strategy is Strategy.LEAST_IN_FLIGHT
        self._client, self._replicas = client, replicas
        self._turns: Counter[str] = Counter()
        self.contract = Contract.of(Reads, writes=("endpoint",), may=May.DENY, cost=0.003)

    def run(self, facts: Reads, /) -> Outcome:
        backend = facts.backend
        left = self._replicas.open_to(backend, facts.endpoint_state or frozenset())
        if not left:
            return Denial(code=NONE_LEFT, status=503, message="Every endpoint of the provider has failed for this request.")
        endpoint = left[0] if len(left) == 1 else self._pick(backend, left)
        self._replicas.picked(backend, endpoint)
        return (endpoint,)

    def _pick(self, backend: Backend, left: list[Endpoint]) -> Endpoint:
        turn = self._turns[backend.name] % len(left)
        self._turns[backend.name] += 1
        ordered = left[turn:] + left[:turn]
        if self._least:
            return min(ordered, key=lambda endpoint: self._client.in_flight(backend, endpoint))
        return ordered[0]
