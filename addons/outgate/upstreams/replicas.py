"""Replicas of each backend that a request may go to now: those listed, without those that are ejected, down, or failed for it."""

from collections.abc import Callable, Collection, Iterable
from random import Random

from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.health import Health, Key
from outgate.upstreams.members import Members
from outgate.upstreams.picking.load import Load
from outgate.upstreams.replica_settings import FRESH


class Replicas:
    """The port by which endpoints are picked. `random` decides whether one that starts slowly takes part,
    `counted` is told of each pick among several: backend, endpoint, strategy.
    """

    def __init__(
        self, members: Members, health: Health, random: Random, monotonic: Callable[[], float],
        counted: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.members, self.health = members, health
        self.random, self._monotonic, self._counted = random, monotonic, counted
        self._loads: dict[Key, tuple[Load | None, float]] = {}

    def open_to(self, backend: Backend, failed: Collection[str]) -> list[Endpoint]:
        """The replicas that have not failed for this request, best those in good health; empty where every one has failed."""
        endpoints = self.members.of(backend)
        left = [each for each in endpoints if each.name not in failed]
        if len(left) < 2:
            return left
        shares = self.health.snapshot(backend, endpoints).shares
        well = [each for each in left if shares[each.name] > 0.0]
        full = [each for each in well if shares[each.name] >= 1.0 or self.random.random() < shares[each.name]]
        return full or well or left

    def tripped(self, backends: Collection[Backend]) -> bool:
        """Whether there are backends, and no replica of any of them is in health: a request that can goes elsewhere."""
        return bool(backends) and all(self.health.tripped(each, self.members.of(each)) for each in backends)

    def ejected(self, backend: Backend) -> tuple[str, ...]:
        """The replicas that get no requests now: failed, or down."""
        members = self.members.of(backend)
        shares = self.health.snapshot(backend, members).shares if len(members) > 1 else {}
        return tuple(each.name for each in members if shares.get(each.name, 1.0) <= 0.0)

    def picked(self, backend: Backend, endpoint: Endpoint, how: str) -> None:
        """A request goes to this replica now."""
        self.health.begin(backend, endpoint)
        if len(self.members.of(backend)) > 1:
            self._counted(backend.name, endpoint.name, how)

    def tell(self, backend: Backend, endpoint: Endpoint, load: Load) -> None:
        """What the replica has told of its load now."""
        self._loads[backend.name, endpoint.address] = load, self._monotonic()

    def load(self, backend: Backend, endpoint: Endpoint, within: float = FRESH) -> Load | None:
        """What the replica told last; None where that is more than `within` seconds old, or it has told nothing."""
        load, at = self._loads.get((backend.name, endpoint.address), (None, 0.0))
        return load if self._monotonic() - at <= within else None

    def load_age(self, backend: Backend, endpoint: Endpoint) -> float:
        """Seconds since the replica told its load, or since this was asked first where it has told none."""
        now = self._monotonic()
        return now - self._loads.setdefault((backend.name, endpoint.address), (None, now))[1]

    def keep(self, backends: Iterable[Backend]) -> None:
        """A policy with these backends has come into force."""
        kept = tuple(backends)
        names = {backend.name for backend in kept}
        self._loads = {key: known for key, known in self._loads.items() if key[0] in names}
        self.members.keep(kept)
        self.health.keep(kept)


class Changes:
    """Tells health which replicas have come and gone since the list was read last; those of the first list are not new."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._known: dict[str, dict[str, Endpoint]] = {}

    def note(self, backend: Backend, changed: Callable[[Collection[str]], None] = lambda _: None) -> None:
        """Compare the list with the one before; `changed` is told the addresses that are gone."""
        now = {each.address: each for each in self._replicas.members.of(backend)}
        before = self._known.get(backend.name)
        self._known[backend.name] = now
        if before is None:
            return
        for address in now.keys() - before.keys():
            self._replicas.health.joined(backend, now[address])
        gone = before.keys() - now.keys()
        self._replicas.health.forget(backend, gone)
        changed(gone)
