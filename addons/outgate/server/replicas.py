"""Compose the outbound client, and what is kept through it: replicas (lists, health, ejections that workers share), credentials."""

from collections.abc import Callable, Mapping
from functools import partial
from random import SystemRandom

from outgate.metering.metrics import Metrics
from outgate.server.layout import Layout
from outgate.stores.ejections import Ejections
from outgate.upstreams import wire as _loaded_before_the_first_request  # noqa: F401
from outgate.upstreams.client import Client
from outgate.upstreams.congestion import Congestion
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.dns import CachingResolver
from outgate.upstreams.fetched.calls import TokenCalls
from outgate.upstreams.health import Health
from outgate.upstreams.members import Members
from outgate.upstreams.replicas import Replicas
from outgate.upstreams.upkeep import Upkeep


def upkeep_of(layout: Layout, metrics: Metrics, wall: Callable[[], float], monotonic: Callable[[], float]) -> Upkeep:
    """The upkeep of one process, not running yet, with its outbound client."""
    resolver = CachingResolver(monotonic)
    health = Health(wall, lambda *replica: metrics.add("outgate_replica_ejections_total", replica))
    picks = partial(_picked, metrics)
    replicas = Replicas(Members(resolver), health, SystemRandom(), monotonic, picks)
    aged = partial(_aged, metrics)
    return Upkeep(replicas, Client(resolver), Ejections(layout.ejections, wall).share, monotonic, aged)


def credentials_of(
    client: Client, environ: Mapping[str, str], monotonic: Callable[[], float], wall: Callable[[], float]
) -> Credentials:
    """The credentials of one process; token endpoints are asked through this client."""
    return Credentials(environ, monotonic, wall, calls=TokenCalls(client))


def congestion_of(upkeep: Upkeep, metrics: Metrics) -> Congestion:
    """How crowded pools are, as this process knows it."""
    return Congestion(upkeep.replicas, upkeep.client, lambda *left: metrics.add("outgate_shed_total", left))


def _picked(metrics: Metrics, *pick: str) -> None:
    metrics.add("outgate_picks_total", pick)


def _aged(metrics: Metrics, backend: str, endpoint: str, seconds: float) -> None:
    metrics.observe("outgate_replica_load_age_seconds", (backend, endpoint), seconds)
