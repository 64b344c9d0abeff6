"""Group refusals that are alike, and failures of providers, from closing lines: who, what, why, how often, and one of them."""

from collections.abc import Iterable, Mapping
from typing import Any

type Line = Mapping[str, Any]

_MOST, _MOST_PEERS = 2_000, 1_000
"""Groups that are told apart, and addresses of a group; of what comes beyond them, refusals are counted and addresses are not."""
_KNOWN = (
    "outgate.workload", "outgate.denial.code", "outgate.denial.stage", "outgate.denial.cause", "server.address",
    "http.request.method", "url.path", "outgate.model.requested", "gen_ai.request.model", "gen_ai.provider.name",
)  # fmt: skip
_STRANGE = ("presented.name", "outgate.denial.code", "outgate.denial.cause")
"""Strangers are told apart by the name that they gave: refusals that were counted do not say what was asked for."""


_UPSTREAM, _ERRORS = "upstream_", 400
_FAILED = ("outgate.denial.code", "http.response.status_code")
_KEYLESS = {"credential_missing": "unreadable", "credential_unavailable": "not_renewed"}
"""Codes of denials for which no provider was asked, since there was no credential for it."""


class Group:
    """Refusals that are alike, or requests that a provider failed in the same way: then `attempt` is the failed one of `line`.

    `line` is one of them, `peers` are where they came from, and `workloads` whose they were.
    """

    def __init__(self, line: Line, attempt: Line | None) -> None:
        self.line, self.attempt = line, attempt
        self.workloads: set[str] = set()
        self.count = 0
        self.first = self.last = float(line["time"])
        self.peers: set[str] = set()

    def add(self, line: Line) -> None:
        counted = line.get("outgate.refusals")
        self.count += counted if isinstance(counted, int) else 1
        self.first, self.last = min(self.first, line["time"]), max(self.last, line["time"])
        if counted is None:
            self.line = line
        if len(self.workloads) < _MOST_PEERS and line.get("outgate.workload"):
            self.workloads.add(str(line["outgate.workload"]))
        if len(self.peers) < _MOST_PEERS and line.get("client.address"):
            self.peers.add(str(line["client.address"]))


def denied(lines: Iterable[Line]) -> tuple[list[Group], int]:
    """The groups, refusals first and then the most frequent, and how many lines are in none of them."""
    groups: dict[tuple[str, ...], Group] = {}
    beyond = 0
    for line in lines:
        attempt = failed_attempt(line)
        if attempt is None and not _is_refused(line):
            continue
        key = _key(line, attempt)
        if key in groups or len(groups) < _MOST:
            groups.setdefault(key, Group(line, attempt)).add(line)
        else:
            beyond += 1
    return sorted(groups.values(), key=lambda group: (group.attempt is not None, -group.count, -group.last)), beyond


def failed_attempt(line: Line) -> Line | None:
    """The attempt for which the caller got an error; one that was not made, for want of a credential, has no place."""
    code, attempts = str(line.get("outgate.denial.code") or ""), line.get("outgate.attempts")
    if code in _KEYLESS:
        return {"backend": line.get("gen_ai.provider.name"), "failure": code, "phase": "credential", "reason": _KEYLESS[code]}
    last = attempts[-1] if isinstance(attempts, list) and attempts else None
    status = line.get("http.response.status_code")
    passed_on = not code and isinstance(status, int) and status >= _ERRORS
    if isinstance(last, Mapping) and last.get("failure") and (code.startswith(_UPSTREAM) or passed_on):
        return last
    return {} if code.startswith(_UPSTREAM) else None


def _key(line: Line, attempt: Line | None) -> tuple[str, ...]:
    """A provider fails whoever asks it. Strangers are told apart as `_STRANGE` says."""
    if attempt is None:
        names = _KNOWN if line.get("outgate.workload") else _STRANGE
        return tuple(str(line.get(name) or "") for name in names)
    place = (str(attempt.get(name) or "") for name in ("backend", "endpoint", "failure", "phase", "reason"))
    return ("", *(str(line.get(name) or "") for name in _FAILED), *place)


def _is_refused(line: Line) -> bool:
    return line.get("outgate.denial.code") is not None or line.get("outgate.refusals") is not None
