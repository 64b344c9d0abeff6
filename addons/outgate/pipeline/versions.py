"""Versions of facts in an ordered plan: the one that each stage reads, and the one that it writes.

Version 0 is the given one; each writer, in plan order, makes the next. A stage reads what stands when it runs; the edges have
made sure that this is the final version wherever that matters.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from outgate.pipeline.facts import VERDICTS, Label, Origin, fact
from outgate.pipeline.graph import Graph, Node, Read

UNSET = -1


class Version(NamedTuple):
    """One version of one fact."""

    fact: str
    number: int


class Versions:
    """The versions of a plan in a fixed order."""

    def __init__(self, graph: Graph, order: Sequence[str]) -> None:
        self._graph = graph
        self.position: Mapping[str, int] = {name: i for i, name in enumerate(order)}
        self.order = tuple(order)
        self._chains = {
            name: tuple(sorted(graph.writers(name), key=lambda node: self.position[node.name])) for name in graph.written()
        }

    def chain(self, name: str) -> tuple[Node, ...]:
        """Writers of a fact in plan order: the first makes version 1."""
        return self._chains.get(name, ())

    def read(self, node: Node, read: Read) -> Version:
        """The version this stage reads; number UNSET where it has none."""
        before = self._written_before(node, read.fact)
        if before == 0 and not self._graph.is_given(read.fact):
            return Version(read.fact, UNSET)
        return Version(read.fact, before)

    def written(self, node: Node, name: str) -> Version:
        return Version(name, self.chain(name).index(node) + 1)

    def final(self, name: str) -> Version:
        return Version(name, len(self.chain(name)))

    def writer(self, version: Version) -> Node | None:
        """The stage that wrote a version; None for a given one."""
        return self.chain(version.fact)[version.number - 1] if version.number > 0 else None

    def between(self, version: Version, position: int) -> list[Node]:
        """Stages ahead of a position that rewrote the fact after this version."""
        later = self.chain(version.fact)[max(version.number, 0) :]
        return [node for node in later if self.position[node.name] < position]

    def content(self, node: Node) -> frozenset[Version]:
        """The versions of body text and personal facts that leave with what this stage reads.

        A derived fact (`wire.body`) carries what it was made from; a rewritten one stands for itself.
        """
        return self.carried([self.read(node, read) for read in node.reads])

    def carried(self, versions: Sequence[Version]) -> frozenset[Version]:
        seen: set[Version] = set()
        waiting = [version for version in versions if _carries(version.fact)]
        while waiting:
            version = waiting.pop()
            if version in seen:
                continue
            seen.add(version)
            writer = self.writer(version)
            if writer is not None and version.fact not in writer.facts_read and not writer.dispatches:
                waiting += [made for read in writer.reads if _carries((made := self.read(writer, read)).fact)]
        return frozenset(seen)

    def tainted(self, version: Version) -> bool:
        """Whether a version of a personal fact may still hold something personal.

        Given text does. A rewrite may bring new text in, so only one that `clears` ends it; one that preserves every verdict brings
        none, and holds, as a derived fact does, what it was made from.
        """
        if fact(version.fact).label is not Label.PERSONAL or version.number == UNSET:
            return False
        writer = self.writer(version)
        if writer is None:
            return True
        if writer.contract.clears:
            return False
        sources = [
            self.read(writer, read)
            for read in writer.reads
            if fact(read.fact).label is Label.PERSONAL and fact(read.fact).repeats not in writer.facts_read
        ]
        brings = version.fact in writer.facts_read and not writer.preserves([VERDICTS])
        return brings or not sources or any(self.tainted(source) for source in sources)

    def holds_secret(self, version: Version) -> bool:
        """Whether a rewrite put something secret into this version."""
        return any(
            version.fact in node.mutates and node.tells_secret for node in self.chain(version.fact)[: max(version.number, 0)]
        )

    def _written_before(self, node: Node, name: str) -> int:
        return sum(self.position[writer.name] < self.position[node.name] for writer in self.chain(name))


def _carries(name: str) -> bool:
    known = fact(name)
    return known.origin is Origin.BODY or known.label is Label.PERSONAL
