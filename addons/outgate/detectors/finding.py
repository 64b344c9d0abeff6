"""Resolve overlapping findings."""

from collections.abc import Iterable

from outgate.inference.finding import Finding

__all__ = ["Finding", "disjoint"]


def disjoint(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in order, none overlapping, that together cover every character any of them covered.

    Overlapping findings become one: the union of their spans under the entity of the surest (then longest, then first by name),
    so that what a weaker finding saw beyond a stronger one is not left standing.
    """
    merged: list[Finding] = []
    best: tuple[float, int] = (0.0, 0)
    for found in sorted(findings, key=lambda f: (f.start, -f.end, f.entity)):
        rank = (found.score, found.end - found.start)
        if merged and found.start < merged[-1].end:
            last = merged[-1]
            winner = found if rank > best else last
            best = max(best, rank)
            merged[-1] = Finding(winner.entity, last.start, max(last.end, found.end), winner.score)
        else:
            merged.append(found)
            best = rank
    return tuple(merged)
