"""Ended exchanges, as `close_exchange` reads them."""

from outgate.errors import Denial
from outgate.inference.attempt import AttemptRecord
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.inference.usage import Usage
from outgate.net.connection import Connection
from outgate.pipeline.executor import Ran
from outgate.stages.close_exchange import Reads
from outgate.upstreams.catalog import Backend, Endpoint

ENDPOINT = Endpoint(name="eu", host="api.example", port=443)
BACKEND = Backend(name="main", provider="openai", dialect="openai", host="api.example", endpoints=(ENDPOINT,))
DENIED = Denial(code="budget_exhausted", status=429, message="Too little is left.", stage="token_budget")


def attempt(number: int = 1, **fields) -> AttemptRecord:
    usual = {"backend": "main", "endpoint": "eu", "address": "192.0.2.1:443", "status": 200, "failure": None, "sent": True}
    usual |= {"provider": "openai", "model": "gpt-4o-mini", "seconds": 0.5}
    return AttemptRecord(number=number, **usual | fields)


def ended(exchange_id: str = "x", **fields) -> Reads:
    """An answered exchange, changed in these facts."""
    usual = {
        "exchange_id": exchange_id,
        "started": 1_795_435_199.0,
        "outcome": "answered",
        "attempts": (attempt(),),
        "trace": (Ran("authenticate", 12_345, "ok"), Ran("embed", 9_000_000, "ok", 8_000_000), Ran("dispatch", 500_000_000, "ok")),
        "policy_revision": "r1",
        "principal": Principal(name="agent", tenant="acme"),
        "route": "chat",
        "destination": "api.example:443",
        "operation": Operation("openai", Kind.CHAT),
        "model_requested": "fast",
        "model": "gpt-4o-mini",
        "model_admitted": True,
        "provider": "openai",
        "backend": BACKEND,
        "endpoint": ENDPOINT,
        "tokens_in": InputTokens(60),
        "hold": None,
        "usage": Usage(input_tokens=50, output_tokens=10, cached_tokens=20),
        "denial": None,
        "r_status": 200,
        "r_source": "upstream",
        "conn": Connection(peer="192.0.2.9"),
        "method": "POST",
        "path": "/v1/chat/completions",
        "redacted": {"EMAIL_ADDRESS": 2},
    }
    return Reads(**usual | fields)


def refused_at_the_door(exchange_id: str = "x", **fields) -> Reads:
    """Nothing is known of it but that it was refused."""
    nothing = dict.fromkeys(Reads._fields)
    known = {
        "exchange_id": exchange_id,
        "started": 1_795_435_199.0,
        "outcome": "denied",
        "attempts": (),
        "trace": (),
        "policy_revision": "r1",
    }
    return Reads(**nothing | {"verdicts": {}} | known | {"denial": DENIED} | fields)
