"""Stages that wait for each other, run in rounds until nothing changes: only where policy allows it, and never for ever.

A knot becomes one stage. In every round each member runs only if what it reads has changed, and a member that rewrites a fact
always starts from the version before the knot, so that no rewrite is applied to its own result. A knot that is still changing
after the last round is refused.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from inspect import isawaitable, iscoroutinefunction
from math import prod
from typing import Any

from outgate.errors import ContractViolationError, Denial
from outgate.pipeline.contract import Contract, Effect, May, OnError, Release
from outgate.pipeline.facts import field_of
from outgate.pipeline.graph import Graph, Node, Placement

_REFUSED = Denial(code="loop_not_converged", status=500, message="Stages that depend on each other came to no agreement.")
_LIMIT = 1.0
"""Seconds for a knot in which no member waits."""


def tie(graph: Graph, names: Sequence[str], rounds: int) -> Placement | None:
    """The stages of a knot as one, of at most `rounds` rounds; None where that is not allowed.

    Stages that judge, answer, charge, release, fail open or ask for a client's version do not run in rounds, nor do two that write
    the same fact, nor a knot of which no member can run first.
    """
    members = [graph.nodes[name] for name in sorted(names)]
    written = [name for node in members for name in node.contract.writes]
    if len(set(written)) < len(written) or not all(map(_may_repeat, members)):
        return None
    ordered = _first_round(graph, members)
    if not ordered:
        return None
    run = _Rounds(ordered, rounds).run
    return Placement(
        "+".join(node.name for node in ordered), _contract(graph, ordered, rounds), run, (), ordered[0].placement.source
    )


class _Rounds:
    """The members of one knot at work."""

    def __init__(self, members: Sequence[Node], rounds: int) -> None:
        self._members = members
        self._views = {node.name: namedtuple("Facts", [field_of(read.fact) for read in node.reads]) for node in members}  # noqa: PYI024
        self._rounds = rounds
        self._writes = _written(members)

    async def run(self, facts: Any) -> tuple[Any, ...] | Denial:
        now: dict[str, Any] = {}
        seen: dict[str, tuple[Any, ...]] = {}
        for _ in range(self._rounds):
            for node in self._members:
                inputs = _inputs(node, facts, now)
                if seen.get(node.name) == inputs:
                    continue
                result = node.placement.run(self._views[node.name](*inputs))
                result = await result if isawaitable(result) else result
                if isinstance(result, Denial):
                    return result.by(node.name)
                seen[node.name] = inputs
                _keep(node, result, now)
        settled = all(seen[node.name] == _inputs(node, facts, now) for node in self._members)
        return tuple(now[name] for name in self._writes) if settled else _REFUSED


def _inputs(node: Node, facts: Any, now: Mapping[str, Any]) -> tuple[Any, ...]:
    def value(name: str) -> Any:
        return now[name] if name in now and name not in node.mutates else getattr(facts, field_of(name), None)

    return tuple(value(read.fact) for read in node.reads)


def _keep(node: Node, result: Any, now: dict[str, Any]) -> None:
    """Take over what a member wrote; an equal value keeps the old object, so that nobody runs again for it."""
    if result.__class__ is not tuple or len(result) != len(node.contract.writes):
        raise ContractViolationError(f"{node.name} did not return the {len(node.contract.writes)} facts it declares")
    for name, value in zip(node.contract.writes, result, strict=True):
        if name not in now or now[name] != value:
            now[name] = value


def _may_repeat(node: Node) -> bool:
    contract = node.contract
    harmless = contract.effect is not Effect.CHARGE and contract.releases is Release.NONE and contract.on_error is OnError.DENY
    return harmless and not node.decides and not node.responds and not any(read.initial for read in node.reads)


def _first_round(graph: Graph, members: Sequence[Node]) -> list[Node]:
    """An order in which every member finds what it reads, made before the knot or by a member in front of it; empty if none."""
    ordered: list[Node] = []
    left = list(members)
    while left:
        made = {name for node in ordered for name in node.facts_written}
        ready = [node for node in left if all(read.fact in made or _from_before(graph, read.fact, members) for read in node.reads)]
        if not ready:
            return []
        ordered.append(ready[0])
        left.remove(ready[0])
    return ordered


def _from_before(graph: Graph, name: str, members: Sequence[Node]) -> bool:
    return graph.is_given(name) or any(writer not in members for writer in graph.writers(name))


def _contract(graph: Graph, members: Sequence[Node], rounds: int) -> Contract:
    """What the knot as a whole declares: what its members read from before it, and everything they write."""
    contracts = [node.contract for node in members]
    names = {node.name for node in members}
    read = [name for c in contracts for name in c.reads if _from_before(graph, name, members)]
    needed = {read.fact for node in members for read in node.reads if not read.optional}
    waiting = [node.contract.limit for node in members if iscoroutinefunction(node.placement.run)]
    limits = [limit for limit in waiting if limit is not None]
    return Contract(
        reads=tuple(dict.fromkeys(read)),
        outside=tuple(dict.fromkeys(name for c in contracts for name in c.outside)),
        writes=_written(members),
        may=May.DENY | May.MUTATE,
        optional=tuple(sorted(set(read) - needed)),
        preserves=tuple(sorted(set.intersection(*(set(c.preserves) for c in contracts)))),
        after=tuple(
            dict.fromkeys(name for node in members for name in (*node.contract.after, *node.placement.after) if name not in names)
        ),
        limit=(rounds * sum(limits) if waiting else _LIMIT) if len(limits) == len(waiting) else None,
        cost=rounds * sum(c.cost for c in contracts),
        passes=prod(c.passes for c in contracts),
    )


def _written(members: Sequence[Node]) -> tuple[str, ...]:
    return tuple(name for node in members for name in node.contract.writes)
