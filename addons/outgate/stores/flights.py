"""Requests of one worker that are on their way to a provider, by cache key, and those that wait for the same answer.

The exchange that came first leads. Its end, whatever it is, frees the key and tells those who wait: an answer that was stored, none
that can be, or that it broke, and then one of them may lead. No key outlives its leader.
"""

from asyncio import Future, get_running_loop, wait
from collections.abc import Callable
from typing import NamedTuple

from outgate.stores.answers import CachedAnswer


class Landed(NamedTuple):
    """What came of a request: the answer that was stored, if any; `broke` where there was no answer at all."""

    stored: CachedAnswer | None = None
    broke: bool = False


class _Flight:
    """One request on its way. `alone` is called when nobody waits for it any more, once the client of its leader has left."""

    __slots__ = ("alone", "answer", "key", "leader", "waiting")

    def __init__(self, key: bytes, leader: str) -> None:
        self.key, self.leader = key, leader
        self.answer: Future[Landed] = get_running_loop().create_future()
        self.waiting = 0
        self.alone: Callable[[], None] | None = None


class Flights:
    """What is on its way in this worker."""

    def __init__(self) -> None:
        self._of_key: dict[bytes, _Flight] = {}
        self._led_by: dict[str, _Flight] = {}

    def lead(self, key: bytes, exchange_id: str) -> bool:
        """Whether this exchange leads: nobody is on the way with the same request, or it is the one. It leads one at a time."""
        mine = self._led_by.get(exchange_id)
        if mine is not None and mine.key == key:
            return True
        self.end(exchange_id)
        if key in self._of_key:
            return False
        self._of_key[key] = self._led_by[exchange_id] = _Flight(key, exchange_id)
        return True

    async def follow(self, key: bytes, until: float) -> Landed:
        """What came of the leader, or nothing, by that time of the loop."""
        flight = self._of_key.get(key)
        if flight is None:
            return Landed()
        flight.waiting += 1
        try:
            await wait((flight.answer,), timeout=max(0.0, until - get_running_loop().time()))
        finally:
            flight.waiting -= 1
            if not flight.waiting and flight.alone is not None:
                self.leave(flight.leader, flight.alone)
        return flight.answer.result() if flight.answer.done() else Landed()

    def leave(self, exchange_id: str, alone: Callable[[], None]) -> None:
        """The client of this exchange has left: `alone` is called as soon as nobody waits for its answer, which may be now."""
        flight = self._led_by.get(exchange_id)
        if flight is not None and flight.waiting:
            flight.alone = alone
        else:
            self.end(exchange_id)
            alone()

    def end(self, exchange_id: str, landed: Landed = Landed()) -> None:  # noqa: B008 - immutable
        """This exchange has ended like this; a no-op for one that leads nothing."""
        flight = self._led_by.pop(exchange_id, None)
        if flight is not None:
            del self._of_key[flight.key]
            flight.alone = None
            flight.answer.set_result(landed)
