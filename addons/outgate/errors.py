"""Errors and denials: as few classes as callers branch on. A denial is a value, not an exception."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class OutgateError(Exception):
    """Base of every error that Outgate raises on purpose."""


class OutageError(OutgateError):
    """A part of the gateway is down. Whoever keeps that part says so once, so that nobody need for each request."""


class ToldError(OutgateError):
    """A failure whose reason operators read: in the log, the closing line and the verdict of the guard that failed."""

    @property
    def told(self) -> str:
        """The reason, in words of our own: nothing of a text, nor of what a service answered."""
        return str(self)


def told_by(error: BaseException) -> str:
    """The reason of a failure as operators may read it; empty where it might quote something."""
    return error.told if isinstance(error, ToldError) else ""


class WireError(OutgateError, ValueError):
    """Bytes from a client or a provider that are refused. `code` is stable, the message never quotes the bytes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a policy or a plan: a stable E_/W_ code, where it stands, and what would mend it."""

    code: str
    message: str
    repair: str = ""
    file: str = ""
    line: int = 0
    stages: tuple[str, ...] = ()
    fact: str = ""
    path: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.code.startswith("E_")

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.file else ""
        repair = f"\n    repair: {self.repair}" if self.repair else ""
        return f"{where}{self.code}: {self.message}{repair}"


class PolicyError(OutgateError, ValueError):
    """A policy or plan that is refused, with *all* its problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ContractViolationError(OutgateError):
    """A stage returned something its contract does not declare."""


class FailureKind(StrEnum):
    """How an upstream attempt failed: the event from which the retry plan is derived."""

    CONNECT = "connect_failed"
    TLS = "tls_failed"
    DNS = "dns_failed"
    RESET = "reset_before_head"
    STALE = "idle_connection_lost"
    TIMEOUT = "timed_out"
    SERVER_ERROR = "server_error"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    PROTOCOL = "protocol_error"
    BROKEN_STREAM = "broken_stream"
    NOT_BEGUN = "not_begun"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    CONTEXT_LENGTH = "context_length"


class FailureReason(StrEnum):
    """Why an upstream attempt failed, for operators: the phase it had come to, a dot, and the reason within it.

    Names of our own alone, so that nothing a provider sends can appear in a line or a label.
    """

    QUEUE_TIMED_OUT = "queue.timed_out"
    LOOKUP_NAME_NOT_FOUND = "lookup.name_not_found"
    LOOKUP_ADDRESS_NOT_ALLOWED = "lookup.address_not_allowed"
    LOOKUP_TIMED_OUT = "lookup.timed_out"
    LOOKUP_FAILED = "lookup.failed"
    CONNECT_REFUSED = "connect.refused"
    CONNECT_UNREACHABLE = "connect.unreachable"
    CONNECT_TIMED_OUT = "connect.timed_out"
    CONNECT_FAILED = "connect.failed"
    TLS_CERTIFICATE_EXPIRED = "tls.certificate_expired"
    TLS_CERTIFICATE_NOT_YET_VALID = "tls.certificate_not_yet_valid"
    TLS_CERTIFICATE_WRONG_NAME = "tls.certificate_wrong_name"
    TLS_CERTIFICATE_UNKNOWN_AUTHORITY = "tls.certificate_unknown_authority"
    TLS_CERTIFICATE_REVOKED = "tls.certificate_revoked"
    TLS_CERTIFICATE_NOT_PINNED = "tls.certificate_not_pinned"
    TLS_CERTIFICATE_INVALID = "tls.certificate_invalid"
    TLS_CLIENT_CERTIFICATE_REFUSED = "tls.client_certificate_refused"
    TLS_VERSION_NOT_AGREED = "tls.version_not_agreed"
    TLS_NOT_SPOKEN = "tls.not_spoken"
    TLS_REFUSED = "tls.refused"
    TLS_CLOSED = "tls.closed"
    TLS_FILES_UNUSABLE = "tls.files_unusable"
    TLS_TIMED_OUT = "tls.timed_out"
    TLS_FAILED = "tls.failed"
    HEAD_CLOSED = "head.closed"
    HEAD_IDLE_CONNECTION_LOST = "head.idle_connection_lost"
    HEAD_MALFORMED = "head.malformed"
    HEAD_TIMED_OUT = "head.timed_out"
    ANSWER_ERROR_STATUS = "answer.error_status"
    ANSWER_BROKEN_OFF = "answer.broken_off"
    ANSWER_MALFORMED = "answer.malformed"
    ANSWER_STOPPED = "answer.stopped"
    ANSWER_TIMED_OUT = "answer.timed_out"
    ANSWER_NOT_BEGUN = "answer.not_begun"
    ANSWER_REFUSED = "answer.refused"


class UpstreamError(OutgateError):
    """An attempt that failed. `sent` says whether the provider may have received (and billed) the request."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        sent: bool = False,
        status: int | None = None,
        retry_after: float | None = None,
        reason: FailureReason | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.sent = sent
        self.status = status
        self.retry_after = retry_after


LASTING = frozenset({
    "accounts_unavailable", "authentication_required", "credential_missing", "internal_error", "issuer_keys_unavailable",
    "loop_detected", "misdirected", "no_backend", "stage_failed", "stage_timeout", "upstream_credential_refused",
})  # fmt: skip
"""Codes of refusals that SDKs would ask about again, for minutes where an agent does, though the next seconds mend nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The gateway's refusal of an exchange.

    `code` is a stable snake_case reason shown to the caller, `status` the HTTP status that makes SDKs raise their typed error,
    `message` one sentence without secrets or prompt text, `retry_after` seconds. `outputs` are the facts that the denying stage
    still writes, in its contract's order: a guard's verdict. `cause` and `presented` (the name that a caller gave itself) are for
    the closing line alone: a caller learns neither.
    """

    code: str
    status: int
    message: str
    retry_after: float | None = None
    stage: str = ""
    outputs: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    cause: str = ""
    presented: str = ""

    def by(self, stage: str) -> "Denial":
        """The same denial, naming the stage that gave it."""
        return self if self.stage else replace(self, stage=stage)
