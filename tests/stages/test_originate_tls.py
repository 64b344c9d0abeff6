"""Names and TLS of the upstream connection: the backend's, whatever is dialled."""

import pytest

from outgate.stages.originate_tls import OriginateTls, Reads
from outgate.upstreams.catalog import Backend, Endpoint, TlsSettings


@pytest.mark.parametrize(
    ("tls", "port", "host", "sni"),
    [
        (TlsSettings(), 443, "api.test", "api.test"),
        (TlsSettings(), 8443, "api.test:8443", "api.test"),
        (TlsSettings(sni="front.test"), 443, "api.test", "front.test"),
        (TlsSettings(enabled=False), 80, "api.test", ""),
    ],
)
def test_names_follow_the_backend_not_the_endpoint(tls: TlsSettings, port: int, host: str, sni: str) -> None:
    endpoints = (Endpoint(name="x", host="10.0.0.7", port=9), Endpoint(name="y", host="svc.cluster.local", port=80))
    backend = Backend(name="b", provider="p", dialect="openai", host="api.test", port=port, tls=tls, endpoints=endpoints)
    stage = OriginateTls()

    made = [stage.run(Reads(backend, endpoint)) for endpoint in endpoints]

    assert [(host, sni, tls)] * 2 == [(one.host, one.sni, one.tls) for (one,) in made]
    assert all(one is backend.origination for (one,) in made)  # nothing is made for each request


def test_contract() -> None:
    contract = OriginateTls().contract

    assert (("backend", "endpoint"), ("wire.origination",)) == (contract.reads, contract.writes)
