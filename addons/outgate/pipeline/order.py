"""Order the stages of a phase by cost, and check an order that the policy pins.

Cost decides only among orders that every edge allows. A pinned order is checked against every edge and every phase, and never
trusted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from graphlib import TopologicalSorter
from itertools import combinations, pairwise
from math import inf
from typing import Any

from outgate.errors import Problem
from outgate.pipeline.checks import problem
from outgate.pipeline.contract import Contract
from outgate.pipeline.graph import Graph, Reach
from outgate.pipeline.plan import Edge

_MEANING = {
    "E_STALE_VERDICT": "would judge",
    "E_STALE_CHARGE": "would charge for",
    "E_STALE_CACHE_KEY": "would answer from a key made of",
    "E_STALE_PICK": "would pick by",
    "E_STALE_READ": "would use",
}


def cheapest(contracts: Mapping[str, Contract], edges: Iterable[Edge]) -> tuple[str, ...]:
    """A topological order: of the stages that are ready, the one that ends most exchanges per millisecond comes next.

    Stages that end none, and that none which does waits for, come last. The edges hold no cycle; those to other stages are met.
    """
    needs: dict[str, set[str]] = {name: set() for name in contracts}
    for edge in edges:
        if edge.before in needs and edge.after in needs:
            needs[edge.after].add(edge.before)
    early = {name for name in contracts if contracts[name].passes < 1.0}
    for name in reversed(tuple(TopologicalSorter(needs).static_order())):
        early |= needs[name] if name in early else set()
    return _greedy(needs, lambda name: (name not in early, *_rank(contracts[name]), name))


def _greedy(needs: Mapping[str, AbstractSet[str]], rank: Callable[[str], tuple[Any, ...]]) -> tuple[str, ...]:
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted((*ready, *sorter.get_ready()), key=rank)
        sorter.done(ready[0])
        order.append(ready.pop(0))
    return tuple(order)


def _rank(contract: Contract) -> tuple[float, float]:
    return contract.cost / (1.0 - contract.passes) if contract.passes < 1.0 else inf, contract.cost


def expected_cost(order: Sequence[str], contracts: Mapping[str, Contract]) -> float:
    """Milliseconds: each stage's cost times the probability that the exchange gets to it."""
    total, going = 0.0, 1.0
    for name in order:
        total += going * contracts[name].cost
        going *= contracts[name].passes
    return total


def pin_edges(pin: Sequence[str]) -> tuple[Edge, ...]:
    """A pin that was found legal, as edges."""
    return tuple(Edge(before, after, "pinned by policy", "", "E_ORDER_DECLARED") for before, after in pairwise(pin))


def known_pins(graph: Graph, pin: Sequence[str]) -> tuple[tuple[str, ...], list[Problem]]:
    """The pinned stages that this plan has, each once, and what was wrong with the list."""
    kept = tuple(name for name in dict.fromkeys(pin) if name in graph.nodes)
    problems = [
        Problem(
            code="E_PIN_UNKNOWN",
            message=f"the pinned stage {name} is not in this plan",
            repair="remove it from the pin",
            stages=(name,),
        )
        for name in dict.fromkeys(pin)
        if name not in graph.nodes
    ]
    problems += [
        Problem(code="E_PIN_UNKNOWN", message=f"{name} is pinned twice", repair="pin it once", stages=(name,))
        for name in kept
        if list(pin).count(name) > 1
    ]
    return kept, problems


def check_pins(graph: Graph, edges: Sequence[Edge], pin: Sequence[str]) -> Iterator[Problem]:
    """One problem for every edge that the pinned order breaks, and for every indirect dependency that no such edge explains."""
    rank = {name: i for i, name in enumerate(pin)}
    broken = [edge for edge in edges if edge.before in rank and edge.after in rank and rank[edge.before] > rank[edge.after]]
    yield from (_broken(graph, edge, (edge.before, edge.after)) for edge in broken)
    yield from _indirect(graph, edges, pin, {(edge.before, edge.after) for edge in broken})
    for early, late in combinations(pin, 2):
        if graph.phases[early] > graph.phases[late]:
            message = f"{early} is pinned before {late}, but runs in the {graph.phases[early].name.lower()} phase"
            repair = f"pin {late} before {early}"
            yield problem("E_PIN_PHASE", message, repair, graph.nodes[early], graph.nodes[late], path=(early, late))


def _indirect(
    graph: Graph, edges: Sequence[Edge], pin: Sequence[str], explained: AbstractSet[tuple[str, str]]
) -> Iterator[Problem]:
    """Along facts where there is such a way, else along any rule; only through stages that are not pinned themselves."""
    free = [edge for edge in edges if not (edge.before in pin and edge.after in pin)]
    for early, late in combinations(pin, 2):
        between = [name for name in graph.nodes if name not in pin or name in (early, late)]
        for ways in ([edge for edge in free if edge.fact], free) if (late, early) not in explained else ():
            path = Reach(between, ways).path(late, early)
            if path:
                yield _broken(graph, next(edge for edge in ways if (edge.before, edge.after) == path[-2:]), path)
                break


def _broken(graph: Graph, edge: Edge, path: tuple[str, ...]) -> Problem:
    first, last = path[0], path[-1]
    if edge.code in _MEANING:
        message = f"{last} is pinned before {first}, so it {_MEANING[edge.code]} {edge.fact} that is not final"
    else:
        message = f"{last} is pinned before {first}, which must come first ({edge.reason})"
    repair = f"pin {first} before {last}"
    return problem(edge.code, message, repair, graph.nodes[last], graph.nodes[first], about=edge.fact, path=path)
