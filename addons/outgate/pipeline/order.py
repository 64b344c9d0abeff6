"""The cheapest order that respects every edge.

The expected cost of an order is the sum over stages of cost x probability that the exchange is still going on. It is exact:
dynamic programming over the down-sets of the partial order, which is cheap because policies are mostly chains. Stages that
never end an exchange, and that no stage which may needs, go last: nothing is cheaper. The work is bounded by a count, not by a
clock, so that every machine compiles the same plan.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

EXACT_WORK = 100_000
"""Transitions between down-sets that are weighed before the heuristic takes over: about 200 ms."""
_SAME = 1e-9


class Ordering(NamedTuple):
    """An order, and whether it is proved cheapest."""

    names: tuple[str, ...]
    exact: bool


class Task(NamedTuple):
    """One stage to be ordered: its cost, its probability to pass, and the stages that must run before it."""

    cost: float
    passes: float
    needs: frozenset[str]


def cheapest(tasks: Mapping[str, Task], work: int = EXACT_WORK) -> Ordering:
    """The least expected cost order; equal ones are told apart by name, so the order of `tasks` does not matter.

    `tasks` hold no cycle; needs outside of them are met.
    """
    stopping = _closure(tasks, [name for name, task in tasks.items() if task.passes < 1.0])
    head = {name: tasks[name] for name in sorted(stopping)}
    names = _exact(head, work)
    exact = names is not None
    first = _heuristic(head) if names is None else names
    return Ordering((*first, *_by_name(tasks, set(tasks) - stopping, set(first))), exact)


def expected_cost(order: Sequence[str], tasks: Mapping[str, Task]) -> float:
    """Milliseconds: each stage's cost times the probability that the exchange gets to it."""
    total, going = 0.0, 1.0
    for name in order:
        total += going * tasks[name].cost
        going *= tasks[name].passes
    return total


def _closure(tasks: Mapping[str, Task], names: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [need for need in tasks[name].needs if need in tasks]
    return seen


def _by_name(tasks: Mapping[str, Task], names: set[str], done: set[str]) -> list[str]:
    """A topological order, the smallest name first."""
    order: list[str] = []
    left = sorted(names)
    done = set(done)
    while left:
        name = next(name for name in left if tasks[name].needs & tasks.keys() <= done)
        left.remove(name)
        done.add(name)
        order.append(name)
    return order


def _exact(tasks: Mapping[str, Task], work: int) -> list[str] | None:
    names = list(tasks)
    bit = {name: 1 << i for i, name in enumerate(names)}
    needs = [sum(bit[need] for need in tasks[name].needs if need in bit) for name in names]
    layers = _down_sets(needs, [tasks[name].passes for name in names], work)
    if layers is None:
        return None
    return _walk(names, needs, [tasks[name].cost for name in names], layers)


def _down_sets(needs: list[int], passes: list[float], work: int) -> list[dict[int, float]] | None:
    """Every reachable set of finished stages by size, with the probability that the exchange goes on; None beyond `work`."""
    layers: list[dict[int, float]] = [{0: 1.0}]
    for _ in needs:
        following: dict[int, float] = {}
        for done, going in layers[-1].items():
            if work < 0:
                return None
            for i, need in enumerate(needs):
                if not done >> i & 1 and need & done == need:
                    work -= 1
                    following.setdefault(done | 1 << i, going * passes[i])
        layers.append(following)
    return layers


def _walk(names: list[str], needs: list[int], costs: list[float], layers: list[dict[int, float]]) -> list[str]:
    """Backwards the cheapest rest of every set, then forwards along it, the smallest name where several are as cheap."""
    rest: dict[int, float] = dict.fromkeys(layers[-1], 0.0)
    for layer in reversed(layers[:-1]):
        for done, going in layer.items():
            rest[done] = min(
                going * costs[i] + rest[done | 1 << i] for i, need in enumerate(needs) if not done >> i & 1 and need & done == need
            )
    order: list[str] = []
    done = 0
    for layer in layers[:-1]:
        bound = rest[done] + _SAME * max(1.0, rest[done])
        ready = [i for i, need in enumerate(needs) if not done >> i & 1 and need & done == need]
        i = next(i for i in ready if layer[done] * costs[i] + rest[done | 1 << i] <= bound)
        order.append(names[i])
        done |= 1 << i
    return order


def _heuristic(tasks: Mapping[str, Task]) -> list[str]:
    """Again and again the stage that ends most exchanges per cost, with whatever it still needs in front of it."""
    order: list[str] = []
    while len(order) < len(tasks):
        blocks: list[list[str]] = [
            _by_name(tasks, _closure(tasks, [name]) - set(order), set(order)) for name in tasks if name not in order
        ]
        order += min(blocks, key=lambda block: (_rank(tuple(block), tasks), block))
    return order


def _rank(block: Sequence[str], tasks: Mapping[str, Task]) -> float:
    going = 1.0
    for name in block:
        going *= tasks[name].passes
    return expected_cost(block, tasks) / (1.0 - going) if going < 1.0 else float("inf")
