"""What makes two plans the same: stages, contracts, edges and order; not the revision, not where a stage stands in a file."""

from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from typing import Any

from outgate.pipeline.contract import Contract
from outgate.pipeline.graph import Graph
from outgate.pipeline.plan import Edge

_PLAIN = (str, int, float, bool, bytes, type(None))


def plan_hash(graph: Graph, edges: Sequence[Edge], order: Sequence[str]) -> str:
    """SHA-256 of a canonical description, hexadecimal; the same in every process."""
    stages = [(name, _contract(node.contract), sorted(node.placement.after)) for name, node in graph.nodes.items()]
    given = (sorted(origin.name for origin in graph.origins), sorted(graph.known))
    lines = repr((stages, [tuple(edge) for edge in edges], list(order), given))
    return sha256(lines.encode()).hexdigest()


def _contract(contract: Contract) -> list[Any]:
    return [
        *(list(names) for names in (contract.reads, contract.writes, contract.outside, contract.preserves, contract.after)),
        sorted(contract.optional),
        contract.may.value,
        *(_plain(value) for value in (contract.releases, contract.effect, contract.on_error, contract.judges)),
        *(contract.limit, contract.clears, contract.cost, contract.passes),
        [_plain(value) for value in contract.fallback],
    ]


def _plain(value: Any) -> Any:
    """A value whose repr is the same in every process; of anything else only its type."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, _PLAIN) else type(value).__qualname__
