"""Share a worker's client connections among their owners: a peer address until a request is authenticated, then its workload.

By the rule of request memory (`MemoryPool`): nobody holds more than is still free, alone half of all. Who is full gives up the
connection that it has left idle for longest, so that a newcomer behind the same address is served while an attacker holds the rest.
"""

from collections.abc import Callable, Hashable

from mitmproxy.connection import Client

from outgate.exchange.body import MemoryPool
from outgate.net.addresses import network_of

_TRIES = 3
"""Tunnels that may be refused on one connection: asking without end costs more to answer than to ask."""


class _Held:
    """One open connection: its owner, requests that run on it, tunnels that it was refused, and whether a request on it was ever
    authenticated.
    """

    __slots__ = ("owner", "proven", "refused", "running")

    def __init__(self, owner: Hashable) -> None:
        self.owner = owner
        self.running = self.refused = 0
        self.proven = False


class ConnectionShares:
    """The open connections of one worker. `cut` closes one whose owner needs its room."""

    def __init__(self, limit: int, cut: Callable[[Client], None]) -> None:
        self._pool = MemoryPool(limit)
        self._cut = cut
        self._held: dict[Client, _Held] = {}
        self._idle: dict[Hashable, dict[Client, None]] = {}

    def connected(self, client: Client) -> bool:
        """Whether there is room for one more of its peer."""
        owner = ("peer", network_of(client.peername[0] if client.peername else ""))
        if not self._take(owner):
            return False
        self._held[client] = _Held(owner)
        self._rest(client, owner)
        return True

    def __len__(self) -> int:
        """Connections that are open."""
        return len(self._held)

    def gone(self, client: Client) -> None:
        held = self._held.pop(client, None)
        if held is not None:
            self._wake(client, held.owner)
            self._pool.release(held.owner, 1)

    def begun(self, client: Client) -> None:
        """A request runs on it: it is not given up."""
        held = self._held.get(client)
        if held is not None:
            held.running += 1
            self._wake(client, held.owner)

    def ended(self, client: Client) -> None:
        held = self._held.get(client)
        if held is not None:
            held.running -= 1
            if not held.running:
                self._rest(client, held.owner)

    def belongs_to(self, client: Client, workload: str) -> bool:
        """Charge it to this workload from now on; False where that has all it may, every one of them in use:
        then it is counted no longer, and must be closed.
        """
        held, owner = self._held.get(client), ("workload", workload)
        if held is None or held.owner == owner:
            return held is not None
        self._pool.release(held.owner, 1)
        self._wake(client, held.owner)
        if not self._take(owner):
            del self._held[client]
            return False
        held.owner = owner
        if not held.running:
            self._rest(client, owner)
        return True

    def prove(self, client: Client) -> None:
        """A request on it was authenticated."""
        held = self._held.get(client)
        if held is not None:
            held.proven = True

    def refused(self, client: Client) -> bool:
        """A tunnel was refused on it; whether it may ask for another, as who is challenged does (curl --proxy-anyauth)."""
        held = self._held.get(client)
        if held is None:
            return False
        held.refused += 1
        return held.refused < _TRIES

    def workload(self, client: Client) -> str:
        """Whose it is; empty as long as nobody was recognised on it."""
        held = self._held.get(client)
        kind, name = held.owner if held is not None and isinstance(held.owner, tuple) else ("", "")
        return str(name) if kind == "workload" else ""

    def is_waiting(self, client: Client) -> bool:
        """Whether it has yet to bring its first authenticated request, and none runs on it."""
        held = self._held.get(client)
        return held is not None and not held.proven and not held.running

    def _take(self, owner: Hashable) -> bool:
        if self._pool.acquire(owner, 1):
            return True
        oldest = next(iter(self._idle.get(owner, ())), None)
        if oldest is None:
            return False
        self.gone(oldest)
        self._cut(oldest)
        return self._pool.acquire(owner, 1)

    def _rest(self, client: Client, owner: Hashable) -> None:
        self._idle.setdefault(owner, {})[client] = None

    def _wake(self, client: Client, owner: Hashable) -> None:
        idle = self._idle.get(owner)
        if idle is not None:
            idle.pop(client, None)
            if not idle:
                del self._idle[owner]
