"""Credentials of backends: read from their source, written into their header field, replaced when they are renewed."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from outgate.dialects.registry import spec
from outgate.errors import Problem
from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, CredentialReference, MisdirectedError, Origination
from outgate.upstreams.signing import Signable, SigningKeys, keys_of

_log = logging.getLogger(__name__)
_STAT_EVERY = 1.0
_LARGEST = 16 * 1024
_SHORTEST = 8
_NO_KEYS = "it is not ACCESS_KEY:SECRET_KEY, nor ACCESS_KEY:SECRET_KEY:SESSION_TOKEN"


class CredentialMisboundError(MisdirectedError):
    """A credential was about to meet a host it is not bound to. Nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCredential:
    """Header fields that may travel to one backend, under its names and TLS only, or the keys that sign its requests: the fact
    `wire.auth`.
    """

    backend: str
    origination: Origination
    headers: tuple[tuple[str, Secret], ...]
    keys: SigningKeys | None = None

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
        """The credentials without their scheme, as an answer might repeat them; none that is too short to tell."""
        secrets = [secret for _, secret in self.headers]
        if self.keys is not None:
            secrets += filter(None, (self.keys.secret, self.keys.session))
        bare = [secret.reveal().rpartition(" ")[2] for secret in secrets]
        return tuple(secret for secret in bare if len(secret) >= _SHORTEST)


class _Stamp(NamedTuple):
    """What changes when a file is rewritten, or a link to it is moved."""

    mtime_ns: int
    inode: int
    size: int


@dataclass(slots=True)
class _Held:
    """The last reading for one backend; `problem` says why there is no `bound`."""

    bound: BoundCredential | None = None
    problem: str = ""
    epoch: int = 0
    stamp: _Stamp | None = None
    checked: float = 0.0


class Credentials:
    """Credentials from environment variables and files, read where they are first used.

    `environ` is the environment, `monotonic` seconds; a file is looked at once a second at most, and read again when it changed.
    A renewed credential raises the epoch of its backend; a file that can no longer be read leaves the last credential in force.
    `wall` dates signatures.
    """

    def __init__(self, environ: Mapping[str, str], monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._environ = environ
        self._monotonic = monotonic
        self._wall = wall
        self._held: dict[Backend, _Held] = {}

    def bound(self, backend: Backend) -> BoundCredential | None:
        """The backend's credential; None where it has none, or none can be read."""
        held = self._current(backend)
        return held.bound if held is not None else None

    def epoch(self, backend: Backend) -> int:
        """How often the backend's credential has changed: the outside fact `credential.epoch`."""
        held = self._current(backend)
        return held.epoch if held is not None else 0

    def refresh(self, backend: Backend) -> int:
        """Read the source again now (a provider has refused the credential) and give the epoch.

        The epoch rises only where the credential has changed: the same one would be refused again.
        """
        held = self._current(backend)
        if held is None or backend.credential is None:
            return 0
        self._read(backend, backend.credential, held)
        return held.epoch

    def check(self, backend: Backend) -> tuple[Problem, ...]:
        """What is wrong with the backend's credential, for `outgate check`. Never shows it."""
        held = self._current(backend)
        if held is None or held.bound is not None:
            return ()
        return (
            Problem(
                code="E_CREDENTIAL_MISSING",
                message=f"backend {backend.name!r} has no credential: {held.problem}",
                repair="set the variable or write the file named under `credential`, one line of printable ASCII",
            ),
        )

    def _current(self, backend: Backend) -> _Held | None:
        reference = backend.credential
        if reference is None:
            return None
        held = self._held.get(backend)
        if held is None:
            held = self._held[backend] = _Held()
            self._read(backend, reference, held)
        elif reference.file and self._monotonic() - held.checked >= _STAT_EVERY:
            self._look(backend, reference, held)
        return held

    def _look(self, backend: Backend, reference: CredentialReference, held: _Held) -> None:
        held.checked = self._monotonic()
        if _stamp(reference.file) != held.stamp:
            self._read(backend, reference, held)

    def _read(self, backend: Backend, reference: CredentialReference, held: _Held) -> None:
        held.checked = self._monotonic()
        held.stamp = _stamp(reference.file) if reference.file else None
        text, held.problem = line_of(reference.env, reference.file, self._environ)
        bound = _bind(backend, reference, text, self._wall) if not held.problem else None
        if bound is None:
            held.problem = held.problem or _NO_KEYS
            if held.bound is not None:
                _log.warning("backend %r keeps its last credential: %s", backend.name, held.problem)
            return
        if bound != held.bound:
            held.epoch += held.bound is not None
            held.bound = bound


def line_of(env: str, file: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The one line of printable ASCII that a variable or a file holds, or what is wrong with it. Never shows it."""
    text, source = (environ.get(env, ""), f"the variable {env}") if env else (_contents(file), f"the file {file}")
    text = text.strip()
    if not text:
        return "", f"{source} is missing or empty"
    if not text.isascii() or not text.isprintable():
        return "", f"{source} holds more than one line of printable ASCII"
    return text, ""


def _bind(backend: Backend, reference: CredentialReference, text: str, wall: Callable[[], float]) -> BoundCredential | None:
    """The credential; None where the text is not what the reference asks for."""
    if reference.sigv4 is not None:
        keys = keys_of(text, reference.sigv4, wall)
        return BoundCredential(backend=backend.name, origination=backend.origination, headers=(), keys=keys) if keys else None
    header, prefix = spec(backend.dialect).credential
    if reference.header:
        header, prefix = reference.header.lower(), reference.prefix
    headers = ((header, Secret(f"{prefix}{text}")),)
    return BoundCredential(backend=backend.name, origination=backend.origination, headers=headers)


def _contents(path: str) -> str:
    try:
        with Path(path).open(encoding="ascii") as file:
            return file.read(_LARGEST)
    except (OSError, UnicodeError):
        return ""


def _stamp(path: str) -> _Stamp | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return _Stamp(found.st_mtime_ns, found.st_ino, found.st_size)
