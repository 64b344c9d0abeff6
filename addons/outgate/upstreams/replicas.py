"""Replicas of each backend that a request may go to now: those listed, without those that are ejected, down, or failed for it."""

from collections.abc import Callable, Collection, Iterable
from random import Random

from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.health import Health
from outgate.upstreams.members import Members


class Replicas:
    """The port by which endpoints are picked. `random` decides whether one that starts slowly takes part."""

    def __init__(self, members: Members, health: Health, random: Random) -> None:
        self.members, self.health = members, health
        self._random = random

    def open_to(self, backend: Backend, failed: Collection[str]) -> list[Endpoint]:
        """The replicas that have not failed for this request, best those in good health; empty where every one has failed."""
        endpoints = self.members.of(backend)
        left = [each for each in endpoints if each.name not in failed]
        if len(left) < 2:
            return left
        shares = self.health.snapshot(backend, endpoints).shares
        well = [each for each in left if shares[each.name] > 0.0]
        full = [each for each in well if shares[each.name] >= 1.0 or self._random.random() < shares[each.name]]
        return full or well or left

    def picked(self, backend: Backend, endpoint: Endpoint) -> None:
        """A request goes to this replica now."""
        self.health.begin(backend, endpoint)

    def keep(self, backends: Iterable[Backend]) -> None:
        """A policy with these backends has come into force."""
        kept = tuple(backends)
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
