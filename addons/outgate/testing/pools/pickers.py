"""Pickers that are compared: the strategies of `pick_endpoint` by their own code, and rules of other routers as they are published.

A rule of another router is here to be a hard measure: what is best for a workload is taken from all of them.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, Protocol

from outgate.testing.pools.engine import BLOCK, Model, Request
from outgate.upstreams.picking.prefixes import MOST, Prefixes
from outgate.upstreams.picking.priced import Priced, Replica
from outgate.upstreams.picking.spread import hashed, two_choices


class Picked(NamedTuple):
    """The index of a replica, and the tokens that it will probably have to read."""

    place: int
    unread: int


class Picker(Protocol):
    """One way to pick."""

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked: ...


class Least:
    """`least_in_flight`."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked:
        least = min(each.running for each in replicas)
        return Picked(self._random.choice([at for at, each in enumerate(replicas) if each.running == least]), request.tokens)


class Two:
    """`two_choices`."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked:
        return Picked(two_choices([each.running for each in replicas], self._random), request.tokens)


class Hashed:
    """`consistent_hash`: by the first block, within 1.25 times the mean load."""

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked:
        addresses = tuple(each.address for each in replicas)
        return Picked(hashed(addresses, request.blocks[0], [each.running for each in replicas]), request.tokens)


class Cached:
    """`prefix_cache`."""

    def __init__(self, model: Model, monotonic: Callable[[], float], random: Random) -> None:
        self._priced = Priced(model.rate, model.capacity // BLOCK, monotonic, random)

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked:
        pick = self._priced.pick(replicas, request.blocks[:MOST], request.tokens)
        return Picked(pick.chosen, pick.unread)


class _Indexed:
    """A rule over an index of what each replica was sent."""

    def __init__(self, model: Model, random: Random) -> None:
        self.model, self.random = model, random
        self.prefixes = Prefixes(model.capacity // BLOCK)

    def pick(self, request: Request, replicas: Sequence[Replica]) -> Picked:
        chain = request.blocks[:MOST]
        shares = [self.prefixes.matched(each.address, chain) / len(chain) for each in replicas]
        place = self.of(request, replicas, shares)
        self.prefixes.add(replicas[place].address, chain)
        return Picked(place, max(1, round(request.tokens * (1 - shares[place]))))

    def of(self, request: Request, replicas: Sequence[Replica], shares: Sequence[float], /) -> int:
        raise NotImplementedError

    def least(self, costs: Sequence[float]) -> int:
        least = min(costs)
        return self.random.choice([at for at, cost in enumerate(costs) if cost <= least + 1e-12])


class CacheAware(_Indexed):
    """Rule of SGLang's router: the longest match, unless loads are far apart or it is short; then the smallest index."""

    def of(self, _: Request, replicas: Sequence[Replica], shares: Sequence[float]) -> int:
        running = [each.running for each in replicas]
        if max(running) - min(running) > 64 and max(running) > 1.5 * min(running):
            return self.least(running)
        if max(shares) > 0.3:
            return self.least([-share for share in shares])
        return self.least([self.prefixes.size(each.address) for each in replicas])


class Weighted(_Indexed):
    """Weights of the Gateway API inference extension: 3 for the prefix, 2 for the queue, 2 for what is free of the cache."""

    def of(self, _: Request, replicas: Sequence[Replica], shares: Sequence[float]) -> int:
        queues = [each.waiting for each in replicas]
        most, span = max(queues), max(queues) - min(queues)
        free = [(most - queue) / span if span else 1.0 for queue in queues]
        scores = zip(shares, free, replicas, strict=True)
        return self.least([-(3 * share + 2 * queue + 2 * (1 - each.kv)) for share, queue, each in scores])


class Sticky(_Indexed):
    """A replica that has four fifths of the prompt, until it has two seconds more to read than another."""

    seconds = 2.0

    def of(self, request: Request, replicas: Sequence[Replica], shares: Sequence[float]) -> int:
        costs = [each.unread + request.tokens * (1 - share) for each, share in zip(replicas, shares, strict=True)]
        warm = [at for at, share in enumerate(shares) if share >= 0.8]
        ahead = min((replicas[at].unread for at in warm), default=0.0) - min(each.unread for each in replicas)
        if warm and ahead <= self.seconds * self.model.rate:
            return min(warm, key=lambda at: costs[at])
        return self.least(costs)


def picker_of(name: str, model: Model, monotonic: Callable[[], float], random: Random) -> Picker:
    """A picker by its name: see `OWN` and `OTHERS`."""
    if name == "prefix_cache":
        return Cached(model, monotonic, random)
    spread: dict[str, Callable[[], Picker]] = {
        "least_in_flight": lambda: Least(random),
        "two_choices": lambda: Two(random),
        "consistent_hash": Hashed,
    }
    return spread[name]() if name in spread else _RULES[name](model, random)


_RULES = {"cache aware (SGLang)": CacheAware, "3/2/2 (inference extension)": Weighted, "sticky for 2 s": Sticky}
OWN = ("prefix_cache", "consistent_hash", "two_choices", "least_in_flight")
OTHERS = tuple(_RULES)
