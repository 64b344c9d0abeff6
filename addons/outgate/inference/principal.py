"""Principal: the authenticated caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated workload: `name` is unique in the policy, `tenant` the boundary that caches and memos never cross.
    `claims` are those of its JWT that are text, but for those that change with every token.
    """

    name: str
    tenant: str = "default"
    groups: frozenset[str] = frozenset()
    claims: frozenset[tuple[str, str]] = frozenset()
    method: str = ""
