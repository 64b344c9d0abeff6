"""Who comes before whom: reachability over edges, shortest paths, and the shortest cycles where there is no order."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from outgate.pipeline.plan import Edge


class Reach:
    """The transitive closure of a set of edges over named stages. Answers are the same however the edges are listed."""

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
        """The shortest way from one stage to another (at least one edge), both included; empty where there is none."""
        came: dict[str, str] = {}
        waiting = deque([before])
        while waiting:
            here = waiting.popleft()
            for name in self._next[here]:
                if name == after:
                    return (*self._back(came, before, here), after)
                if name not in came and name != before:
                    came[name] = here
                    waiting.append(name)
        return ()

    def cycles(self) -> list[tuple[str, ...]]:
        """The shortest cycle of every strongly connected component: first and last name are the same."""
        components = {
            frozenset(n for n in self._below[name] if self.leads(n, name)) for name in self._next if self.leads(name, name)
        }
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

    @staticmethod
    def _back(came: Mapping[str, str], start: str, end: str) -> Sequence[str]:
        way = [end]
        while way[-1] != start:
            way.append(came[way[-1]])
        return way[::-1]
