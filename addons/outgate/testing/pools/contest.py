"""Run of a workload over a simulated pool under one picker: how long first words took, and how much was read twice."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

from outgate.testing.pools.engine import BLOCK, Engine, Model, Request
from outgate.testing.pools.pickers import Picker
from outgate.upstreams.picking.priced import Replica

_TOLD_EVERY = 0.5


class Metrics(StrEnum):
    """What the replicas tell of their load: twice a second, never, or from a third of the run on always the same."""

    FRESH = "fresh"
    NONE = "none"
    FROZEN = "frozen"


class Result(NamedTuple):
    """Seconds to the first word, the mean and of a hundred the worst; the share of the prompts' blocks that were in a cache, and of
    those that would have been in one cache of endless size; the most read by a replica over their mean.
    """

    mean: float
    p99: float
    hits: float
    ideal: float
    imbalance: float
    requests: int


class Contest:
    """One run. `pickers` makes the picker, from a clock of the simulation."""

    def __init__(
        self, models: Sequence[Model], picker: Callable[[Callable[[], float]], Picker], metrics: Metrics, until: float
    ) -> None:
        self._engines = [Engine(model) for model in models]
        self._now, self._events, self._numbers = 0.0, list[tuple[float, int, Any]](), count()
        self._picker, self._metrics, self._freeze = picker(lambda: self._now), metrics, until / 3
        self._unread, self._running = [0] * len(models), [0] * len(models)
        self._told = [(0.0, 0)] * len(models)
        self._expected: dict[Request, int] = {}
        self._read, self._done = [0] * len(models), list[Request]()
        self._seen: set[bytes] = set()
        self._ideal = 0

    def run(self, requests: Sequence[Request]) -> Result:
        """All of them, with those that follow, to their end."""
        for request in requests:
            self._at(request.at, request)
        self._at(0.0, None)
        while self._events:
            self._now, _, what = heappop(self._events)
            if what is None:
                self._tell()
            elif isinstance(what, Request):
                self._arrive(what)
            elif self._engines[what].due == self._now:
                self._advance(what)
        return self._result()

    def _at(self, time: float, what: Any) -> None:
        heappush(self._events, (time, next(self._numbers), what))

    def _tell(self) -> None:
        if self._metrics is Metrics.FRESH or (self._metrics is Metrics.FROZEN and self._now <= self._freeze):
            self._told = [(each.used, each.waiting) for each in self._engines]
        if self._events and self._metrics is not Metrics.NONE:
            self._at(self._now + _TOLD_EVERY, None)

    def _arrive(self, request: Request) -> None:
        known = zip(self._unread, self._running, self._told, strict=True)
        replicas = [Replica(f"replica-{at}", unread, running, *told) for at, (unread, running, told) in enumerate(known)]
        request.place, unread = self._picker.pick(request, replicas)
        self._expected[request] = unread
        self._unread[request.place] += unread
        self._running[request.place] += 1
        self._ideal += next((at for at, block in enumerate(request.blocks) if block not in self._seen), len(request.blocks))
        self._seen.update(request.blocks)
        self._engines[request.place].arrive(request, self._now)
        self._follow(request.place)

    def _advance(self, place: int) -> None:
        began, done = self._engines[place].advance()
        for request in began:
            self._unread[place] -= self._expected.pop(request)
            self._read[place] += request.tokens - request.hit * BLOCK
        for request in done:
            self._running[place] -= 1
            self._seen.update(request.answer)
            self._done.append(request)
            if request.follows is not None:
                following, gap = request.follows
                following.at = self._now + gap
                self._at(following.at, following)
        self._follow(place)

    def _follow(self, place: int) -> None:
        if (due := self._engines[place].due) < float("inf"):
            self._at(due, place)

    def _result(self) -> Result:
        waits = sorted(request.first - request.at for request in self._done)
        blocks = sum(len(request.blocks) for request in self._done)
        hits, mean = sum(request.hit for request in self._done), sum(self._read) / len(self._read)
        return Result(
            sum(waits) / len(waits), waits[int(0.99 * (len(waits) - 1))], hits / blocks, self._ideal / blocks,
            max(self._read) / max(1.0, mean), len(waits),
        )  # fmt: skip
