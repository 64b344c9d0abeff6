"""Authenticate the caller: client certificate, token in Proxy-Authorization, or, for base-URL clients, the API key field.

A wrong name and a wrong token get the same answer; the right token, too late, is told so. Nothing is remembered between exchanges
but verified JWTs, by digest, for some minutes and never beyond their own time: revoking a workload reaches its open tunnels with
their next request. Sources: RFC 7519, RFC 8725.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import jwt

from outgate.errors import Denial
from outgate.identity.jwks import IssuerKeys, KeysUnavailableError, cause_of
from outgate.identity.presented import Presented, presented_by
from outgate.identity.workloads import Expired, JwtTrust, Workload, Workloads
from outgate.inference.principal import Principal
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.client import Client

_REMEMBERED = 4096
_SECONDS = 300.0
"""For which a verified JWT is remembered: a key that its issuer has withdrawn must not go on signing for the life of a token."""
_PROXY = Denial(code="proxy_authentication_required", status=407, message="The gateway needs a workload's name and token.")
_ORIGIN = Denial(code="authentication_required", status=401, message="The gateway needs a workload's token as API key.")
_UNKNOWN = "No workload under this name and token."
_UNAVAILABLE = Denial(code="issuer_keys_unavailable", status=503, message="Workload tokens cannot be verified now.", retry_after=5)


class AuthenticateSettings(Settings):
    """Workloads and their digests stand under `workloads`."""

    leeway_seconds: float = 30.0
    """By how much clocks may differ when a JWT's times are judged."""
    deadline_seconds: float = 5.0
    """For fetching an issuer's keys."""


class Reads(NamedTuple):
    """What the client presented."""

    conn: Connection
    headers: Headers


class Authenticate(Stage):
    """Connection and header fields to principal."""

    name = "authenticate"
    settings_type = AuthenticateSettings

    def __init__(
        self, settings: AuthenticateSettings, workloads: Workloads, catalog: Catalog, client: Client,
        wall: Callable[[], float], monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._workloads = workloads
        self._wall = wall
        self._leeway = settings.leeway_seconds
        self._memo: dict[bytes, tuple[Principal, float]] = {}
        self._keys = {
            trust.keys: IssuerKeys(
                file=trust.jwks_file, provider=trust.jwks_provider, path=trust.jwks_path, catalog=catalog, client=client,
                monotonic=monotonic, deadline=settings.deadline_seconds,
            )
            for trust in workloads.trusts
        }  # fmt: skip
        limit = None
        if self._keys:  # only a policy that trusts issuers may have to wait for their keys
            self.run = self._run_or_wait  # type: ignore[method-assign, assignment]
            limit = settings.deadline_seconds + 1
        self.contract = Contract.of(Reads, writes=("principal",), may=May.DENY, cost=0.006, passes=0.9, limit=limit)

    def run(self, facts: Reads, /) -> Outcome:
        presented = presented_by(facts.conn, facts.headers)
        known: Principal | Expired | None = self._workloads.by_certificate(facts.conn.certificate)
        if known is None and presented is not None:
            known = self._workloads.by_token(presented.name, presented.token, self._wall())
        return (known,) if isinstance(known, Principal) else self._unknown(facts.conn, presented, known)

    def _unknown(self, conn: Connection, presented: Presented | None, expired: Expired | None) -> Denial:
        refused = _PROXY if conn.entry in (Entry.CONNECT, Entry.ABSOLUTE) else _ORIGIN
        if expired is not None:
            return replace(refused, message=expired.sentence, cause="expired token", presented=expired.workload)
        if presented is None:
            return replace(refused, cause="unknown certificate" if conn.certificate else "no token", presented=conn.certificate)
        if self._keys and presented.token.count(".") == 2:
            cause = cause_of(presented.token, self._wall(), self._leeway)
        else:
            cause = self._workloads.cause(presented.name, presented.token)
        return replace(refused, message=_UNKNOWN, cause=cause, presented=presented.name or "")

    async def _run_or_wait(self, facts: Reads, /) -> Outcome:
        presented = presented_by(facts.conn, facts.headers)
        if facts.conn.certificate or presented is None or presented.token.count(".") != 2:
            return Authenticate.run(self, facts)
        principal = await self._principal(presented)
        if isinstance(principal, Denial):
            return principal
        return (principal,) if principal is not None else Authenticate.run(self, facts)

    async def _principal(self, presented: Presented) -> Principal | Denial | None:
        digest = sha256(presented.token.encode()).digest()
        known, until = self._memo.get(digest, (None, 0.0))
        if known is None or until <= self._wall():
            try:
                known = await self._verified(presented.token, digest)
            except KeysUnavailableError:
                return _UNAVAILABLE
        return known if known is not None and presented.name in (None, known.name) else None

    async def _verified(self, token: str, digest: bytes) -> Principal | None:
        """The principal of a JWT, None where the policy does not trust it. Raises KeysUnavailableError."""
        try:
            head = jwt.get_unverified_header(token)
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError:
            return None
        for trust, workload in self._workloads.trusted(issuer if isinstance(issuer, str) else ""):
            key = await self._keys[trust.keys].key(str(head.get("kid", "")))
            claims = self._claims(token, trust, key) if key is not None else None
            if claims is not None and trust.covers(claims):
                return self._remember(digest, claims, trust, workload)
        return None

    def _claims(self, token: str, trust: JwtTrust, key: jwt.PyJWK) -> dict[str, Any] | None:
        """The claims, verified; PyJWT also refuses a key of another algorithm than the token's."""
        options: Any = {"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, key, list(trust.algorithms), options, audience=trust.audience, issuer=trust.issuer)
            start, end = float(claims.get("nbf", 0)), float(claims["exp"])
        except (jwt.PyJWTError, TypeError, ValueError):
            return None
        return claims if start - self._leeway <= self._wall() < end + self._leeway else None

    def _remember(self, digest: bytes, claims: dict[str, Any], trust: JwtTrust, workload: Workload) -> Principal:
        groups = claims.get(trust.groups_claim, ()) if trust.groups_claim else ()
        named = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else ()
        principal = workload.principal("jwt", named, claims)
        while len(self._memo) >= _REMEMBERED:
            del self._memo[next(iter(self._memo))]
        self._memo[digest] = (principal, min(float(claims["exp"]) + self._leeway, self._wall() + _SECONDS))
        return principal
