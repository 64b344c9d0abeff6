"""Group refusals that are alike, from closing lines: who, what and why, how often, and one request that shows it."""

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


class Group:
    """Refusals that are alike. `line` is one of them, `peers` are where they came from."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.count = 0
        self.first = self.last = float(line["time"])
        self.peers: set[str] = set()

    def add(self, line: Line) -> None:
        counted = line.get("outgate.refusals")
        self.count += counted if isinstance(counted, int) else 1
        self.first, self.last = min(self.first, line["time"]), max(self.last, line["time"])
        if counted is None:
            self.line = line
        if len(self.peers) < _MOST_PEERS and line.get("client.address"):
            self.peers.add(str(line["client.address"]))


def denied(lines: Iterable[Line]) -> tuple[list[Group], int]:
    """The groups, the most frequent first, and how many refusals are in none of them. What a provider failed at is no refusal."""
    groups: dict[tuple[str, ...], Group] = {}
    beyond = 0
    for line in filter(_is_refused, lines):
        names = _KNOWN if line.get("outgate.workload") else _STRANGE
        key = tuple(str(line.get(name) or "") for name in names)
        if key in groups or len(groups) < _MOST:
            groups.setdefault(key, Group(line)).add(line)
        else:
            beyond += 1
    return sorted(groups.values(), key=lambda group: (-group.count, -group.last)), beyond


def _is_refused(line: Line) -> bool:
    code = line.get("outgate.denial.code")
    return not str(code).startswith("upstream_") if code is not None else line.get("outgate.refusals") is not None
