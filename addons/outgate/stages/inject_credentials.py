"""Attach the backend's credential, bound to that backend, or none. The workload's own credential never travels."""

from typing import NamedTuple

from outgate.errors import Denial
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Backend
from outgate.upstreams.credentials import Credentials


class Reads(NamedTuple):
    """The backend, and what changes when its credential is renewed."""

    backend: Backend
    credential_epoch: int | None


class InjectCredentials(Stage):
    """Backend to credential."""

    name = "inject_credentials"

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.contract = Contract.of(Reads, writes=("wire.auth",), may=May.DENY, cost=0.004)

    def run(self, facts: Reads, /) -> Outcome:
        if facts.backend.credential is None:
            return (None,)
        bound = self._credentials.bound(facts.backend)
        if bound is None:
            return Denial(code="credential_missing", status=503, message="The gateway has no credential for this provider.")
        return (bound,)
