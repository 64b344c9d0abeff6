"""Encode a denial as a response in the caller's dialect, so that SDKs raise their typed errors."""

import math

from outgate.dialects.registry import dialect
from outgate.errors import Denial
from outgate.exchange.channel import End, Part, ResponseHead

REQUEST_ID = "x-outgate-request-id"
REASON = "x-outgate-reason"
_LONG_WAIT = 60.0


def denial_reply(denial: Denial, dialect_name: str, request_id: str) -> list[Part]:
    """Head, body and end of a refusal: reason code, request id and Retry-After in header fields too, for those who read no body."""
    body = dialect(dialect_name).error(denial, request_id)
    return [ResponseHead(denial.status, _head_fields(denial, request_id, len(body))), body, End()]


def _head_fields(denial: Denial, request_id: str, size: int) -> tuple[tuple[str, str], ...]:
    fields = [
        ("content-type", "application/json"),
        ("content-length", str(size)),
        ("cache-control", "no-store"),
        (REQUEST_ID, request_id),
        (REASON, denial.code),
    ]
    if denial.status == 407:
        fields.append(("proxy-authenticate", 'Basic realm="outgate"'))
    if denial.status == 401:
        fields.append(("www-authenticate", 'Bearer realm="outgate"'))
    if denial.retry_after is not None:
        fields.append(("retry-after", str(math.ceil(denial.retry_after))))
        if denial.retry_after > _LONG_WAIT:
            fields.append(("x-should-retry", "false"))  # both SDKs honour it: no use in sleeping through a budget window
    return tuple(fields)
