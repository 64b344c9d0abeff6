"""Proof obligations of an ordered plan: what holds at every release, on every path to it.

Paths are: the straight one; an answer by a stage, which skips the rest of the request; a denial anywhere, which skips all but the
closing stages; the failure of a stage that fails open; and another attempt, which runs the same order again, so that what holds
on the straight path holds on it.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from outgate.errors import Problem
from outgate.pipeline.checks import problem
from outgate.pipeline.contract import Judges, OnError, Release
from outgate.pipeline.facts import Label, fact
from outgate.pipeline.graph import RECORDS, Graph, Node, Phase, Reach
from outgate.pipeline.plan import Edge
from outgate.pipeline.versions import UNSET, Version, Versions

type Obligation = Callable[[Graph, Versions], Iterator[Problem]]

_ANSWER = "r.stream"


def ambiguous_writers(graph: Graph, edges: Sequence[Edge]) -> Iterator[Problem]:
    """Two writers of one fact that nothing orders: which of them has the last word must not depend on chance."""
    reach = Reach(graph.nodes, edges)
    for name in graph.written():
        for one, other in combinations(graph.writers(name), 2):
            if not reach.ordered(one.name, other.name) and graph.phase(one) is graph.phase(other):
                message = f"{one.name} and {other.name} both write {name}, and nothing says which is first"
                repair = f"declare `after` on {one.name} or {other.name}"
                yield problem("E_WAW_AMBIGUOUS", message, repair, one, other, about=name, path=(one.name, other.name))


def behind_the_pass(graph: Graph, edges: Sequence[Edge]) -> Iterator[Problem]:
    """Stages that open a judge come last in the response phase: no other stage of it may have to follow one."""
    for edge in edges:
        judge, other = graph.nodes[edge.before], graph.nodes[edge.after]
        if judge.placement.streams and not other.placement.streams and graph.phase(other) is Phase.RESPONSE:
            message = f"{other.name} follows {judge.name} ({edge.reason}), and runs before the pass in which the answer is judged"
            repair = f"make {other.name} a StreamStage, or let it run before {judge.name}"
            yield problem("E_TWO_PASSES", message, repair, other, judge, about=edge.fact, path=(judge.name, other.name))


def verdicts_at_releases(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """At the provider, at a third party and at an answer, every verdict is about what leaves."""
    for sink in graph.nodes.values():
        if sink.decides or not (sink.responds or sink.contract.releases in (Release.UPSTREAM, Release.THIRD_PARTY)):
            continue
        leaving, sources = versions.content(sink), graph.sources(sink)
        for guard in graph.inside(graph.phase(sink)):
            covered = sink.dispatches or sink.responds or guard.facts_read & sources
            if guard.decides and covered and versions.position[guard.name] < versions.position[sink.name]:
                yield from _stale_verdicts(versions, guard, leaving, versions.position[sink.name], sink.name)


def verdicts_at_the_client(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """At the end of the response phase, every output verdict is about the answer as it stands then."""
    end = sum(phase <= Phase.RESPONSE for phase in graph.phases.values())
    leaving = versions.carried([versions.final(_ANSWER)])
    for guard in graph.inside(Phase.RESPONSE):
        if guard.verdicts:
            yield from _stale_verdicts(versions, guard, leaving, end, "the client")


def judged_as_declared(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """No judge reads a fact derived from another text than it declares."""
    for judge in graph.nodes.values():
        for version in sorted(versions.content(judge)) if judge.verdicts else ():
            chain, number = versions.chain(version.fact), max(version.number, 0)
            raw = judge.contract.judges is Judges.RAW
            wrong = [w for w in (chain[:number] if raw else chain[number:]) if w.contract.clears and w is not judge]
            if wrong:
                message = f"{judge.name} judges {version.fact} {'after' if raw else 'before'} {wrong[0].name} clears it"
                repair = f"let {judge.name} read {version.fact} itself, or declare judges: {'clean' if raw else 'raw'}"
                yield problem(
                    "E_JUDGED_TEXT", message, repair, judge, wrong[0], about=version.fact, path=(judge.name, wrong[0].name)
                )


def repeated_text(graph: Graph, _: Versions) -> Iterator[Problem]:
    """A judge of clean text reads no fact that repeats a cleared one as it came."""
    for judge in graph.nodes.values():
        for name in sorted(judge.facts_read) if judge.verdicts and judge.contract.judges is Judges.CLEAN else ():
            whole = fact(name).repeats
            clearing = [writer for writer in graph.writers(whole) if writer.contract.clears] if whole else []
            if clearing and not graph.writers(name):
                message = f"{judge.name} judges {name}, which {clearing[0].name} does not clear: it repeats {whole} as it came"
                repair = f"let {judge.name} read {whole}, or declare judges: raw"
                yield problem("E_JUDGED_TEXT", message, repair, judge, clearing[0], about=name, path=(judge.name, clearing[0].name))


def recorded_without_secrets(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """A cached answer holds no secret: it is recorded before secrets are restored."""
    for node in graph.nodes.values():
        for read in node.reads if node.facts_written & RECORDS else ():
            version = versions.read(node, read)
            if version.number != UNSET and versions.holds_secret(version):
                message = f"{node.name} records {read.fact} with secrets restored into it"
                yield problem(
                    "E_SECRET_SCOPE", message, f"record before {versions.chain(read.fact)[-1].name}", node, about=read.fact
                )


def taint(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """Nothing personal reaches a third party unless the policy says so, and no release goes around a stage that clears it."""
    for node in graph.nodes.values():
        if node.contract.releases is Release.THIRD_PARTY and not node.contract.releases_raw:
            for read in node.reads:
                version = versions.read(node, read)
                if versions.tainted(version):
                    message = f"{node.name} hands {read.fact} to a third party while it may hold something personal"
                    repair = f"clear {read.fact} first (redact), and let {node.name} read the final version"
                    yield problem("E_TAINT", message, repair, node, about=read.fact)
        if node.dispatches:
            yield from _around_clearing(versions, node)


def unset_on_failure(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """A stage that fails open leaves its facts unset; no other stage may require one of them."""
    for node in graph.nodes.values():
        for name in sorted(node.facts_written) if node.contract.on_error is OnError.OPEN else ():
            made = versions.written(node, name)
            for reader in graph.readers(name):
                needs = [read for read in reader.reads if read.fact == name and not read.optional]
                if reader is not node and any(versions.read(reader, read) == made for read in needs):
                    message = f"when {node.name} fails open, {name} is unset, and {reader.name} requires it"
                    repair = f"set on_error of {node.name} to deny or fallback, or let {reader.name} read {name} as optional"
                    yield problem("E_OPEN_REQUIRED", message, repair, node, reader, about=name, path=(node.name, reader.name))


def unset_on_exit(graph: Graph, versions: Versions) -> Iterator[Problem]:
    """A stage after the request runs on early endings too: what a skipped stage would have written is optional to it."""
    answering = [node for node in graph.inside(Phase.REQUEST) if node.responds]
    for reader in graph.nodes.values():
        for read in reader.reads if graph.phase(reader) is not Phase.REQUEST else ():
            writer = versions.writer(versions.read(reader, read))
            if writer is None or read.optional or writer.dispatches:
                continue
            exits = _exits_before(graph, versions, answering, writer, reader)
            if exits:
                message = f"{reader.name} requires {read.fact}, which is unset when {exits}"
                repair = f"let {reader.name} read {read.fact} as optional"
                yield problem("E_UNSET_ON_EXIT", message, repair, reader, writer, about=read.fact, path=(writer.name, reader.name))


OBLIGATIONS: tuple[Obligation, ...] = (
    verdicts_at_releases,
    verdicts_at_the_client,
    judged_as_declared,
    repeated_text,
    recorded_without_secrets,
    taint,
    unset_on_failure,
    unset_on_exit,
)


def _stale_verdicts(versions: Versions, guard: Node, leaving: frozenset[Version], end: int, where: str) -> Iterator[Problem]:
    made = guard.verdicts | guard.admits
    for read in guard.reads:
        judged = versions.read(guard, read)
        released = [version for version in leaving if version.fact == read.fact]
        older = [version for version in released if version.number < judged.number]
        spoilers = [w for w in versions.between(judged, end) if w is not guard and not w.preserves(made)]
        if older or spoilers:
            why = f"{spoilers[0].name} rewrites it before it reaches" if spoilers else "an older version goes to"
            message = f"{guard.name} judged {read.fact}; {why} {where}"
            repair = (
                f"let {guard.name} read the final {read.fact}, or, where the rewrite changes nothing that it looks for, "
                f'declare `preserves=("{min(made)}",)` in the rewriting stage'
            )
            path = (guard.name, *(spoiler.name for spoiler in spoilers), where)
            yield problem("E_STALE_VERDICT", message, repair, guard, *spoilers[:1], about=read.fact, path=path)


def _around_clearing(versions: Versions, node: Node) -> Iterator[Problem]:
    for version in sorted(versions.content(node)):
        clearing = [w for w in versions.chain(version.fact)[max(version.number, 0) :] if w.contract.clears]
        if clearing and fact(version.fact).label is Label.PERSONAL:
            message = f"{node.name} sends {version.fact} as it was before {clearing[0].name} cleared it"
            repair = f"let what becomes part of the request read the final {version.fact}"
            yield problem("E_TAINT", message, repair, node, clearing[0], about=version.fact, path=(clearing[0].name, node.name))


def _exits_before(graph: Graph, versions: Versions, answering: Sequence[Node], writer: Node, reader: Node) -> str:
    """An early ending that skips `writer` and still runs `reader`; empty where there is none."""
    if graph.phase(reader) > Phase.RESPONSE:
        return "" if graph.phase(writer) > Phase.RESPONSE else "the exchange is denied"
    if graph.phase(writer) is not Phase.REQUEST:
        return ""
    skips = [node.name for node in answering if versions.position[node.name] < versions.position[writer.name]]
    return f"{skips[0]} answers" if skips else ""
