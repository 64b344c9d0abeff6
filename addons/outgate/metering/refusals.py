"""Closing lines for refusals of callers whom nobody knows: one for each kind in a second, and a count of the rest.

Such a line costs its caller 34 bytes and no token. The first of a kind is written as it is, before its answer; what is like it is
counted, and told in one more line, under the id of the last, when the second is over. Metrics count each.
"""

from collections import Counter
from collections.abc import Callable

import orjson

from outgate.inference.shown import shown
from outgate.metering.events import Closed
from outgate.net.addresses import network_of

PERIOD = 1.0
"""Seconds between two calls of `flush`."""
_MOST_OF_A_PEER, _MOST = 8, 64
"""Kinds in a period; what comes beyond them is counted together."""


class _More:
    """How many more there were of a line, and which was the last of them."""

    def __init__(self, about: dict[str, object]) -> None:
        self.about = about
        self.count = 0
        self.last = ""


class Refusals:
    """`counts` when an exchange ends, `flush` once a period."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._kinds: dict[tuple[str, ...], _More] = {}
        self._peers: Counter[str] = Counter()
        self._beyond = _More({})

    def counts(self, exchange_id: str, closed: Closed) -> bool:
        """Whether the end of this exchange is told by a count, and is no line of its own. Never that of a workload."""
        if closed.workload or closed.outcome == "answered":
            return False
        peer = network_of(closed.peer)
        denial = closed.denial
        what = (denial.code, denial.cause, shown(denial.presented) or "") if denial is not None else ()
        kind = (peer, closed.outcome, *what)
        more = self._kinds.get(kind)
        if more is None:
            if len(self._kinds) < _MOST and self._peers[peer] < _MOST_OF_A_PEER:
                self._peers[peer] += 1
                self._kinds[kind] = _More(_about(exchange_id, closed))
                return False
            more = self._beyond
        more.count += 1
        more.last = exchange_id
        return True

    def flush(self) -> list[tuple[str, bytes]]:
        """Id and record of the lines that tell what was counted, and begin a new period."""
        told = [more for more in (*self._kinds.values(), self._beyond) if more.count]
        self._kinds.clear()
        self._peers.clear()
        self._beyond = _More({})
        return [(more.last, self._record(more)) for more in told]

    def _record(self, more: _More) -> bytes:
        told = {"time": round(self._wall(), 3), "outcome": "denied", **more.about, "outgate.refusals": more.count}
        return orjson.dumps(told)


def _about(exchange_id: str, closed: Closed) -> dict[str, object]:
    told: dict[str, object] = {"outcome": closed.outcome, "client.address": closed.peer, "outgate.refusals.like": exchange_id}
    if (denial := closed.denial) is not None:
        told |= {"outgate.denial.code": denial.code, "outgate.denial.cause": denial.cause}
        told |= {"presented.name": shown(denial.presented)}
    return told
