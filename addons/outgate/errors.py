"""What can go wrong, as few classes as callers branch on. A denial is a value, not an exception."""

from dataclasses import dataclass, replace
from enum import StrEnum


class OutgateError(Exception):
    """Base of every error that Outgate raises on purpose."""


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


class UpstreamError(OutgateError):
    """An attempt that failed. `sent` says whether the provider may have received (and billed) the request."""

    def __init__(
        self, kind: FailureKind, message: str, *, sent: bool = False, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.sent = sent
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The gateway's refusal of an exchange.

    `code` is a stable snake_case reason shown to the caller, `status` the HTTP status that makes SDKs raise their typed error,
    `message` one sentence without secrets or prompt text, `retry_after` seconds.
    """

    code: str
    status: int
    message: str
    retry_after: float | None = None
    stage: str = ""

    def by(self, stage: str) -> "Denial":
        """The same denial, naming the stage that gave it."""
        return self if self.stage else replace(self, stage=stage)
