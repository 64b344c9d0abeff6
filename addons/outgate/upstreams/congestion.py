"""Congestion of the pool of a provider, and whether a request leaves it for another target: those of low priority go first.

A crowded pool serves nobody sooner for one more request. What the replicas told of themselves counts while it is fresh, and what
this process has sent them where the policy gives a bound for it. A replica that tells nothing is not idle: it may be too
busy to tell.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from outgate.inference.principal import Principal, Priority
from outgate.upstreams.catalog import Backend, Catalog, Endpoint
from outgate.upstreams.picking.load import Load
from outgate.upstreams.replica_settings import FRESH, ShedSettings
from outgate.upstreams.replicas import Replicas

_UNKNOWN = Load(0.0, 0.0)
_HELD = 30.0
"""Seconds for which the loads told last count, where no replica of a pool has a fresh one."""


class Sent(Protocol):
    """What this process has sent: how many of its requests an endpoint has now."""

    def in_flight(self, backend: Backend, endpoint: Endpoint, /) -> int: ...


class Congestion:
    """The port by which `model_map` passes over what is crowded or has tripped. `shed` is told of a request that leaves a crowded
    pool: the pool's provider, the priority, and the provider that it goes to instead, or `refused`.
    """

    def __init__(self, replicas: Replicas, client: Sent, shed: Callable[[str, str, str], None] = lambda *_: None) -> None:
        self.replicas, self._client, self.shed = replicas, client, shed

    def met_by(self, principal: Principal | None, catalog: Catalog) -> "Crowds":
        """The crowds that this caller meets."""
        return Crowds(self, catalog, principal.priority if principal is not None else Priority.NORMAL)

    def sheds(self, backends: Sequence[Backend], priority: Priority) -> bool:
        """Whether there are backends, and a request of this priority leaves all of them."""
        return bool(backends) and all(self._is_closed_to(each, priority) for each in backends)

    def pressure(self, backend: Backend, settings: ShedSettings) -> float:
        """How full the replicas in health are, in the mean over those of which something is known: 1 is full."""
        members = self.replicas.members.of(backend)
        shares = self.replicas.health.snapshot(backend, members).shares
        well = [each for each in members if shares[each.name] > 0.0]
        within = FRESH if any(self.replicas.load(backend, each) is not None for each in well) else _HELD
        known = (self._full(backend, each, settings, within) for each in well)
        full = [each for each in known if each is not None]
        return sum(full) / len(full) if full else 0.0

    def _is_closed_to(self, backend: Backend, priority: Priority) -> bool:
        settings = backend.replicas.shed
        if settings is None or priority is Priority.HIGH:
            return False
        bound = settings.low if priority is Priority.LOW else settings.normal
        return self.pressure(backend, settings) >= bound

    def _full(self, backend: Backend, endpoint: Endpoint, settings: ShedSettings, within: float) -> float | None:
        """How full a replica is; None where nothing tells."""
        load = self.replicas.load(backend, endpoint, within)
        if load is None and not settings.in_flight:
            return None
        load = load or _UNKNOWN
        sent = self._client.in_flight(backend, endpoint) / settings.in_flight if settings.in_flight else 0.0
        return max(load.waiting / settings.waiting, load.kv / settings.cache, sent)


class Crowds(NamedTuple):
    """Crowded pools, as requests of one priority meet them."""

    congestion: Congestion
    catalog: Catalog
    priority: Priority

    def tripped(self, provider: str) -> bool:
        return self.congestion.replicas.tripped(self.catalog.by_provider(provider))

    def keeps_out(self, provider: str) -> bool:
        return self.congestion.sheds(self.catalog.by_provider(provider), self.priority)

    def leaves(self, provider: str, to: str) -> None:
        self.congestion.shed(provider, self.priority.value, to)
