"""Credentials of backends: read from their sources, written into their header field, replaced when they are renewed."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import SystemRandom

from outgate.dialects.registry import spec
from outgate.errors import Problem
from outgate.inference.attempt import OWN, PassedOver
from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, CredentialReference, Grant, KeySource, MisdirectedError, Origination
from outgate.upstreams.fetched.source import Calls, FetchedSource, UnaskedSource
from outgate.upstreams.key_ring import KeyRing
from outgate.upstreams.key_sources import CommandSource, Source, StillSource
from outgate.upstreams.placeholders import Put, held
from outgate.upstreams.signing import Signable, SigningKeys, keys_of

_log = logging.getLogger(__name__)
_DRAW = SystemRandom().random
_SHORTEST = 8
_BEARER = ("authorization", "Bearer ")
_REPAIR = "set the variable or write the file named under `credential`, one line of printable ASCII"
_NO_KEYS = "it is not ACCESS_KEY:SECRET_KEY, nor ACCESS_KEY:SECRET_KEY:SESSION_TOKEN"


class CredentialMisboundError(MisdirectedError):
    """A credential was about to meet a host it is not bound to. Nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCredential:
    """Header fields that may travel to one backend, under its names and TLS only, or the keys that sign its requests: the fact
    `wire.auth`. `source` is the text as it was read. `put` says that it goes in over the placeholder of that name instead, `holder`
    under which backend it is held, and `own` that it is the workload's: its provider's answers about it are the workload's too.
    """

    backend: str
    origination: Origination
    headers: tuple[tuple[str, Secret], ...]
    keys: SigningKeys | None = None
    source: Secret | None = None
    put: Put | None = field(default=None, compare=False)
    holder: Backend | None = field(default=None, compare=False)
    placeholder: str = field(default="", compare=False)
    own: bool = False

    @property
    def whose(self) -> str:
        """Whose it is, for the closing line."""
        return OWN if self.own else f"placeholder:{self.placeholder}" if self.placeholder else "gateway"

    def written(
        self, backend: Backend, origination: Origination, method: str, target: str, body: bytes
    ) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
        """Target, fields and body as they are written. Raises CredentialMisboundError as `fields_for` does."""
        fields = self.fields_for(backend, origination, method, target, body)
        if self.put is None or self.source is None:
            return target, fields, body
        return self.put.over(self.source.reveal(), target, body)

    def fields_for(
        self, backend: Backend, origination: Origination, method: str, target: str, body: bytes
    ) -> tuple[tuple[str, str], ...]:
        """The fields of this request as they are written. Raises CredentialMisboundError for any other backend, names or TLS
        settings.
        """
        if self.backend != backend.name or (self.origination is not origination and self.origination != origination):
            raise CredentialMisboundError(f"the credential of {self.backend!r} was about to meet {backend.name!r}")
        if self.keys is not None:
            return self.keys.fields(Signable(method, origination.host, target, body))
        return tuple((name, secret.reveal()) for name, secret in self.headers)

    def echoes(self) -> tuple[str, ...]:
        """The credentials without their scheme, as an answer might repeat them; none that is too short to tell, nor what is the
        workload's own.
        """
        if self.own:
            return ()
        secrets = [secret for _, secret in self.headers]
        if self.keys is not None:
            secrets += filter(None, (self.keys.secret, self.keys.session))
        bare = [secret.reveal().rpartition(" ")[2] for secret in secrets]
        return tuple(secret for secret in bare if len(secret) >= _SHORTEST)


@dataclass(slots=True)
class _Held:
    """The sources of one backend, its keys, and the one that was used last; `problem` says why there is none, or not all."""

    sources: tuple[Source, ...]
    ring: KeyRing[BoundCredential]
    read: tuple[Secret, ...] = ()
    bound: BoundCredential | None = None
    problem: str = ""
    epoch: int = 0


class Credentials:
    """Credentials from environment variables, files, directories, commands and token endpoints, read where they are first used.

    `environ` is the environment, `monotonic` seconds, `random` numbers from 0 to 1; `wall` dates signatures; `calls` is the way to
    token endpoints, without which none is asked. A credential that is renewed, or gives way to the next key, raises the epoch of
    its backend; sources that can no longer be read leave the last credentials in force.
    """

    def __init__(
        self, environ: Mapping[str, str], monotonic: Callable[[], float], wall: Callable[[], float],
        random: Callable[[], float] = _DRAW, calls: Calls | None = None,
    ) -> None:  # fmt: skip
        self._calls = calls
        self._environ, self._monotonic, self._wall, self._random = environ, monotonic, wall, random
        self._held: dict[Backend, _Held] = {}

    def bound(self, backend: Backend) -> BoundCredential | None:
        """The backend's credential; None where it has none, or none can be read."""
        held = self._current(backend)
        return held.bound if held is not None else None

    async def ready(self, backend: Backend) -> None:
        """Wait until `bound` can tell: for the first run of a command."""
        held = self._current(backend)
        if held is not None and held.bound is None:
            for source in held.sources:
                await source.ready()
            self._current(backend)

    def epoch(self, backend: Backend) -> int:
        """How often the backend's credential has changed: the outside fact `credential.epoch`."""
        held = self._current(backend)
        return held.epoch if held is not None else 0

    def count(self, backend: Backend) -> int:
        """How many keys the backend has."""
        held = self._current(backend)
        return len(held.ring) if held is not None else 0

    def refused(self, backend: Backend, bound: BoundCredential) -> None:
        """The provider has refused this credential (401): its source is looked at again, and the next key has its turn."""
        held = self._current(backend)
        if held is not None:
            held.ring.refused(bound)
            for source in held.sources:
                source.again(bound.source or Secret(""))

    def spare(self, backend: Backend) -> bool:
        """Whether the backend has a key that is neither refused nor resting."""
        held = self._current(backend)
        return held is not None and held.ring.spare

    def before(self, backend: Backend, bound: BoundCredential) -> tuple[PassedOver, ...]:
        """The keys of the backend that were passed over for this one."""
        held = self._current(backend)
        keys = held.ring.before(bound) if held is not None else ()
        return tuple(PassedOver(f"key {number}", "key_refused" if refused else "key_rests") for number, refused in keys)

    def limited(self, backend: Backend, bound: BoundCredential, seconds: float | None) -> None:
        """The provider takes no more under this credential (429, 402), for so many seconds where it says so."""
        held = self._current(backend)
        if held is not None:
            held.ring.limited(bound, seconds)

    def worked(self, backend: Backend, bound: BoundCredential, spent: float | None = None) -> None:
        """The provider has answered under this credential, and takes no more for `spent` seconds, where that is not None. A key
        that has no other beside it does not rest: only the provider says no.
        """
        held = self._held.get(backend)
        if held is not None:
            held.ring.worked(bound)
            if spent is not None and len(held.ring) > 1:
                held.ring.limited(bound, spent)

    def check(self, backend: Backend) -> tuple[Problem, ...]:
        """What is wrong with the backend's credential and those of its placeholders, for `outgate check`. Never shows one."""
        of_placeholders = ((f"placeholder {each.name!r} of ", holder) for each, holder in held(backend))
        return tuple(problem for told, each in (("", backend), *of_placeholders) for problem in self._check(told, each))

    def trouble(self, backend: Backend) -> str:
        """`unreadable` where there is no credential, `not_renewed` where the last one is used on; else nothing. None is fetched."""
        waits = backend.credential is not None and backend.credential.waits
        held = self._held.get(backend) if waits else self._current(backend)
        if held is None or not held.problem:
            return ""
        return "unreadable" if held.bound is None else "not_renewed"

    def _check(self, told: str, backend: Backend) -> Iterator[Problem]:
        held = self._current(backend)
        if held is not None and held.problem:
            code, lacks = ("E_CREDENTIAL_MISSING", "has no credential") if held.bound is None else ("W_KEY_MISSING", "lacks a key")
            yield Problem(code=code, message=f"{told}backend {backend.name!r} {lacks}: {held.problem}", repair=_REPAIR)

    def _current(self, backend: Backend) -> _Held | None:
        reference = backend.credential
        if reference is None:
            return None
        held = self._held.get(backend)
        if held is None:
            sources = tuple(self._source(backend, source) for source in reference.sources)
            held = self._held[backend] = _Held(sources, KeyRing(reference.rest, self._monotonic))
        self._read(backend, reference, held)
        chosen = held.ring.current()
        if chosen is not held.bound:
            held.epoch += held.bound is not None
            held.bound = chosen
        return held

    def _source(self, backend: Backend, source: KeySource) -> Source:
        if source.grant is not None:
            return self._granted(backend, source.grant)
        if source.command:
            return CommandSource(f"backend {backend.name!r}", source, self._environ, self._monotonic, self._random)
        return StillSource(source, self._environ, self._monotonic)

    def _granted(self, backend: Backend, grant: Grant) -> Source:
        if self._calls is None:
            return UnaskedSource(grant, self._environ)
        name = f"backend {backend.name!r}"
        return FetchedSource(name, grant, self._environ, self._calls, self._wall, self._monotonic, self._random)

    def _read(self, backend: Backend, reference: CredentialReference, held: _Held) -> None:
        readings = [source.read() for source in held.sources]
        read = tuple(key for reading in readings for key in reading.keys)
        problem = next((reading.problem for reading in readings if reading.problem), "")
        if read == held.read and problem == held.problem:
            return
        bound = [_bind(backend, reference, key, self._wall) for key in read]
        held.read, held.problem = read, problem or (_NO_KEYS if None in bound else "")
        usable = [each for each in bound if each is not None]
        if usable or reference.waits:  # what a command prints is not used beyond its end
            held.ring.hold(usable)
        if held.problem and held.bound is not None:
            _log.warning("backend %r keeps its last credential: %s", backend.name, held.problem)


def _bind(backend: Backend, reference: CredentialReference, key: Secret, wall: Callable[[], float]) -> BoundCredential | None:
    """The credential; None where the text is not what the reference asks for."""
    text = key.reveal()
    if reference.sigv4 is not None:
        keys = keys_of(text, reference.sigv4, wall)
        if keys is None:
            return None
        return BoundCredential(backend=backend.name, origination=backend.origination, headers=(), keys=keys, source=key)
    header, prefix = _BEARER if reference.bears or backend.vertex is not None else spec(backend.dialect).credential
    if reference.header:
        header, prefix = reference.header.lower(), reference.prefix
    headers = ((header, Secret(f"{prefix}{text}")),)
    return BoundCredential(backend=backend.name, origination=backend.origination, headers=headers, source=key)
