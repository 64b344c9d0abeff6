"""Waiting stages that may start beside one that stands before them in the plan: what they read is final by then.

Only those with no effect and no recipient: their work can be thrown away when a stage before them ends the exchange.
"""

from collections.abc import Mapping, Sequence
from inspect import iscoroutinefunction

from outgate.pipeline.contract import Effect, Release
from outgate.pipeline.graph import Graph, Node
from outgate.pipeline.plan import Edge, Plan
from outgate.pipeline.versions import Versions


def start_beside(graph: Graph, edges: Sequence[Edge], versions: Versions, request: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each request stage that waits, the later ones that may start with it, in plan order; none for a stage without any.

    One may when every stage that must precede it, by an edge or as the writer of what it reads, stands before both.
    """
    waiting = [graph.nodes[name] for name in request if iscoroutinefunction(graph.nodes[name].placement.run)]
    ready = {node.name: _ready(node, edges, versions) for node in waiting}
    place = versions.position
    beside = {
        node.name: tuple(
            later.name
            for later in waiting
            if place[node.name] < place[later.name] and ready[later.name] < place[node.name] and _droppable(later)
        )
        for node in waiting
    }
    return {name: later for name, later in beside.items() if later}


def idle_ahead(plan: Plan) -> frozenset[str]:
    """The stages that are there to start beside a guard, and do not."""
    beside = {later for name, those in plan.beside.items() if plan.contracts[name].judges is not None for later in those}
    return frozenset(name for name, contract in plan.contracts.items() if contract.ahead) - beside


def groups(beside: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """For people: each stage with those that start with it, but no group that is part of another."""
    found = [(name, *later) for name, later in beside.items()]
    return tuple(group for group in found if not any(set(group) < set(other) for other in found))


def _ready(node: Node, edges: Sequence[Edge], versions: Versions) -> int:
    """The place of the last stage that must have run, -1 where none must."""
    before = {edge.before for edge in edges if edge.after == node.name and edge.before in versions.position}
    writers = [versions.writer(versions.read(node, read)) for read in node.reads]
    before |= {writer.name for writer in writers if writer is not None}
    return max((versions.position[name] for name in before), default=-1)


def _droppable(node: Node) -> bool:
    return node.contract.effect is Effect.NONE and node.contract.releases is Release.NONE
