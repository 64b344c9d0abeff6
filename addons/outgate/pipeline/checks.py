"""Checks of contracts that hold in any order: run before the stages are ordered."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from inspect import iscoroutinefunction

from outgate.errors import Problem
from outgate.pipeline.contract import Contract, OnError, Release
from outgate.pipeline.facts import Label, Origin, fact
from outgate.pipeline.graph import RECORDS, Graph, Node, Phase, Placement
from outgate.pipeline.steps import outputs_of

type Check = Callable[[Graph], Iterator[Problem]]

KEY_READS = ("prompt", "model", "tools", "params", "principal")
"""Facts that an answer depends on: the least that a cache key must read."""
_KEY_READS_IF_WRITTEN = ("headers.out",)
"""Facts that it depends on besides, in plans that write them."""
_BOUND = {"wire.origination": "E_HOST_SNI", "wire.auth": "E_SECRET_UNBOUND"}


def problem(code: str, message: str, repair: str, *stages: Node | Placement, about: str = "", path: Sequence[str] = ()) -> Problem:
    """A problem of these stages, at the place in the policy where the first of them stands."""
    first = stages[0].placement if isinstance(stages[0], Node) else stages[0]
    file, _, line = first.source.rpartition(":")
    return Problem(
        code=code,
        message=message,
        repair=repair,
        file=file,
        line=int(line) if line.isdecimal() else 0,
        stages=tuple(stage.name for stage in stages),
        fact=about,
        path=tuple(path),
    )


def names_known(placements: Sequence[Placement]) -> tuple[list[Placement], list[Problem]]:
    """The placements with unknown facts and duplicates taken out, so that the other checks can go on, and what was wrong."""
    kept: dict[str, Placement] = {}
    problems: list[Problem] = []
    for placement in sorted(placements, key=lambda p: (p.name, p.source)):
        if placement.name in kept:
            problems.append(problem("E_DUPLICATE_STAGE", f"{placement.name} is placed twice", "remove one", placement))
            continue
        unknown = [name for name in _named(placement.contract) if not _is_known(name)]
        problems += [
            problem(
                "E_UNKNOWN_FACT",
                f"{placement.name} names the fact {name}, which does not exist",
                "correct the name",
                placement,
                about=name,
            )
            for name in unknown
        ]
        kept[placement.name] = placement._replace(contract=_without(placement.contract, unknown)) if unknown else placement
    return list(kept.values()), problems


def produced(graph: Graph) -> Iterator[Problem]:
    """Every fact that a stage must have is given or written."""
    for node in graph.nodes.values():
        for read in node.reads:
            made = any(writer is not node for writer in graph.writers(read.fact))
            if not (read.optional or made or graph.is_given(read.fact)):
                message = f"{node.name} reads {read.fact}, which nothing in this plan gives"
                yield problem(
                    "E_NO_PRODUCER", message, f"add a stage that writes {read.fact}, or remove {node.name}", node, about=read.fact
                )


def outside_written(graph: Graph) -> Iterator[Problem]:
    """Outside facts are written by events, never by a stage."""
    for name in graph.written():
        if fact(name).origin is Origin.OUTSIDE:
            for node in graph.writers(name):
                yield problem(
                    "E_OUTSIDE_WRITTEN", f"{node.name} writes {name}, which only events write", "read it", node, about=name
                )


def late_answer(graph: Graph) -> Iterator[Problem]:
    """The answer has left when the response phase ends: no later stage may judge or rewrite it."""
    for node in graph.nodes.values():
        if graph.phase(node) <= Phase.RESPONSE:
            continue
        late = [name for name in sorted(node.facts_written) if fact(name).origin is Origin.RESPONSE or name in node.verdicts]
        for name in late:
            message = f"{node.name} writes {name} when the answer has left"
            repair = "read only facts that are known before the end of the answer"
            yield problem("E_RELEASE_BEFORE_GUARD", message, repair, node, about=name)


def judging_declared(graph: Graph) -> Iterator[Problem]:
    """A stage with a verdict says which text it is about; a stage without one judges nothing."""
    for node in graph.nodes.values():
        said = node.contract.judges
        if node.verdicts and said is None:
            message = f"{node.name} writes {min(node.verdicts)} and does not say which text it judges"
            repair = "declare `judges`: raw (before personal data is replaced), clean (after), or released (as it leaves)"
            yield problem("E_JUDGES", message, repair, node, about=min(node.verdicts))
        elif said is not None and not node.verdicts:
            yield problem("E_JUDGES", f"{node.name} judges {said} text and writes no verdict", "let it write a `verdict.*`", node)


def cache_key(graph: Graph) -> Iterator[Problem]:
    """A cache key is made of everything an answer depends on."""
    for node in graph.writers("cache.key"):
        for name in (*KEY_READS, *filter(graph.writers, _KEY_READS_IF_WRITTEN)):
            if name not in node.facts_read:
                message = f"{node.name} makes the cache key without {name}: different requests would share an answer"
                yield problem("E_CACHE_KEY_INCOMPLETE", message, f"let {node.name} read {name}", node, about=name)


def bound_to_backend(graph: Graph) -> Iterator[Problem]:
    """Host, server name, TLS and credential come from one backend, whatever the client says."""
    for name, code in _BOUND.items():
        for node in graph.writers(name):
            if "backend" not in node.facts_read:
                yield problem(
                    code, f"{node.name} writes {name} without reading backend", f"let {node.name} read backend", node, about=name
                )
    for node in graph.nodes.values():
        if node.dispatches and "wire.origination" not in node.facts_read:
            message = f"{node.name} dials without reading wire.origination: by which names, the plan cannot tell"
            yield problem("E_HOST_SNI", message, f"let {node.name} read wire.origination", node, about="wire.origination")


def secret_scope(graph: Graph) -> Iterator[Problem]:
    """A secret goes to the provider as `wire.auth` and nowhere else."""
    for node in graph.nodes.values():
        for name in sorted(node.facts_read):
            if fact(name).label is not Label.SECRET:
                continue
            where = _leaves_to(node, name)
            if where:
                message = f"{node.name} reads the secret {name} and hands what it reads to {where}"
                yield problem(
                    "E_SECRET_SCOPE", message, f"split {node.name}, so that what releases does not read {name}", node, about=name
                )


def fallbacks(graph: Graph) -> Iterator[Problem]:
    """A fallback has a value for every fact."""
    for node in graph.nodes.values():
        contract = node.contract
        if contract.on_error is OnError.FALLBACK and len(contract.fallback) != len(outputs_of(node)):
            message = f"{node.name} declares {len(contract.fallback)} fallback values for {len(outputs_of(node))} facts"
            yield problem("E_FALLBACK_ARITY", message, "give one value for each fact it writes", node)


def admission_closed(graph: Graph) -> Iterator[Problem]:
    """Nobody is admitted by a failure."""
    for node in graph.nodes.values():
        for name in sorted(node.admits) if node.contract.on_error is not OnError.DENY else ():
            message = f"{node.name} would let requests pass without {name} when it fails"
            yield problem("E_OPEN_REQUIRED", message, "set its on_error to deny", node, about=name)


def warnings(graph: Graph) -> Iterator[Problem]:
    """Warnings: allowed, and worth knowing."""
    for node in graph.nodes.values():
        contract, name = node.contract, node.name
        if node.verdicts and contract.on_error is not OnError.DENY:
            yield problem("W_FAIL_OPEN", f"requests pass {name} when it fails", "set its on_error to deny", node)
        if contract.releases_raw:
            message = f"{name} hands a third party what nothing has cleared of personal data"
            yield problem("W_RAW_RELEASE", message, "set its `raw` to false, and add redact", node)
        if "model" in node.facts_written and contract.on_error is OnError.FALLBACK:
            yield problem(
                "W_DEFAULT_MODEL",
                f"when {name} fails, its fallback model is called",
                "set its on_error to deny",
                node,
                about="model",
            )
        unnamed = any(read.fact == "model" and read.optional for read in node.reads) and not graph.writers("model")
        if unnamed and graph.phase(node) is Phase.REQUEST:
            message = f"{name} reads model, which nothing writes: whatever the provider takes by default is used"
            yield problem("W_DEFAULT_MODEL", message, "add a stage that writes model", node, about="model")
        if node.charges and graph.phase(node) is Phase.REQUEST and "params" not in node.facts_read:
            yield problem(
                "W_UNBOUNDED_HOLD",
                f"{name} reserves without the bound of the output",
                f"let {name} read params",
                node,
                about="params",
            )
        if iscoroutinefunction(node.placement.run) and contract.limit is None and not node.dispatches:
            yield problem("W_NO_LIMIT", f"{name} waits without a time limit", "declare a limit", node)
        yield from _held_whole(node)
        for other in node.placement.after:
            if other not in graph.nodes and other != "*":
                yield problem("W_AFTER_UNKNOWN", f"{name} is put after {other}, which is not in this plan", "remove it", node)


def _held_whole(node: Node) -> Iterator[Problem]:
    held = node.contract.holds
    if held is not None and held.whole:
        message = f"{node.name} holds {held.what} up to the end of a stream: nothing leaves before, at most {held.most:,} bytes"
        yield problem("W_BUFFERS_STREAM", message, "judge within a window where the stage can, or accept the wait", node)


CHECKS: tuple[Check, ...] = (
    produced,
    outside_written,
    late_answer,
    judging_declared,
    cache_key,
    bound_to_backend,
    secret_scope,
    fallbacks,
    admission_closed,
)


def _leaves_to(node: Node, name: str) -> str:
    if node.facts_written & RECORDS or "cache.key" in node.facts_written:
        return "the cache"
    releases = node.contract.releases
    return "" if releases is Release.NONE or (releases is Release.UPSTREAM and name == "wire.auth") else f"{releases}"


def _named(contract: Contract) -> list[str]:
    names = {*contract.reads, *contract.writes, *contract.outside, *contract.optional}
    names |= {name for name in contract.preserves if not name.endswith("*")}
    return sorted(names)


def _is_known(name: str) -> bool:
    try:
        fact(name)
    except KeyError:
        return False
    return True


def _without(contract: Contract, unknown: Sequence[str]) -> Contract:
    def known(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in unknown)

    return replace(
        contract,
        reads=known(contract.reads),
        writes=known(contract.writes),
        outside=known(contract.outside),
        optional=known(contract.optional),
        preserves=known(contract.preserves),
    )
