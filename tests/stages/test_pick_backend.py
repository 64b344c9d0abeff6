"""Provider or destination to backend."""

import pytest

from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.stages.pick_backend import PickBackend, Reads
from outgate.upstreams.catalog import Backend, Catalog, Endpoint

_CHAT, _MESSAGES, _OPAQUE = Operation("openai", Kind.CHAT), Operation("anthropic", Kind.CHAT), Operation("none", Kind.OPAQUE)
_VECTORS, _COUNTS = Operation("openai", Kind.EMBEDDINGS), Operation("anthropic", Kind.COUNT_TOKENS)


def _backend(name: str, provider: str, dialect: str, host: str) -> Backend:
    return Backend(name=name, provider=provider, dialect=dialect, host=host, endpoints=(Endpoint(name="e", host=host, port=443),))


_A = _backend("a", "acme", "openai", "acme.test")
_B = _backend("b", "acme", "openai", "eu.acme.test")
_C = _backend("c", "clad", "anthropic", "clad.test")
_STAGE = PickBackend(Catalog((_A, _B, _C)))


@pytest.mark.parametrize(
    ("operation", "destination", "provider", "failed", "expected"),
    [
        pytest.param(_CHAT, "acme.test:443", "acme", None, _A, id="provider"),
        pytest.param(_CHAT, "elsewhere.test:443", "acme", None, _A, id="first of the provider"),
        pytest.param(_CHAT, "eu.acme.test:443", "acme", None, _B, id="the one addressed, where it is of the provider"),
        pytest.param(_MESSAGES, "acme.test:443", "clad", None, _C, id="policy decides, not the caller"),
        pytest.param(_OPAQUE, "acme.test:443", None, None, _A, id="no model: the destination"),
        pytest.param(_OPAQUE, "clad.test:443", None, frozenset({"acme"}), _C, id="another has failed"),
        pytest.param(_OPAQUE, "elsewhere.test:443", None, None, ("no_backend", 403), id="unknown destination"),
        pytest.param(_OPAQUE, "acme.test:80", None, None, ("no_backend", 403), id="another port"),
        pytest.param(_CHAT, "acme.test:443", "ghost", None, ("no_backend", 503), id="provider without backend"),
        pytest.param(_CHAT, "acme.test:443", "acme", frozenset({"acme"}), ("no_backend", 503), id="provider has failed"),
        pytest.param(_CHAT, "acme.test:443", "clad", None, _C, id="other dialect: a conversation is translated"),
        pytest.param(_VECTORS, "acme.test:443", "clad", None, ("provider_mismatch", 400), id="other dialect"),
        pytest.param(_COUNTS, "acme.test:443", None, None, ("provider_mismatch", 400), id="other dialect at the destination"),
    ],
)
def test_route(operation: Operation, destination: str, provider: str | None, failed: frozenset | None, expected: object) -> None:
    outcome = _STAGE.run(Reads(destination, operation, provider, failed))

    assert expected == ((outcome.code, outcome.status) if isinstance(outcome, Denial) else outcome[0])


def test_mismatch_says_both_dialects() -> None:
    outcome = _STAGE.run(Reads("acme.test:443", _VECTORS, "clad", None))

    assert "openai" in outcome.message and "anthropic" in outcome.message


def test_contract() -> None:
    contract = _STAGE.contract

    assert (("destination", "operation", "provider"), ("provider.state",), ("backend",)) == (
        contract.reads,
        contract.outside,
        contract.writes,
    )
