"""What the provider will see of the connection: Host, SNI and TLS settings, all of the chosen backend, none of the caller."""

from typing import NamedTuple

from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Outcome, Settings, Stage
from outgate.upstreams.catalog import Backend, Endpoint


class OriginateTlsSettings(Settings):
    """Nothing to set: names and TLS settings stand with the backend."""


class Reads(NamedTuple):
    """The backend, and the endpoint that will be dialled under its name."""

    backend: Backend
    endpoint: Endpoint


class OriginateTls(Stage):
    """Backend to Host, SNI and TLS. The endpoint changes none of them, which is the point."""

    name = "originate_tls"
    settings_type = OriginateTlsSettings

    def __init__(self, settings: OriginateTlsSettings) -> None:  # noqa: ARG002
        self.contract = Contract.of(Reads, writes=("wire.host", "wire.sni", "wire.tls"), cost=0.002)

    def run(self, facts: Reads, /) -> Outcome:
        backend = facts.backend
        return (backend.authority, backend.server_name if backend.tls.enabled else "", backend.tls)
