"""Principal: the authenticated caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated workload: `name` is unique in the policy, `tenant` the boundary that caches and memos never cross."""

    name: str
    tenant: str = "default"
    groups: frozenset[str] = frozenset()
    method: str = ""
