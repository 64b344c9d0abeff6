"""Header fields of a provider's answer that reach the client."""

from outgate.dialects.spec import Spec
from outgate.exchange.replies import REQUEST_ID
from outgate.net.headers import Headers

_PASSED = frozenset(
    {
        "age",
        "cache-status",
        "content-type",
        "retry-after",
        "retry-after-ms",
        "request-id",
        "x-outgate-tokens",
        "x-request-id",
        "x-should-retry",
    }
)
_PASSED_PREFIXES = ("x-ratelimit-",)
"""Beside those that the request's dialect names (`Spec.response_fields`, `response_prefixes`)."""


def response_fields(headers: Headers, request_id: str, spec: Spec) -> tuple[tuple[str, str], ...]:
    """Those that pass, and the id of the exchange."""
    prefixes = (*_PASSED_PREFIXES, *spec.response_prefixes)
    passed = [
        field for field in headers if field[0] in _PASSED or field[0] in spec.response_fields or field[0].startswith(prefixes)
    ]
    return (*passed, (REQUEST_ID, request_id))
