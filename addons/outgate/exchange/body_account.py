"""How much memory the requests of one worker's exchanges take until they are answered, and how much of it one owner may have.

A bound on each body bounds nothing where one connection has a hundred streams, and there are thousands of connections. And a bound
for all is one that a single workload could use up. So nobody may hold more than what is still free: alone, an owner gets half;
beside one that has filled its half, a second gets a quarter; of n that want all they can get, each has one part of n + 1, and one
part is free for who comes next. Nothing has to be known of who there is, and nobody pays for a workload that is idle.
"""

from collections.abc import Hashable


class BodyAccount:
    """Bytes that are held, by owner, and the most that may be. Every `take` that was granted is followed by a `give`."""

    __slots__ = ("_of", "held", "limit")

    def __init__(self, limit: int) -> None:
        self.held = 0
        self.limit = limit
        self._of: dict[Hashable, int] = {}

    def take(self, owner: Hashable, size: int) -> bool:
        """Count so many bytes more; False, and nothing is counted, where the owner would have more than is free for others."""
        mine, held = self._of.get(owner, 0) + size, self.held + size
        if mine > self.limit - held and size:
            return False
        if mine:
            self._of[owner], self.held = mine, held
        return True

    def give(self, owner: Hashable, size: int) -> None:
        if not size:
            return
        self.held -= size
        left = self._of[owner] - size
        if left:
            self._of[owner] = left
        else:
            del self._of[owner]
