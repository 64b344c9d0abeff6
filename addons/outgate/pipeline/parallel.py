"""Groups of adjacent stages that may run concurrently (printed by `outgate plan`, not yet executed)."""

from collections.abc import Sequence

from outgate.pipeline.contract import Effect, Release
from outgate.pipeline.graph import Graph, Node, Reach
from outgate.pipeline.plan import Edge


def side_by_side(graph: Graph, edges: Sequence[Edge], order: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Runs of two or more neighbours of one phase, none before another, none of which charges, or hands anything out."""
    reach = Reach(graph.nodes, edges)
    groups: list[list[str]] = [[]]
    for name in order:
        node = graph.nodes[name]
        joins = _free(node) and all(
            graph.phases[other] is graph.phases[name] and not reach.ordered(other, name) for other in groups[-1]
        )
        if joins:
            groups[-1].append(name)
        else:
            groups.append([name] if _free(node) else [])
    return tuple(tuple(group) for group in groups if len(group) > 1)


def _free(node: Node) -> bool:
    return node.contract.effect is not Effect.CHARGE and node.contract.releases is Release.NONE
