"""Attach the credential of this request, bound to its backend, or none.

It is the backend's own, unless the workload holds a placeholder that stands for another, or the policy lets its own token through.
What a workload presents never travels otherwise. The stage waits only in policies of which a provider has a credential that is
fetched.
"""

from dataclasses import replace
from typing import NamedTuple

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.passing import passed, told_passing
from outgate.upstreams.placeholders import Addressed, Placeholders, Standing, held, told

_NONE = Catalog()
_UNAVAILABLE = Denial(
    code="credential_unavailable",
    status=503,
    message="The gateway's credential for this provider could not be fetched; it is asked for again.",
)
_LIMIT = 20.0
"""Seconds, longer than a credential is fetched for."""
_MISSING = Denial(code="credential_missing", status=503, message="The gateway has no credential for this provider.")


class Reads(NamedTuple):
    """The backend, and what changes when its credential is renewed."""

    backend: Backend
    credential_epoch: int | None


class HeldReads(NamedTuple):
    """The same, and what a workload with a placeholder or a token of its own sends."""

    backend: Backend
    credential_epoch: int | None
    principal: Principal
    destination: str
    method: str
    headers: Headers
    wire_path: str
    wire_body: bytes


class InjectCredentials(Stage):
    """Backend to credential."""

    name = "inject_credentials"

    def __init__(self, credentials: Credentials, catalog: Catalog = _NONE) -> None:
        self._credentials, self._catalog = credentials, catalog
        self._placeholders = Placeholders(catalog)
        limit, view = None, Reads
        if any(_waits(holder) for backend in catalog.backends for holder in (backend, *(each for _, each in held(backend)))):
            self.run = self._run_or_wait  # type: ignore[method-assign, assignment]
            limit = _LIMIT
        if any(backend.placeholders or backend.pass_through for backend in catalog.backends):
            view = HeldReads  # type: ignore[assignment]
        self.contract = Contract.of(view, writes=("wire.auth",), may=May.DENY, cost=0.004, limit=limit)

    def explained(self) -> tuple[str, ...]:
        return tuple(line for backend in self._catalog.backends for line in (*told(backend), *told_passing(backend)))

    def run(self, facts: Reads | HeldReads, /) -> Outcome:
        chosen = self._chosen(facts)
        return self._bound(facts.backend, chosen) if isinstance(chosen, Standing) else chosen

    async def _run_or_wait(self, facts: Reads | HeldReads, /) -> Outcome:
        chosen = self._chosen(facts)
        if isinstance(chosen, Standing) and _waits(chosen.holder):
            await self._credentials.ready(chosen.holder)
        return self._bound(facts.backend, chosen) if isinstance(chosen, Standing) else chosen

    def _chosen(self, facts: Reads | HeldReads) -> Standing | Outcome:
        """The placeholder in the request, else the workload's own token, else the backend as its own credential is held."""
        backend = facts.backend
        if isinstance(facts, HeldReads):
            asked = Addressed(facts.principal, facts.method, facts.wire_path, facts.headers, facts.wire_body)
            standing = self._placeholders.standing(backend, asked)
            if standing is not None:
                return standing
            own = passed(backend, self._catalog.by_destination(facts.destination), asked)
            if own is not None:
                return (own,)
        return Standing("", backend, None)

    def _bound(self, backend: Backend, standing: Standing) -> Outcome:
        if standing.holder.credential is None:
            return (None,)
        bound = self._credentials.bound(standing.holder)
        if bound is None:
            return _UNAVAILABLE if _waits(standing.holder) else _MISSING
        if standing.holder is backend:
            return (bound,)
        return (replace(bound, put=standing.put, holder=standing.holder, placeholder=standing.name),)


def _waits(holder: Backend) -> bool:
    return holder.credential is not None and holder.credential.waits
