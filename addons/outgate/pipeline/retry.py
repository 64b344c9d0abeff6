"""Derive the stages that run again after each kind of failure: from contracts, never declared.

An event writes outside facts. A stage that reads one of them may run again, and so may whatever reads what it wrote; the executor
then runs only those whose inputs really changed.
"""

from collections.abc import Iterable, Mapping, Sequence

from outgate.errors import FailureKind
from outgate.pipeline.graph import Graph, Node
from outgate.pipeline.versions import Version, Versions

EVENTS: Mapping[str, tuple[str, ...]] = {
    FailureKind.CONNECT.value: ("endpoint.state",),
    FailureKind.TLS.value: ("endpoint.state",),
    FailureKind.DNS.value: ("endpoint.state",),
    FailureKind.RESET.value: ("endpoint.state",),
    FailureKind.STALE.value: (),
    FailureKind.TIMEOUT.value: ("endpoint.state",),
    FailureKind.SERVER_ERROR.value: ("endpoint.state",),
    FailureKind.PROTOCOL.value: ("endpoint.state",),
    FailureKind.RATE_LIMITED.value: ("credential.epoch", "model.state"),
    FailureKind.UNAUTHORIZED.value: ("credential.epoch",),
    FailureKind.BROKEN_STREAM.value: (),
    FailureKind.NOT_BEGUN.value: ("endpoint.state",),
    FailureKind.REFUSAL.value: ("model.state",),
    FailureKind.CONTENT_FILTER.value: ("model.state",),
    FailureKind.CONTEXT_LENGTH.value: ("model.state",),
}
"""Outside facts that an event writes. A provider that is full is tried under another key first, where there is one. A connection
that was lost while idle says nothing against its endpoint; a stream that broke after its first byte is not tried again.
"""


def reruns_of(graph: Graph, versions: Versions, request: Sequence[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """For each event the request stages that may run again, in plan order, each with its reason."""
    nodes = [graph.nodes[name] for name in request]
    return {event: _closure(nodes, versions, dirty, again=event != FailureKind.BROKEN_STREAM) for event, dirty in EVENTS.items()}


def _closure(nodes: Iterable[Node], versions: Versions, dirty: tuple[str, ...], *, again: bool) -> tuple[tuple[str, str], ...]:
    changed: set[Version] = {Version(name, 0) for name in dirty}
    found: list[tuple[str, str]] = []
    for node in nodes:
        hit = sorted({version.fact for read in node.reads if (version := versions.read(node, read)) in changed})
        if hit:
            found.append((node.name, f"{', '.join(hit)} changed"))
            changed.update(versions.written(node, name) for name in node.facts_written)
        elif node.dispatches and again:
            found.append((node.name, "the attempt failed"))
    return tuple(found)
