"""Attach the backend's credential, bound to that backend, or none. The workload's own credential never travels.

It waits only in policies of which a provider has a credential that is fetched.
"""

from typing import NamedTuple

from outgate.errors import Denial
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.credentials import Credentials

_NONE = Catalog()
_UNAVAILABLE = "The gateway's credential for this provider could not be fetched; it is asked for again."
_LIMIT = 20.0
"""Seconds, longer than a credential is fetched for."""


class Reads(NamedTuple):
    """The backend, and what changes when its credential is renewed."""

    backend: Backend
    credential_epoch: int | None


class InjectCredentials(Stage):
    """Backend to credential."""

    name = "inject_credentials"

    def __init__(self, credentials: Credentials, catalog: Catalog = _NONE) -> None:
        self._credentials = credentials
        limit = None
        if any(backend.credential is not None and backend.credential.waits for backend in catalog.backends):
            self.run = self._run_or_wait  # type: ignore[method-assign, assignment]
            limit = _LIMIT
        self.contract = Contract.of(Reads, writes=("wire.auth",), may=May.DENY, cost=0.004, limit=limit)

    def run(self, facts: Reads, /) -> Outcome:
        if facts.backend.credential is None:
            return (None,)
        bound = self._credentials.bound(facts.backend)
        if bound is None and facts.backend.credential.waits:
            return Denial(code="credential_unavailable", status=503, message=_UNAVAILABLE)
        if bound is None:
            return Denial(code="credential_missing", status=503, message="The gateway has no credential for this provider.")
        return (bound,)

    async def _run_or_wait(self, facts: Reads, /) -> Outcome:
        if facts.backend.credential is not None and facts.backend.credential.waits:
            await self._credentials.ready(facts.backend)
        return InjectCredentials.run(self, facts)
