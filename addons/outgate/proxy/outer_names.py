"""Names for which certificates are minted outside of tunnels: for clients that nobody knows yet, a few in a minute.

A base-URL client may call the gateway by any name, and minting costs 5 ms. Names of the policy and of the gateway itself are always
minted, and one under which a workload was authenticated is so from then on; who brings more gets the leaf of the gateway's address.
"""

from collections import Counter
from collections.abc import Callable

from outgate.net.addresses import network_of

_PERIOD = 60.0
_MOST_OF_A_PEER, _MOST = 8, 64
_MOST_PROVEN = 256


class OuterNames:
    """`seconds` is a steady clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._proven: dict[str, None] = {}
        self._new: set[str] = set()
        self._peers: Counter[str] = Counter()
        self._period = 0.0

    def admits(self, name: str, peer: str) -> bool:
        """Whether a certificate is minted for this name, which neither policy nor the gateway has."""
        period = self._seconds() // _PERIOD
        if period != self._period:
            self._period = period
            self._new.clear()
            self._peers.clear()
        if name in self._proven or name in self._new:
            return True
        network = network_of(peer)
        if len(self._new) >= _MOST or self._peers[network] >= _MOST_OF_A_PEER:
            return False
        self._new.add(name)
        self._peers[network] += 1
        return True

    def prove(self, name: str) -> None:
        """A workload was authenticated under it. The oldest of many is forgotten."""
        if name:
            self._proven[name] = None
            if len(self._proven) > _MOST_PROVEN:
                del self._proven[next(iter(self._proven))]
