"""Registry of workloads by credential. Only digests of tokens are kept; a token is 256 random bits, so SHA-256 is enough.

Every look-up of a token costs the same whether the name or the token is wrong: one digest, one table look-up, two comparisons
in constant time.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from typing import Any, NamedTuple, Self

from outgate.inference.principal import Principal, Priority

TOKEN_PREFIX = "og_"  # noqa: S105 - what a scanner for leaked secrets can look for
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""JWT signature algorithms that may be allowed: asymmetric ones only (RFC 8725 section 3.1)."""

ENDS_SOON = 14 * 86400.0
"""Seconds ahead of its end from which a token, or the authority that workloads trust, needs a successor; the alert
`OutgateCertificateEnds` has the same figure.
"""
_UNTIL = " until "
_CHANGING = frozenset({"jti", "nonce", "at_hash", "sid"})
_LONGEST, _MOST = 256, 32


def digest_of(token: str) -> str:
    """What a policy keeps of a token: `sha256:<hex>`."""
    return f"sha256:{sha256(token.encode()).hexdigest()}"


def entry_of(token: str, expires: datetime | None = None) -> str:
    """What a policy keeps of a token that may expire: `sha256:<hex> until 2027-01-31T00:00:00Z`, in UTC and whole seconds."""
    until = f"{_UNTIL}{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if expires is not None else ""
    return f"{digest_of(token)}{until}"


class Kept(NamedTuple):
    """What an entry says: the digest, and when its token expires, in seconds since 1970; never, where that is infinite."""

    digest: bytes
    expires: float

    @classmethod
    def read(cls, entry: str) -> Self:
        """Raises ValueError where there is no such time."""
        known, _, until = entry.partition(_UNTIL)
        return cls(bytes.fromhex(known.removeprefix("sha256:")), datetime.fromisoformat(until).timestamp() if until else inf)


class Expired(NamedTuple):
    """The right token of a workload, too late."""

    workload: str
    expires: float

    @property
    def sentence(self) -> str:
        ended = datetime.fromtimestamp(self.expires, UTC)
        return f"The token of workload {self.workload} expired on {ended:%Y-%m-%d %H:%M:%S} UTC: ask for another."


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtTrust:
    """Whose JWTs stand for a workload (RFC 7519): issuer and audience exactly, every claim of `claims` exactly.

    Keys (RFC 7517) come from `jwks_file`, or from `jwks_path` of the provider `jwks_provider`. `groups_claim` names a claim, a
    list of strings, whose values become groups.
    """

    issuer: str
    audience: str
    jwks_file: str = ""
    jwks_provider: str = ""
    jwks_path: str = ""
    claims: tuple[tuple[str, str], ...] = ()
    groups_claim: str = ""
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")

    @property
    def keys(self) -> tuple[str, str, str]:
        """Where the keys are."""
        return (self.jwks_file, self.jwks_provider, self.jwks_path)

    def covers(self, claims: Mapping[str, Any]) -> bool:
        return all(claims.get(name) == value for name, value in self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One workload of the policy. `token_hashes` are what `entry_of` makes, `certificates` SPIFFE ids or subjects."""

    name: str
    tenant: str = "default"
    groups: frozenset[str] = frozenset()
    token_hashes: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    jwt: tuple[JwtTrust, ...] = field(default=())
    priority: Priority = Priority.NORMAL

    def principal(self, method: str, more: Iterable[str] = (), claims: Mapping[str, Any] | None = None) -> Principal:
        """The caller; `more` are groups that its issuer says it is in."""
        groups, told = self.groups | frozenset(more), told_claims(claims or {})
        return Principal(name=self.name, tenant=self.tenant, groups=groups, claims=told, method=method, priority=self.priority)


def told_claims(claims: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The claims of a JWT that conditions may name: text, of bounded length, but for those that change with every token."""
    texts = [(name, value) for name, value in claims.items() if isinstance(value, str) and len(value) <= _LONGEST]
    return frozenset(sorted(pair for pair in texts if pair[0] not in _CHANGING)[:_MOST])


class _Known(NamedTuple):
    digest: bytes
    name: bytes
    principal: Principal | None
    expires: float


_NOBODY = _Known(bytes(32), bytes(32), None, inf)


class Workloads:
    """Every workload of a policy."""

    def __init__(self, workloads: Iterable[Workload] = ()) -> None:
        self.all = tuple(workloads)
        self._tokens: dict[bytes, _Known] = {}
        self._certificates: dict[str, Principal] = {}
        self._names = frozenset(workload.name for workload in self.all)
        self._trusts: dict[str, list[tuple[JwtTrust, Workload]]] = {}
        for workload in self.all:
            self._add(workload)

    def _add(self, workload: Workload) -> None:
        name = sha256(workload.name.encode()).digest()
        for digest, expires in sorted(map(Kept.read, workload.token_hashes)):
            self._tokens.setdefault(digest, _Known(digest, name, workload.principal("token"), expires))
        for identity in sorted(workload.certificates):
            self._certificates.setdefault(identity, workload.principal("certificate"))
        for trust in workload.jwt:
            self._trusts.setdefault(trust.issuer, []).append((trust, workload))

    @property
    def trusts(self) -> tuple[JwtTrust, ...]:
        return tuple(trust for several in self._trusts.values() for trust, _ in several)

    def by_token(self, name: str | None, token: str, now: float) -> Principal | Expired | None:
        """The workload this token belongs to; where a name is given, only if it is that workload's. Who has the token may know
        that it has expired.
        """
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._tokens.get(digest, _NOBODY)
        right = hmac.compare_digest(known.digest, digest)
        claimed = known.name if name is None else sha256(name.encode("utf-8", "surrogateescape")).digest()
        if known.principal is None or not right & hmac.compare_digest(known.name, claimed):
            return None
        return known.principal if now < known.expires else Expired(known.principal.name, known.expires)

    def cause(self, name: str | None, token: str) -> str:
        """Why `by_token` knows nobody, for the operator: a caller is never told."""
        if name is not None and name not in self._names:
            return "unknown name"
        owner = self._tokens.get(sha256(token.encode("utf-8", "surrogateescape")).digest(), _NOBODY).principal
        return f"token of workload {owner.name}" if owner is not None else "wrong token"

    def by_certificate(self, identity: str) -> Principal | None:
        """The workload of a client certificate; of nobody, where none was presented."""
        return self._certificates.get(identity) if identity else None

    def trusted(self, issuer: str) -> tuple[tuple[JwtTrust, Workload], ...]:
        """What the policy accepts of an issuer, in the policy's order."""
        return tuple(self._trusts.get(issuer, ()))
