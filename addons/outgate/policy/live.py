"""Policy in force: an immutable set of compiled plans, and the count of exchanges that still run under it."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from outgate.errors import Problem
from outgate.identity.access import Who
from outgate.identity.workloads import Workloads
from outgate.inference.operation import Kind
from outgate.inference.principal import Principal
from outgate.net.patterns import covers
from outgate.pipeline.plan import Plan
from outgate.pipeline.stage import Stage
from outgate.policy.schema import GatewaySection, MatchSection
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.retry_policy import RoutePolicy

_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """What a route is chosen by. `destination` is the addressed backend's name, `path` has no query, `model` may be empty, and is
    None while the body is not read.
    """

    destination: str | None
    method: str
    path: str
    kind: Kind
    model: str | None
    principal: Principal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRoute:
    """One route, compiled. `retry` is what becomes of failed attempts; `media`
    says that it admits images, audio or files.
    """

    name: str
    plan: Plan
    destinations: frozenset[str]
    matching: MatchSection
    who: Who
    retry: RoutePolicy = field(default_factory=RoutePolicy)
    media: bool = False

    def takes(self, asked: "Asked") -> bool:
        match = self.matching
        return (
            asked.destination in self.destinations
            and (not match.methods or asked.method in match.methods)
            and (not match.kinds or asked.kind in match.kinds)
            and (not match.paths or covers(match.paths, asked.path))
            and (not match.models or asked.model is None or (bool(asked.model) and covers(match.models, asked.model)))
            and (asked.principal is not None and self.who.covers(asked.principal))
        )


@dataclass(eq=False, slots=True, kw_only=True)
class LivePolicy:
    """`revision` names its content, `rules` its content without workloads and `gateway`. `connect` judges tunnels, `head` request
    heads, `routes` everything else.

    `acquire` and `release` bracket every exchange: once retired, its stages are stopped when the last one has ended. `stopping`
    is told then. `parts` are digests of what it says, by name, for the log.
    """

    revision: str
    rules: str
    gateway: GatewaySection
    catalog: Catalog
    workloads: Workloads
    connect: Plan
    head: Plan
    routes: tuple[LiveRoute, ...]
    stages: tuple[Stage, ...]
    warnings: tuple[Problem, ...] = ()
    parts: Mapping[str, bytes] = field(default_factory=dict)
    exchanges: int = field(default=0, init=False)
    _stopping: "Callable[[LivePolicy], None] | None" = field(default=None, init=False)

    def destination(self, authority: str) -> Backend | None:
        """The backend a workload addresses by this canonical `host:port`."""
        return self.catalog.by_destination(authority)

    def candidates(self, asked: Asked) -> tuple[LiveRoute, ...]:
        """The routes that take the request, in file order; while its model is not known, those too for which it counts."""
        return tuple(route for route in self.routes if route.takes(asked))

    def match(self, asked: Asked) -> LiveRoute | None:
        """The first route, in file order, that takes the request."""
        return next((route for route in self.routes if route.takes(asked)), None)

    async def start(self) -> None:
        """Start every stage. Where one fails, those that were started are stopped and its error is raised."""
        started: list[Stage] = []
        try:
            for stage in self.stages:
                await stage.start()
                started.append(stage)
        except BaseException:
            await _stop(started)
            raise

    def acquire(self) -> None:
        self.exchanges += 1

    def release(self) -> None:
        self.exchanges -= 1
        self._maybe_stopping()

    def retire(self, stopping: Callable[["LivePolicy"], None]) -> None:
        """No new exchange begins under it; `stopping` is called as soon as none runs."""
        self._stopping = stopping
        self._maybe_stopping()

    async def stop(self) -> None:
        await _stop(self.stages)

    def _maybe_stopping(self) -> None:
        if self.exchanges == 0 and self._stopping is not None:
            stopping, self._stopping = self._stopping, None
            stopping(self)


async def _stop(stages: Iterable[Stage]) -> None:
    """Stop all of them, in reverse order, whatever one of them raises."""
    for stage in reversed(tuple(stages)):
        try:
            await stage.stop()
        except Exception:
            _log.exception("the stage %s could not be stopped", stage.name)
