"""Compile configured stages to an immutable plan, or report every reason why there is none.

Stages form a graph of facts; they are ordered by rules, then by cost, given slots, and proved: at every release,
on every path, each verdict is about what leaves.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from outgate.errors import PolicyError, Problem
from outgate.pipeline.checks import CHECKS, names_known, problem, warnings
from outgate.pipeline.contract import Contract
from outgate.pipeline.explain import plan_hash
from outgate.pipeline.facts import Origin
from outgate.pipeline.graph import Graph, Phase, Placement, Reach
from outgate.pipeline.obligations import OBLIGATIONS, ambiguous_writers, behind_the_pass
from outgate.pipeline.order import cheapest, check_pins, expected_cost, known_pins, pin_edges
from outgate.pipeline.parallel import idle_ahead, start_beside
from outgate.pipeline.plan import Edge, Plan
from outgate.pipeline.retry import reruns_of
from outgate.pipeline.rules import edges_of
from outgate.pipeline.steps import Slots
from outgate.pipeline.versions import Versions

__all__ = ["REQUEST_ORIGINS", "Placement", "compile_plan"]

REQUEST_ORIGINS = frozenset({Origin.OUTSIDE, Origin.CONNECTION, Origin.HEAD, Origin.BODY})
_DEARER = 1.05


class _Layout(NamedTuple):
    """A graph whose edges have no cycle, in order."""

    graph: Graph
    edges: tuple[Edge, ...]
    order: tuple[str, ...]
    notes: tuple[Problem, ...]


def compile_plan(
    placements: Sequence[Placement],
    *,
    given: frozenset[Origin] = REQUEST_ORIGINS,
    known: frozenset[str] = frozenset(),
    pin: Sequence[str] = (),
    revision: str = "",
    closing: bool = True,
) -> Plan:
    """The plan of these stages, the same however they are listed.

    `given` are the origins whose facts exist before the first stage, `known` single facts that an earlier plan wrote; `closing`
    says that the end of the exchange will be told (usage, outcome and the like). `pin` is an order that the policy insists on:
    it is checked like any other.
    Raises PolicyError with all problems; warnings are in the plan.
    """
    plan = _compiled(placements, given, known, pin, revision, closing=closing)
    idle = idle_ahead(plan)
    return (
        _compiled([each for each in placements if each.name not in idle], given, known, pin, revision, closing=closing)
        if idle
        else plan
    )


def _compiled(
    placements: Sequence[Placement],
    given: frozenset[Origin],
    known: frozenset[str],
    pin: Sequence[str],
    revision: str,
    *,
    closing: bool,
) -> Plan:
    placements, problems = names_known(placements)
    graph = Graph(placements, given, known, closing=closing)
    problems += [found for check in CHECKS for found in check(graph)]
    layout, refusals = _lay_out(graph, pin)
    problems += refusals
    versions = Versions(graph, layout.order) if layout else None
    if versions is not None:
        problems += [found for obligation in OBLIGATIONS for found in obligation(graph, versions)]
    if problems or layout is None or versions is None:
        raise PolicyError(tuple(sorted(set(problems), key=_by_place)))
    return _assemble(layout, versions, revision)


def _by_place(found: Problem) -> tuple[str, int, str, tuple[str, ...], str, str]:
    return found.file, found.line, found.code, found.stages, found.fact, found.message


def _lay_out(graph: Graph, pin: Sequence[str]) -> tuple[_Layout | None, list[Problem]]:
    """The stages in order, with the edges that gave it; None where there is no order."""
    edges = edges_of(graph)
    pinned, problems = known_pins(graph, pin)
    cycles = Reach(graph.nodes, edges).cycles()
    problems += [_cycle(graph, edges, path) for path in cycles]
    broken = list(check_pins(graph, edges, pinned))
    problems += broken
    if cycles:
        return None, problems
    bound = tuple(sorted({*edges, *pin_edges(() if broken else pinned)}))
    problems += (*ambiguous_writers(graph, bound), *behind_the_pass(graph, bound))
    order = tuple(name for phase in Phase for name in cheapest(_inside(graph, phase), bound))
    notes = _dearer(graph, edges, order) if pinned and not broken else ()
    return _Layout(graph, bound, order, (*warnings(graph), *notes)), problems


def _inside(graph: Graph, phase: Phase) -> dict[str, Contract]:
    return {node.name: node.contract for node in graph.inside(phase)}


def _dearer(graph: Graph, edges: Sequence[Edge], order: Sequence[str]) -> tuple[Problem, ...]:
    contracts = _inside(graph, Phase.REQUEST)
    pinned = expected_cost([name for name in order if name in contracts], contracts)
    free = expected_cost(cheapest(contracts, edges), contracts)
    if pinned <= free * _DEARER:
        return ()
    message = f"the pinned order costs {pinned:.3f} ms per request where {free:.3f} ms would do"
    return (Problem(code="W_ORDER_COST", message=message, repair="remove the pin"),)


def _cycle(graph: Graph, edges: Sequence[Edge], path: tuple[str, ...]) -> Problem:
    """The shortest way around, with the fact on every edge, and the legal ways out."""
    by_pair: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        if edge.fact or (edge.before, edge.after) not in by_pair:
            by_pair[edge.before, edge.after] = edge
    steps = [by_pair[pair] for pair in pairwise(path)]
    around = path[0] + "".join(f" -({edge.fact or edge.reason})-> {edge.after}" for edge in steps)
    about = next((edge.fact for edge in steps if edge.fact), "")
    nodes = [graph.nodes[name] for name in path[:-1]]
    repair = (
        f"split one into two stages; or declare what the rewrite of {about or 'the fact'} preserves; or let a guard among them "
        "judge the other text"
    )
    declared = [f"{edge.before} from the `after` of {edge.after}" for edge in steps if edge.reason == "declared after"]
    repair = f"remove {' or '.join(declared)}" if declared else repair
    return problem("E_CYCLE", f"each waits for the other: {around}", repair, *nodes, about=about, path=path)


def _assemble(layout: _Layout, versions: Versions, revision: str) -> Plan:
    graph, order = layout.graph, layout.order
    slots = Slots(graph, versions, order)
    steps = {phase: tuple(slots.step(graph.nodes[name]) for name in order if graph.phases[name] is phase) for phase in Phase}
    streams = {name for name in order if graph.nodes[name].placement.streams}
    request = [step.name for step in steps[Phase.REQUEST]]
    return Plan(
        request=steps[Phase.REQUEST],
        response=tuple(step for step in steps[Phase.RESPONSE] if step.name not in streams),
        streams=tuple(step for step in steps[Phase.RESPONSE] if step.name in streams),
        close=steps[Phase.CLOSE],
        after=steps[Phase.AFTER],
        first=slots.first,
        final=slots.final,
        size=slots.size,
        edges=layout.edges,
        reruns=reruns_of(graph, versions, request),
        beside=start_beside(graph, layout.edges, versions, request),
        warnings=tuple(sorted(set(layout.notes), key=_by_place)),
        live_after_head=slots.live(node for node in graph.nodes.values() if graph.phase(node) is not Phase.REQUEST),
        hash=plan_hash(graph, layout.edges, order),
        revision=revision,
        contracts={name: graph.nodes[name].contract for name in order},
    )
