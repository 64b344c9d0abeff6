"""Write Host, SNI, verified names, ALPN and TLS of the upstream connection: all of the chosen backend, none of the caller.

The client dials by this fact and by nothing else, and refuses one that is not its backend's.
"""

from typing import NamedTuple

from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Backend, Endpoint


class Reads(NamedTuple):
    """The backend, and the endpoint that will be dialled under its names."""

    backend: Backend
    endpoint: Endpoint


class OriginateTls(Stage):
    """Backend to origination. The endpoint changes none of it, which is the point."""

    name = "originate_tls"
    contract = Contract.of(Reads, writes=("wire.origination",), cost=0.002)

    def run(self, facts: Reads, /) -> Outcome:
        return (facts.backend.origination,)
