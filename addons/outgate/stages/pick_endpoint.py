"""Pick the endpoint of the backend to dial: one in good health, never one that failed in this exchange."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from outgate.errors import Denial
from outgate.inference.input_tokens import InputTokens
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.client import Client
from outgate.upstreams.picking.load import Load
from outgate.upstreams.picking.prefixes import BLOCK, Chain, chain_of, head_of
from outgate.upstreams.picking.priced import Priced, Replica
from outgate.upstreams.picking.spread import hashed, two_choices
from outgate.upstreams.replicas import Replicas

NONE_LEFT = "no_endpoint_left"  # the code of the denial from which follows that the provider has failed
_PER_TOKEN = 4


class Strategy(StrEnum):
    """How one of the remaining endpoints is chosen."""

    ROTATE = "rotate"
    LEAST_IN_FLIGHT = "least_in_flight"
    TWO_CHOICES = "two_choices"
    CONSISTENT_HASH = "consistent_hash"
    PREFIX_CACHE = "prefix_cache"


_BY_PROMPT = frozenset({Strategy.CONSISTENT_HASH, Strategy.PREFIX_CACHE})


class PickEndpointSettings(Settings):
    """How requests are spread over the endpoints of a backend."""

    strategy: Strategy = Strategy.ROTATE
    """`rotate` takes them in turn; `least_in_flight` the one with the fewest requests at this worker, in turn among equals;
    `two_choices` the better of two taken at random; `consistent_hash` the same one for the same beginning of a prompt, unless it
    has 1.25 times the mean load; `prefix_cache` the one that costs least by the prompts it has in its cache and its load."""
    tokens_per_second: Annotated[float, Field(gt=0, le=10_000_000)] = 20_000.0
    """Tokens of a prompt that a replica reads in a second, for `prefix_cache`."""
    cache_tokens: Annotated[int, Field(ge=1024, le=100_000_000)] = 300_000
    """Tokens that the cache of a replica holds, for `prefix_cache`."""


class Reads(NamedTuple):
    """The backend, and the names of endpoints that are out."""

    backend: Backend
    endpoint_state: frozenset[str] | None


class PromptReads(NamedTuple):
    """The same, and what the request says, of whom and to which model."""

    backend: Backend
    endpoint_state: frozenset[str] | None
    prompt: Prompt | None
    tokens_in: InputTokens | None
    principal: Principal | None
    model: str | None


class PickEndpoint(Stage):
    """Backend to endpoint."""

    name = "pick_endpoint"
    settings_type = PickEndpointSettings

    def __init__(
        self, settings: PickEndpointSettings, client: Client, replicas: Replicas, state_secret: StateSecret,
        monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self.settings, self._monotonic = settings, monotonic
        self._client, self._replicas, self._state_secret = client, replicas, state_secret
        self._turns: Counter[str] = Counter()
        self._priced: dict[str, Priced] = {}
        view: Any = PromptReads if settings.strategy in _BY_PROMPT else Reads
        optional = ("prompt", "tokens.in", "principal", "model") if view is PromptReads else ()
        self.contract = Contract.of(view, writes=("endpoint",), may=May.DENY, optional=optional, cost=0.003)

    def run(self, facts: Any, /) -> Outcome:
        backend = facts.backend
        left = self._replicas.open_to(backend, facts.endpoint_state or frozenset())
        if not left:
            return Denial(code=NONE_LEFT, status=503, message="Every endpoint of the provider has failed for this request.")
        endpoint = left[0] if len(left) == 1 else self._pick(backend, left, facts)
        self._replicas.picked(backend, endpoint, self.settings.strategy.value)
        return (endpoint,)

    def _pick(self, backend: Backend, left: list[Endpoint], facts: Any) -> Endpoint:
        loads = [self._client.in_flight(backend, each) for each in left]
        match self.settings.strategy:
            case Strategy.TWO_CHOICES:
                return left[two_choices(loads, self._replicas.random)]
            case Strategy.CONSISTENT_HASH:
                key = head_of(self._seed(facts), facts.prompt.leaves if facts.prompt is not None else ())
                return left[hashed(tuple(each.address for each in left), key, loads)]
            case Strategy.PREFIX_CACHE:
                return self._cheapest(backend, left, facts)
        return self._in_turn(backend, left)

    def _in_turn(self, backend: Backend, left: list[Endpoint]) -> Endpoint:
        self._turns[backend.name] += 1
        turn = (self._turns[backend.name] - 1) % len(left)
        ordered = left[turn:] + left[:turn]
        if self.settings.strategy is Strategy.ROTATE:
            return ordered[0]
        return min(ordered, key=lambda endpoint: self._client.in_flight(backend, endpoint))

    def _cheapest(self, backend: Backend, left: list[Endpoint], facts: Any) -> Endpoint:
        priced, chain = self._picker(backend), self._chain(facts)
        for endpoint in self._replicas.members.of(backend):
            if endpoint.name in (facts.endpoint_state or ()):
                priced.prefixes.forget(endpoint.address, chain)
        pick = priced.pick([self._standing(backend, each) for each in left], chain, _tokens(facts))
        return replace(left[pick.chosen], work=pick.unread)

    def _picker(self, backend: Backend) -> Priced:
        rate, blocks = self.settings.tokens_per_second, self.settings.cache_tokens * _PER_TOKEN // BLOCK
        known = self._priced.setdefault(backend.name, Priced(rate, blocks, self._monotonic, self._replicas.random))
        known.prefixes.keep({each.address for each in self._replicas.members.of(backend)})
        return known

    def _standing(self, backend: Backend, endpoint: Endpoint) -> Replica:
        load = self._replicas.load(backend, endpoint) or Load(0.0, 0.0)
        unread, running = self._client.unread(backend, endpoint), self._client.in_flight(backend, endpoint)
        return Replica(endpoint.address, unread, running, load.kv, load.waiting)

    def _seed(self, facts: Any) -> bytes:
        return self._state_secret.derive("prefixes", facts.principal.tenant if facts.principal else "", facts.model or "")

    def _chain(self, facts: Any) -> Chain:
        return chain_of(self._seed(facts), facts.prompt.leaves) if facts.prompt is not None else ()


def _tokens(facts: Any) -> int:
    if facts.tokens_in is not None:
        return int(facts.tokens_in.exact())
    return sum(len(leaf.text) for leaf in facts.prompt.leaves) // _PER_TOKEN if facts.prompt is not None else 0
