"""Health of replicas: ejected after failures, tried by one request, and given a growing share when they are back.

Passive: every attempt is observed when it has failed or its answer has begun, and once more when that answer has ended: one that
breaks off is a failure. Active: probes say up or down. A backend of which every replica is out has tripped: its circuit is open.
Whoever decides what follows a failure asks for a `snapshot`; nothing here sends anything again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import NamedTuple

from outgate.errors import FailureKind, FailureReason
from outgate.inference.attempt import AttemptRecord
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.replica_settings import HealthSettings

_AGAINST = frozenset({
    FailureKind.CONNECT, FailureKind.TLS, FailureKind.DNS, FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.SERVER_ERROR,
    FailureKind.PROTOCOL, FailureKind.BROKEN_STREAM,
})  # fmt: skip
"""Failures that speak against the replica; a 429 or 401 is an answer of one that lives."""
_OUTLIER_VOLUME, _OUTLIER_SECONDS = 20.0, 30.0
_TRIAL = 10.0
"""Seconds for which a trial that has not ended keeps others away."""
_LEAST = 0.1

type Key = tuple[str, str]
"""Name of a backend, and `host:port` of its replica."""


class Ejection(NamedTuple):
    """A replica left out until an epoch time, for the n-th time in succession."""

    until: float
    times: int


class Standing(NamedTuple):
    """The share of ordinary traffic that each replica of a backend may have now, by name: 0 leaves it out. Never all are out."""

    shares: Mapping[str, float]
    panic: bool = False


@dataclass(slots=True)
class _State:
    streak: int = 0
    good: float = 0.0
    bad: float = 0.0
    at: float = 0.0
    times: int = 0
    until: float = 0.0
    proving: bool = False
    trial: float = 0.0
    since: float = float("-inf")
    down: bool = False
    well: int = 0


class Health:
    """The health of all replicas, as this process knows it. `wall` gives epoch seconds, for workers share ejections.

    `ejected` is told of each ejection. `news` are those that the other workers have not been told yet.
    """

    def __init__(self, wall: Callable[[], float], ejected: Callable[[str, str], None] = lambda *_: None) -> None:
        self._wall, self._ejected = wall, ejected
        self._settings: dict[str, HealthSettings] = {}
        self._states: dict[Key, _State] = {}
        self.news: dict[Key, Ejection] = {}

    def keep(self, backends: Iterable[Backend]) -> None:
        """These backends are in force; what is known of others is forgotten."""
        self._settings = {backend.name: backend.replicas.health for backend in backends}
        self._states = {key: state for key, state in self._states.items() if key[0] in self._settings}

    def forget(self, backend: Backend, gone: Iterable[str]) -> None:
        """These addresses are replicas of the backend no more."""
        for address in gone:
            self._states.pop((backend.name, address), None)

    def joined(self, backend: Backend, endpoint: Endpoint) -> None:
        """A replica that was not there before: it starts slowly."""
        self._states.setdefault((backend.name, endpoint.address), _State()).since = self._wall()

    def observe(self, attempt: AttemptRecord) -> None:
        """Take an attempt that has failed, or whose answer has begun. One that waited in vain for a slot says nothing."""
        if attempt.backend not in self._settings or attempt.reason is FailureReason.QUEUE_TIMED_OUT:
            return
        if attempt.failure is None:
            self._began((attempt.backend, attempt.address))
        else:
            self._take((attempt.backend, attempt.address), failed=attempt.failure in _AGAINST)

    def ended(self, attempt: AttemptRecord) -> None:
        """Take the end of an answer that had begun well: it was whole, or it broke off."""
        if attempt.backend in self._settings:
            self._take((attempt.backend, attempt.address), failed=attempt.failure in _AGAINST)

    def probed(self, backend: Backend, endpoint: Endpoint, *, up: bool) -> None:
        """What a probe found. A replica that is up again starts slowly, and an ejection of it ends."""
        state = self._states.setdefault((backend.name, endpoint.address), _State())
        if state.down and up:
            state.since, state.until, state.proving = self._wall(), 0.0, False
        state.down = not up

    def snapshot(self, backend: Backend, endpoints: Sequence[Endpoint]) -> Standing:
        """How the replicas stand now. Of those ejected, so many are left out as the settings allow, the longest ejected first."""
        settings, now = backend.replicas.health, self._wall()
        states = {each.name: self._states.get((backend.name, each.address)) for each in endpoints}
        ejected = [name for name, state in states.items() if state is not None and _is_out(state, now)]
        ejected.sort(key=lambda name: -(states[name] or _State()).until)
        out = set(ejected[: int(settings.eject_share * len(endpoints))])
        out |= {name for name, state in states.items() if state is not None and state.down}
        if len(out) == len(states):
            return Standing(dict.fromkeys(states, 1.0), panic=True)
        return Standing({name: 0.0 if name in out else _share(state, settings, now) for name, state in states.items()})

    def tripped(self, backend: Backend, endpoints: Sequence[Endpoint]) -> bool:
        """Whether every replica is ejected or down, however many may be left out at once."""
        now, states = self._wall(), [self._states.get((backend.name, each.address)) for each in endpoints]
        return bool(states) and all(state is not None and (state.down or _is_out(state, now)) for state in states)

    def begin(self, backend: Backend, endpoint: Endpoint) -> None:
        """The replica was picked: where it was ejected, this request tries it, and no other does until that has ended."""
        state, now = self._states.get((backend.name, endpoint.address)), self._wall()
        if state is not None and state.proving and now >= state.until:
            state.trial = now + _TRIAL

    def merge(self, known: Mapping[Key, Ejection]) -> None:
        """Take ejections that other workers found. One that lasts longer than any may is no ejection of this clock."""
        now = self._wall()
        for key, (until, times) in known.items():
            settings = self._settings.get(key[0])
            if settings is not None and now < until <= now + settings.eject_longest:
                state = self._states.setdefault(key, _State())
                state.until, state.times, state.proving = max(state.until, until), max(state.times, times), True

    def _began(self, key: Key) -> None:
        """An answer has begun: a trial lets others come, slowly. Whether the replica is well is told by the end of the answer."""
        state, now = self._states.get(key), self._wall()
        if state is not None and state.trial and now >= state.until:
            state.trial, state.since = 0.0, now

    def _take(self, key: Key, *, failed: bool) -> None:
        state, settings, now = self._states.setdefault(key, _State()), self._settings[key[0]], self._wall()
        fade = exp(-max(0.0, now - state.at) / _OUTLIER_SECONDS)
        state.good, state.bad, state.at = state.good * fade + (not failed), state.bad * fade + failed, now
        if not failed:
            _succeeded(state, settings, now)
            return
        state.streak, state.well = state.streak + 1, 0
        if now >= state.until and (state.proving or state.streak >= settings.failures or _is_outlier(state, settings)):
            self._eject(key, state, settings, now)

    def _eject(self, key: Key, state: _State, settings: HealthSettings, now: float) -> None:
        state.times, state.proving, state.trial = state.times + 1, True, 0.0
        state.until = now + min(settings.eject_longest, settings.eject * 2.0 ** min(state.times - 1, 30))
        state.streak, state.good, state.bad = 0, 0.0, 0.0
        self.news[key] = Ejection(state.until, state.times)
        self._ejected(*key)


def _succeeded(state: _State, settings: HealthSettings, now: float) -> None:
    state.streak, state.well = 0, state.well + 1
    if state.proving and now >= state.until:
        state.proving, state.trial, state.since = False, 0.0, state.since if state.since >= state.until else now
    if state.well >= settings.failures and now >= state.until:
        state.times = 0


def _is_outlier(state: _State, settings: HealthSettings) -> bool:
    volume = state.good + state.bad
    return volume >= _OUTLIER_VOLUME and state.bad / volume >= settings.failure_share


def _is_out(state: _State, now: float) -> bool:
    return now < state.until or (state.proving and now < state.trial)


def _share(state: _State | None, settings: HealthSettings, now: float) -> float:
    if state is None or settings.slow_start <= 0:
        return 1.0
    return min(1.0, max(_LEAST, (now - state.since) / settings.slow_start))
