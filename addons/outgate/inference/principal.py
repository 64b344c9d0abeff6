"""Principal: the authenticated caller."""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """Whose requests leave a crowded pool first: those of low priority, then normal ones; those of high priority never."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


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
    priority: Priority = Priority.NORMAL
