"""Ordering rules: each yields edges between stages, with a reason, and a diagnostic code for a pin that breaks them.

Write-after-read needs no rule: every version of a fact has its own slot, so a reader keeps its version whatever is written later.
Two writers of one fact are ordered by what they declare, or by the other rules, or the plan is refused.
"""

from collections.abc import Callable, Iterator, Sequence

from outgate.pipeline.contract import Judges, Release
from outgate.pipeline.facts import Label, Origin, fact
from outgate.pipeline.graph import RECORDS, Graph, Node, Phase, Reach
from outgate.pipeline.plan import Edge

type Rule = Callable[[Graph, Sequence[Edge]], Iterator[Edge]]

_DESTINATION = ("provider", "backend", "endpoint")
LAST = "*"
_WORDS = (None, *Judges)
"""In the order in which judges of different texts run; a stage that is no judge comes before one of what is released."""


def stale_code(node: Node) -> str:
    """Diagnostic code for a stage that would read a fact before its last rewrite."""
    if node.decides:
        return "E_STALE_VERDICT"
    if node.charges or "tokens.in" in node.facts_written:
        return "E_STALE_CHARGE"
    if node.responds or "cache.key" in node.facts_written:
        return "E_STALE_CACHE_KEY"
    return "E_STALE_PICK" if "endpoint" in node.facts_written else "E_STALE_READ"


def read_after_write(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """A reader follows every writer of the fact, unless the writer preserves what the reader makes of it.

    Among stages that rewrite the same fact only its producers come first by themselves; the others are ordered by declaration.
    Where a judge stands among the stages that rewrite what it judges, `judged_text` says.
    """
    for node in graph.nodes.values():
        for read in node.reads:
            for writer in graph.writers(read.fact):
                mutual = read.fact in node.facts_written and read.fact in writer.facts_read
                judged = bool(node.verdicts) and read.fact in writer.mutates
                if writer is not node and not mutual and not judged and not writer.spares(node, read.fact):
                    yield Edge(writer.name, node.name, f"reads {read.fact}", read.fact, stale_code(node))


def judged_text(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """A judge sees the text that it declares: raw before it is cleared, clean after, released after every rewrite."""
    for judge in graph.nodes.values():
        for name in sorted(judge.facts_read) if judge.verdicts else ():
            for other in graph.writers(name):
                if other is judge or name not in other.mutates:
                    continue
                first = graph.phase(other) is graph.phase(judge) and _judged_before(judge, other, name)
                reason = f"{name} is judged {judge.contract.judges}"
                if first:
                    code = "E_SECRET_SCOPE" if other.restores else "E_JUDGED_TEXT"
                    yield Edge(judge.name, other.name, reason, name, code)
                elif first is not None:
                    yield Edge(other.name, judge.name, reason, name, stale_code(judge))


def declared_order(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """`after` of a contract or of the policy."""
    for node in graph.nodes.values():
        for name in (*node.contract.after, *node.placement.after):
            if name in graph.nodes:
                yield Edge(name, node.name, "declared after", "", "E_ORDER_DECLARED")


def guards_before_answers(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """No answer for a request that should have been refused. A guard's canned answer is a refusal, not an answer."""
    for guard in _guards(graph, Phase.REQUEST):
        for node in graph.inside(Phase.REQUEST):
            if node.responds and not node.verdicts and node is not guard:
                yield Edge(guard.name, node.name, "guard before an answer", "", "E_RELEASE_BEFORE_GUARD")


def guards_before_releases(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """No judged data leaves before its guard, be it to the provider or to a third party that is no guard itself."""
    for phase in (Phase.REQUEST, Phase.RESPONSE):
        for node in graph.inside(phase):
            leaves = node.contract.releases in (Release.UPSTREAM, Release.THIRD_PARTY)
            if not leaves or node.decides:
                continue
            sources = graph.sources(node)
            for guard in _guards(graph, phase):
                if node.dispatches or guard.facts_read & sources:
                    yield Edge(guard.name, node.name, "guard before release", "", "E_RELEASE_BEFORE_GUARD")


def admission_first(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Authentication and authorization before anything is answered or leaves; the routed model's before what depends on it."""
    for judge in graph.inside(Phase.REQUEST):
        for node in graph.inside(Phase.REQUEST) if judge.admits else ():
            early = judge.admits & {"principal", "admitted"} and (node.responds or node.contract.releases is not Release.NONE)
            late = "model.admitted" in judge.admits and (node.dispatches or (node.responds and not node.verdicts))
            if (early or late) and not node.admits:
                yield Edge(judge.name, node.name, "admission first", "", "E_RELEASE_BEFORE_GUARD")


def admission_before_bodies(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """No policy spends anything on a body before its sender is known and admitted."""
    for judge in graph.inside(Phase.REQUEST):
        for node in graph.inside(Phase.REQUEST) if judge.admits & {"principal", "admitted"} else ():
            if not node.admits and any(fact(name).origin is Origin.BODY for name in node.facts_read):
                yield Edge(judge.name, node.name, "admission before bodies", "", "E_BODY_BEFORE_ADMISSION")


def answers_before_charges(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Answers of the gateway itself are not charged."""
    for node in graph.inside(Phase.REQUEST):
        for charge in graph.inside(Phase.REQUEST) if node.responds else ():
            if charge.charges and charge is not node:
                yield Edge(node.name, charge.name, "no charge for what is answered here", "", "E_CHARGE_BEFORE_ANSWER")


def charges_before_upstream(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Nothing is spent at a provider that was not reserved."""
    for charge in graph.inside(Phase.REQUEST):
        for node in graph.inside(Phase.REQUEST) if charge.charges else ():
            if node.dispatches:
                yield Edge(charge.name, node.name, "reserved before it is spent", "", "E_UNCHARGED_RELEASE")


def credentials_after_destination(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """A credential is bound to a destination, so the destination is settled first."""
    for node in graph.writers("wire.auth"):
        for name in _DESTINATION:
            for writer in graph.writers(name):
                if writer is not node:
                    yield Edge(writer.name, node.name, "bound to its destination", name, "E_SECRET_UNBOUND")


def cleared_before_third_party(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Personal facts are cleared before a third party sees them, whatever the clearing stage preserves."""
    for node in graph.nodes.values():
        if node.contract.releases is Release.THIRD_PARTY and not node.contract.releases_raw:
            for read in node.reads:
                personal = fact(read.fact).label is Label.PERSONAL and node.contract.judges is not Judges.RAW
                for writer in graph.writers(read.fact) if personal else ():
                    if writer.contract.clears and writer is not node:
                        yield Edge(writer.name, node.name, "cleared before a third party sees it", read.fact, "E_TAINT")


def output_guards_before_cache(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Only a judged answer is recorded. A guard of what is released cannot precede the recording, only the writing of the entry."""
    for guard in _guards(graph, Phase.RESPONSE):
        target = {"cache.entry"} if guard.contract.judges is Judges.RELEASED else RECORDS
        for node in graph.nodes.values():
            if node.facts_written & target and node is not guard:
                yield Edge(guard.name, node.name, "judged before it is cached", "", "E_CACHE_BEFORE_OUTPUT_GUARD")


def secrets_restored_last(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Facts that a restoring stage preserves are made before it, and so hold no secret; neither does a recording."""
    for restorer in graph.restorers():
        for name in restorer.mutates:
            for node in graph.readers(name):
                keeps = restorer.spares(node, name) or "cache.recording" in node.facts_written
                if node is not restorer and keeps and not node.verdicts:
                    yield Edge(node.name, restorer.name, "before secrets are restored", name, "E_SECRET_SCOPE")


def dispatch_last(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """Every stage of the request phase runs before the dispatch."""
    for dispatch in _dispatches(graph):
        for node in graph.inside(Phase.REQUEST):
            if not node.dispatches:
                yield Edge(node.name, dispatch.name, "dispatch ends the request", "", "E_DISPATCH_NOT_LAST")


def known_after_dispatch(graph: Graph, _: Sequence[Edge]) -> Iterator[Edge]:
    """A stage that needs the response, or its end, comes after it."""
    for dispatch in _dispatches(graph):
        for node in graph.nodes.values():
            if graph.phase(node) is not Phase.REQUEST:
                yield Edge(dispatch.name, node.name, "known after dispatch", "", "E_NOT_YET_KNOWN")


def last_writers(graph: Graph, edges: Sequence[Edge]) -> Iterator[Edge]:
    """`after: *`: behind every other writer of its facts, save those that another rule puts behind it or that say the same."""
    reach = Reach(graph.nodes, edges)
    for node in graph.nodes.values():
        for name in sorted(node.facts_written) if LAST in (*node.contract.after, *node.placement.after) else ():
            for writer in graph.writers(name):
                also_last = LAST in (*writer.contract.after, *writer.placement.after)
                if writer is not node and not also_last and not reach.leads(node.name, writer.name):
                    yield Edge(writer.name, node.name, f"last to write {name}", name, "E_ORDER_DECLARED")


def ties(graph: Graph, edges: Sequence[Edge]) -> Iterator[Edge]:
    """An order by default, wherever no rule, and no tie before it, says the opposite."""
    made: list[Edge] = []
    for node in graph.nodes.values():
        for name in node.placement.ties:
            if name in graph.nodes and not Reach(graph.nodes, [*edges, *made]).leads(node.name, name):
                made.append(Edge(name, node.name, "by default", "", "E_ORDER_DECLARED"))
    yield from made


RULES: tuple[Rule, ...] = (
    read_after_write,
    judged_text,
    declared_order,
    guards_before_answers,
    guards_before_releases,
    admission_first,
    admission_before_bodies,
    answers_before_charges,
    charges_before_upstream,
    credentials_after_destination,
    cleared_before_third_party,
    output_guards_before_cache,
    secrets_restored_last,
    dispatch_last,
    known_after_dispatch,
    last_writers,
    ties,
)


def edges_of(graph: Graph, rules: Sequence[Rule] | None = None) -> tuple[Edge, ...]:
    """Every edge that the rules, in this order, give; sorted."""
    edges: list[Edge] = []
    for rule in RULES if rules is None else rules:
        edges += list(rule(graph, edges))
    return tuple(sorted(set(edges)))


def _judged_before(judge: Node, other: Node, about: str) -> bool | None:
    """Whether a judge comes before a stage that rewrites what it judges; None where only a declared order can say."""
    word, others = judge.contract.judges, other.contract.judges
    mutual = about in judge.mutates
    if other.contract.clears and (word is Judges.RAW or not (mutual and judge.contract.clears)):
        return word is Judges.RAW
    if other.restores:
        return word is not Judges.RELEASED
    if word is not others and (word is Judges.RELEASED or others is not None):
        return _WORDS.index(word) < _WORDS.index(others)
    if other.preserves(judge.verdicts) and not (mutual and other.verdicts and judge.preserves(other.verdicts)):
        return True
    return None if mutual else False


def _guards(graph: Graph, phase: Phase) -> list[Node]:
    return [node for node in graph.inside(phase) if node.verdicts]


def _dispatches(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if node.dispatches]
