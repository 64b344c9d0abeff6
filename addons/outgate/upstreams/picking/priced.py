"""Pick the replica that costs least: seconds of reading there, and what a prefix read twice costs everyone else.

While replicas are idle a duplicate costs little, and prefixes spread; near saturation its price rises, and requests stay where
their prefix is. A greedy rule that ignores that price collapses near saturation. A prefix that is asked for so often that reading
it anew would keep a replica busy costs nothing to duplicate: it is read there once, and used from then on.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from math import exp
from random import Random
from typing import NamedTuple

from outgate.upstreams.picking.prefixes import Chain, Prefixes

_BUSY_SECONDS = 20.0
_DEAREST = 40.0
_STREAM = 6 * 0.00015
"""Seconds that a stream beside it costs a request: 0.15 ms a step."""
_KV, _WAITING = 2.0, 0.1
_COLD, _NEAR = 0.3, 0.03
_USED_SECONDS, _USED_MOST = 20.0, 1024


class Replica(NamedTuple):
    """A replica as it stands now: tokens that it has still to read for us, our requests there, and what it told of itself.

    `kv` is the share of its cache in use, `waiting` its queue; both 0 where what it told is stale.
    """

    address: str
    unread: float
    running: int
    kv: float = 0.0
    waiting: float = 0.0


class Pick(NamedTuple):
    """The index of the replica that was chosen, the blocks that it probably has, and the tokens that it has to read."""

    chosen: int
    matched: int
    unread: int


class Priced:
    """The picker of one backend. `rate` is tokens a replica reads in a second, `capacity` blocks that its cache holds."""

    def __init__(self, rate: float, capacity: int, monotonic: Callable[[], float], random: Random) -> None:
        self._rate, self._monotonic, self._random = rate, monotonic, random
        self.prefixes = Prefixes(capacity)
        self._busy, self._at = 0.0, monotonic()
        self._used: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def pick(self, replicas: Sequence[Replica], chain: Chain, tokens: int) -> Pick:
        """The replica; its index has the prompt from now on."""
        self._look(replicas)
        matched = [self.prefixes.matched(each.address, chain) for each in replicas]
        block = tokens / max(1, len(chain))
        best = max(matched)
        price = self._price() * (1.0 - self._heat(chain[best - 1], best * block)) if best else 0.0
        costs = [
            self._cost(each, tokens - m * block, (best - m) * block * price) for each, m in zip(replicas, matched, strict=True)
        ]
        index = self._least(replicas, costs, cold=best < _COLD * len(chain) or not chain)
        self.prefixes.add(replicas[index].address, chain)
        return Pick(index, matched[index], max(1, round(tokens - matched[index] * block)))

    def _cost(self, replica: Replica, unread: float, twice: float) -> float:
        read = (replica.unread + unread + twice) / self._rate
        return read + _STREAM * replica.running + _KV * replica.kv + _WAITING * replica.waiting

    def _least(self, replicas: Sequence[Replica], costs: Sequence[float], *, cold: bool) -> int:
        least = min(costs)
        near = [index for index, cost in enumerate(costs) if cost <= least + (_NEAR if cold else 1e-12)]
        if cold:
            smallest = min(self.prefixes.size(replicas[index].address) for index in near)
            near = [index for index in near if self.prefixes.size(replicas[index].address) == smallest]
        return near[0] if len(near) == 1 else self._random.choice(near)

    def _price(self) -> float:
        return min(_DEAREST, 1.0 / max(1.0 - self._busy, 1.0 / _DEAREST))

    def _heat(self, prefix: Hashable, tokens: float) -> float:
        """The share of a replica's time that reading this prefix for each of its requests would take, 1 at most."""
        count, at = self._used.pop(prefix, (0.0, self._at))
        count = count * exp(-(self._at - at) / _USED_SECONDS) + 1.0
        self._used[prefix] = count, self._at
        if len(self._used) > _USED_MOST:
            self._used.popitem(last=False)
        return min(1.0, count / _USED_SECONDS * tokens / self._rate)

    def _look(self, replicas: Sequence[Replica]) -> None:
        now = self._monotonic()
        fade = exp(-max(0.0, now - self._at) / _BUSY_SECONDS)
        share = sum(each.unread > 0 for each in replicas) / len(replicas)
        self._busy, self._at = share + (self._busy - share) * fade, now
