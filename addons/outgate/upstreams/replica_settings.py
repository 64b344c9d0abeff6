"""Settings of the replicas of a backend, as frozen values: where they are listed, and when one of them is left out."""

from dataclasses import dataclass, field

FRESH = 2.0
"""Seconds for which the load that a replica has told is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """When a replica is ejected, and how it comes back. Seconds, and shares between 0 and 1.

    `failures` in a row eject it, or a share of `failure_share` among its last requests, for `eject` seconds, each time twice as
    long up to `eject_longest`. No more than `eject_share` of the replicas are ejected at once. One that comes back, or is new, gets
    a growing share of requests for `slow_start` seconds. `probe_path`, where there is one, is asked every `probe_every` seconds.
    """

    failures: int = 5
    failure_share: float = 0.5
    eject: float = 10.0
    eject_longest: float = 300.0
    eject_share: float = 0.5
    slow_start: float = 10.0
    probe_path: str = ""
    probe_every: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShedSettings:
    """When a pool is crowded. A replica is full with `waiting` requests in its queue, a share `cache` of its cache in use, or
    `in_flight` requests of this process (0: not counted). Requests of low priority go elsewhere from a share `low` of full on,
    normal ones from `normal` on.
    """

    waiting: float = 8.0
    cache: float = 0.95
    in_flight: int = 0
    low: float = 0.7
    normal: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """Where the replicas of a backend are listed: `dns` is `host:port`, each address a replica; `file` a JSON file of a controller.

    Both are read every `every` seconds. `fixed` says that the backend's own endpoints are replicas too. `metrics_path`, where there
    is one, tells the load of a replica, asked every `metrics_every` seconds. `shed` says when requests go elsewhere; None: never.
    """

    dns: str = ""
    file: str = ""
    every: float = 5.0
    fixed: bool = True
    metrics_path: str = ""
    metrics_every: float = 0.5
    health: HealthSettings = field(default_factory=HealthSettings)
    shed: ShedSettings | None = None
