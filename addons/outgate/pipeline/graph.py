"""Dependency graph of the configured stages: reads, writes, verdicts, phases; and reachability over ordering edges.

A stage belongs to the latest phase among the facts it depends on, so a response stage is one that (transitively) reads the
response. A fact's name is flat: `model` and `model.requested` are two facts.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from outgate.pipeline.contract import Contract, Effect, Judges, May, Release
from outgate.pipeline.facts import VERDICTS, Label, Origin, fact
from outgate.pipeline.plan import Edge

ADMISSION = frozenset({"principal", "admitted", "model.admitted"})
"""Authentication and authorization: treated like a guard's verdict, and never allowed to fail open."""
RECORDS = frozenset({"cache.recording", "cache.entry"})


class Placement(NamedTuple):
    """One configured stage on its way into a plan.

    `after` orders it behind other stages, `ties` too where nothing says the opposite. `source` is `file:line` in the policy.
    `streams` says that `run` opens a judge on an answer.
    """

    name: str
    contract: Contract
    run: Callable[[Any], Any]
    after: tuple[str, ...] = ()
    source: str = ""
    ties: tuple[str, ...] = ()
    streams: bool = False


class Phase(IntEnum):
    """Phase of an exchange in which a stage runs."""

    REQUEST = 0
    RESPONSE = 1
    CLOSE = 2
    AFTER = 3


_PHASE_OF = {Origin.RESPONSE: Phase.RESPONSE, Origin.CLOSE: Phase.CLOSE, Origin.AFTER: Phase.AFTER}


class Read(NamedTuple):
    """One declared read."""

    fact: str
    optional: bool


def covers(patterns: Iterable[str], name: str) -> bool:
    """Whether a list of fact names, where a trailing `*` stands for any ending, holds this fact."""
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


@dataclass(frozen=True, eq=False)
class Node:
    """A stage of the graph, with the predicates that the rules use."""

    placement: Placement
    family: tuple[str, ...] = ()
    """Every verdict that the plan writes: what a read of `verdict.*` stands for."""

    @property
    def name(self) -> str:
        return self.placement.name

    @property
    def contract(self) -> Contract:
        return self.placement.contract

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Reads in declared order, outside facts last."""
        contract = self.contract
        names = (name for name in (*contract.reads, *contract.outside) if name != VERDICTS)
        single = (Read(name, name in contract.optional) for name in names)
        return (*single, *(Read(name, optional=True) for name in self.family_read))

    @cached_property
    def family_read(self) -> tuple[str, ...]:
        """The verdicts that it reads by their family."""
        return self.family if VERDICTS in self.contract.reads else ()

    @cached_property
    def facts_read(self) -> frozenset[str]:
        return frozenset(read.fact for read in self.reads)

    @cached_property
    def facts_written(self) -> frozenset[str]:
        return frozenset(self.contract.writes)

    @cached_property
    def mutates(self) -> frozenset[str]:
        """Facts it rewrites: it reads the version before it and writes the next."""
        return self.facts_read & self.facts_written

    @cached_property
    def verdicts(self) -> frozenset[str]:
        return frozenset(name for name in self.facts_written if name.startswith("verdict."))

    @cached_property
    def admits(self) -> frozenset[str]:
        return self.facts_written & ADMISSION

    @property
    def decides(self) -> bool:
        """Whether what it writes is a decision about the exchange: a verdict or an admission."""
        return bool(self.verdicts or self.admits)

    @property
    def responds(self) -> bool:
        return May.RESPOND in self.contract.may

    @property
    def charges(self) -> bool:
        return self.contract.effect is Effect.CHARGE

    @property
    def dispatches(self) -> bool:
        return self.contract.releases is Release.UPSTREAM

    @property
    def reads_secret(self) -> bool:
        return any(fact(name).label is Label.SECRET for name in self.facts_read)

    @cached_property
    def restores(self) -> bool:
        """Whether it rewrites an answer with something secret, so that later readers of it see the secret."""
        return self.tells_secret and any(fact(name).origin is Origin.RESPONSE for name in self.mutates)

    @cached_property
    def tells_secret(self) -> bool:
        """Whether it may write what it reads of secrets. A judge of the clean text puts nothing but clean text in its place."""
        return self.reads_secret and self.contract.judges is not Judges.CLEAN

    def spares(self, other: "Node", about: str) -> bool:
        """Whether this stage's rewrite of the fact `about` cannot invalidate what `other` made of an earlier version."""
        made = other.facts_written - {about}
        return about in self.mutates and bool(made) and self.preserves(made)

    def preserves(self, names: Iterable[str]) -> bool:
        return all(covers(self.contract.preserves, name) for name in names)


class Graph:
    """All stages of a plan, by name. `given` are the origins whose facts exist before the first stage, `known` single facts."""

    def __init__(
        self,
        placements: Sequence[Placement],
        given: frozenset[Origin],
        known: frozenset[str] = frozenset(),
        *,
        closing: bool = True,
    ) -> None:
        family = tuple(sorted({name for p in placements for name in p.contract.writes if name.startswith("verdict.")}))
        self.nodes: Mapping[str, Node] = {p.name: Node(p, family) for p in sorted(placements, key=lambda p: p.name)}
        self.origins = given | ({Origin.CLOSE, Origin.AFTER} if closing else frozenset())
        self.known = known
        self._writers = self._index(lambda node: node.facts_written)
        self._readers = self._index(lambda node: node.facts_read)
        self.phases: Mapping[str, Phase] = self._phases()

    def _index(self, names: Callable[[Node], frozenset[str]]) -> dict[str, tuple[Node, ...]]:
        index: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for name in names(node):
                index.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in index.items()}

    def writers(self, name: str) -> tuple[Node, ...]:
        return self._writers.get(name, ())

    def readers(self, name: str) -> tuple[Node, ...]:
        return self._readers.get(name, ())

    def written(self) -> list[str]:
        return sorted(self._writers)

    def phase(self, node: Node) -> Phase:
        return self.phases[node.name]

    def inside(self, phase: Phase) -> list[Node]:
        return [node for node in self.nodes.values() if self.phases[node.name] is phase]

    def answers(self) -> bool:
        """Whether some stage brings a response: the dispatch, or one that answers in its place."""
        return any(node.dispatches or node.responds for node in self.nodes.values())

    def is_given(self, name: str) -> bool:
        """Whether a fact has a version that no stage writes.

        A late fact (response, close, after) that a stage produces without reading it is that stage's, not the boundary's.
        """
        known = fact(name)
        if name in self.known:
            return True
        if name.startswith("verdict.") or known.origin is Origin.STAGE:
            return False
        if known.origin > Origin.STAGE and any(name not in node.facts_read for node in self.writers(name)):
            return False
        return self.answers() if known.origin is Origin.RESPONSE else known.origin in self.origins

    def sources(self, node: Node) -> frozenset[str]:
        """Every fact that flows, through whatever stages, into what this stage reads."""
        seen: set[str] = set()
        waiting = list(node.facts_read)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += [source for writer in self.writers(name) for source in writer.facts_read]
        return frozenset(seen)

    def restorers(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.restores]

    def _phases(self) -> dict[str, Phase]:
        phases = {name: _own_phase(node) for name, node in self.nodes.items()}
        for _ in self.nodes:
            before = dict(phases)
            for name, node in self.nodes.items():
                if not node.dispatches:
                    phases[name] = max([phases[name], *(phases[other] for other in self._needs(node))])
            if phases == before:
                break
        return phases

    def _needs(self, node: Node) -> Iterable[str]:
        for read in node.reads:
            for writer in self.writers(read.fact):
                mutual = read.fact in node.facts_written and read.fact in writer.facts_read
                if writer is not node and not mutual and not writer.spares(node, read.fact):
                    yield writer.name
        yield from (name for name in (*node.contract.after, *node.placement.after) if name in self.nodes)


def _own_phase(node: Node) -> Phase:
    if node.dispatches:
        return Phase.REQUEST
    names = node.facts_read | node.facts_written
    return max((_PHASE_OF.get(fact(name).origin, Phase.REQUEST) for name in names), default=Phase.REQUEST)


class Reach:
    """Transitive closure of edges over named stages. Independent of the order in which the edges are listed."""

    def __init__(self, names: Iterable[str], edges: Iterable[Edge]) -> None:
        self._next: Mapping[str, list[str]] = {name: [] for name in sorted(names)}
        for edge in sorted(edges):
            if edge.before in self._next and edge.after in self._next and edge.after not in self._next[edge.before]:
                self._next[edge.before].append(edge.after)
        self._below = {name: self._all_below(name) for name in self._next}

    def leads(self, before: str, after: str) -> bool:
        return after in self._below[before]

    def ordered(self, one: str, other: str) -> bool:
        return self.leads(one, other) or self.leads(other, one)

    def path(self, before: str, after: str) -> tuple[str, ...]:
        """The shortest path from one stage to another (at least one edge), both included; empty where there is none."""
        seen = {before}
        waiting: deque[tuple[str, ...]] = deque([(before,)])
        while waiting:
            way = waiting.popleft()
            for name in self._next[way[-1]]:
                if name == after:
                    return (*way, name)
                if name not in seen:
                    seen.add(name)
                    waiting.append((*way, name))
        return ()

    def cycles(self) -> list[tuple[str, ...]]:
        """The shortest cycle of every strongly connected component: first and last name are the same."""
        turning = [name for name in self._next if self.leads(name, name)]
        components = {frozenset(n for n in self._below[name] if self.leads(n, name)) for name in turning}
        shortest = (min((self.path(name, name) for name in c), key=lambda path: (len(path), path)) for c in components)
        return sorted(shortest)

    def _all_below(self, name: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for after in self._next[waiting.pop()]:
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return frozenset(seen)
