"""Encode a denial as a response in the caller's dialect, so that SDKs raise their typed errors."""

import math
from collections.abc import Callable
from dataclasses import replace

from outgate.dialects.registry import SPECS, dialect, spec, spoken_to
from outgate.dialects.spec import Canned, status_here
from outgate.errors import LASTING, Denial
from outgate.exchange.channel import End, Part, ResponseHead
from outgate.inference.operation import Operation
from outgate.pipeline.executor import Execution

REQUEST_ID = "x-outgate-request-id"
REASON = "x-outgate-reason"
_LONG_WAIT = 5.0
"""Seconds of waiting for which a person takes an agent for hung."""
_UPGRADE = (("upgrade", "HTTP/1.1"), ("connection", "upgrade"))
"""With a 426 (RFC 9110 section 15.5.22): the protocol that is spoken here. Clients that tried WebSocket fall back at once."""
_LONGEST_PHRASE = 200
_CLOSE = ("connection", "close")
_HOSTS = {
    "openai.com": "openai",
    "chatgpt.com": "openai",
    "anthropic.com": "anthropic",
    "claude.ai": "anthropic",
    "claude.com": "anthropic",
    "googleapis.com": "gemini",
}
"""What the clients of a domain read errors in, where the gateway has no provider there: it need not carry an API to refuse it."""


def denial_reply(denial: Denial, dialect_name: str, request_id: str, *, close: bool = False) -> list[Part]:
    """Head, body and end of a refusal: reason code, request id and Retry-After in header fields too, for those who read no body.
    `close` says that nothing more is answered on its connection.
    """
    denial = as_sent(denial, dialect_name)
    body = dialect(dialect_name).error(denial, request_id)
    fields = _head_fields(denial, request_id, len(body))
    return [ResponseHead(denial.status, (*fields, _CLOSE) if close else fields), body, End()]


def as_sent(denial: Denial, dialect_name: str) -> Denial:
    """The same denial, with the status that it has in this dialect."""
    here = spec(dialect_name)
    status = status_here(here, denial.code, denial.status)
    if status == 429 and here.lasting and _waits_long(denial):
        status = here.lasting  # Codex shows no sentence of a 429
    return denial if status == denial.status else replace(denial, status=status)


def _waits_long(denial: Denial) -> bool:
    return (denial.retry_after or 0) > _LONG_WAIT


def speaker(operation: Operation, provider: str | None, host: str) -> str:
    """The dialect in which a caller is told of a refusal: that of its path, of its provider, or of the host's clients."""
    unread = operation.dialect == SPECS[-1].name and provider in (None, SPECS[-1].name)
    return (_spoken_at(host) if unread else "") or spoken_to(operation, provider)


def hint_of(host: str) -> str:
    """The dialect of a host that is no provider, where it leaves a path open."""
    return _spoken_at(host) or "none"


def _spoken_at(host: str) -> str:
    labels = host.split(".")
    return next((_HOSTS[name] for at in range(len(labels)) if (name := ".".join(labels[at:])) in _HOSTS), "")


def reason_phrase(denial: Denial, request_id: str) -> str:
    """The reason phrase of a refused CONNECT, all that some clients show of it: printable ASCII, one line (RFC 9112 section 4)."""
    sentence = f"outgate: {denial.message[:1].lower()}{denial.message[1:].rstrip('.')}"
    return "".join(each if " " <= each <= "~" else "?" for each in sentence)[:_LONGEST_PHRASE] + f" ({request_id})"


def conclusion(execution: Execution, operation: Operation, request_id: str) -> Callable[[str, bool], bytes]:
    """The answer of a judge's words alone: see `delivery.Conclude`. Takes what it needs of the facts now."""
    params, model, started = execution.get("params"), execution.get("model.requested") or "", execution.get("started")
    speaker = dialect(operation.dialect)

    def conclude(text: str, streams: bool) -> bytes:  # noqa: FBT001
        reply = Canned(text, model, request_id, int(started or 0))
        events = speaker.canned(operation, reply, streams, params is not None and params.include_usage)
        return b"".join(event.encode() for event in events if not event.hidden)

    return conclude


def _head_fields(denial: Denial, request_id: str, size: int) -> tuple[tuple[str, str], ...]:
    fields = [
        ("content-type", "application/json"),
        ("content-length", str(size)),
        ("cache-control", "no-store"),
        (REQUEST_ID, request_id),
        (REASON, denial.code),
    ]
    if denial.status == 426:
        fields += _UPGRADE
    if denial.status == 407:
        fields.append(("proxy-authenticate", 'Basic realm="outgate"'))
    if denial.status == 401:
        fields.append(("www-authenticate", 'Bearer realm="outgate"'))
    if denial.retry_after is not None:
        fields.append(("retry-after", str(math.ceil(denial.retry_after))))
    if denial.code in LASTING or _waits_long(denial):
        fields.append(("x-should-retry", "false"))  # both SDKs honour it: no use in sleeping through a budget window
    return tuple(fields)
