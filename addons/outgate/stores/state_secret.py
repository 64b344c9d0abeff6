"""The secret of a gateway, and the keys derived from it.

Digests, names and tokens that must be the same on every worker and after a restart, and that nobody else can make, take their keys
from here (HKDF-SHA256, RFC 5869). It lies in the state folder; replicas that must agree are given one by the policy.
"""

import contextlib
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SIZE = 32
_MODE = 0o600


class StateSecret:
    """A secret of at least 32 bytes. Never shown: `derive` is all that can be had of it."""

    __slots__ = ("_derived", "_secret")

    def __init__(self, secret: bytes) -> None:
        self.replace(secret)

    @classmethod
    def in_folder(cls, state: Path) -> "StateSecret":
        """The secret of the state folder, made by whoever comes first. Raises OSError, ValueError where the file is torn."""
        path = state / "secret"
        if not path.exists():
            _make(path)
        return cls(path.read_bytes())

    def replace(self, secret: bytes) -> None:
        """Derive from another secret from now on. Raises ValueError for one that is too short."""
        if len(secret) < SIZE:
            raise ValueError(f"the gateway's secret has fewer than {SIZE} bytes")
        self._secret = secret
        self._derived = lru_cache(maxsize=4096)(self._derive)

    def derive(self, purpose: str, *context: str) -> bytes:
        """The 32 bytes that belong to a purpose and a context (tenant and workload for example)."""
        return self._derived((purpose, *context))

    def _derive(self, labels: tuple[str, ...]) -> bytes:
        info = b"".join(len(label).to_bytes(4) + label for label in (one.encode() for one in labels))
        return HKDF(algorithm=SHA256(), length=SIZE, salt=None, info=info).derive(self._secret)

    def __repr__(self) -> str:
        return "StateSecret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is never serialised")


def _make(path: Path) -> None:
    """Write it whole under another name first: of several workers that start at once, one wins and all read the same."""
    draft = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
