"""Explain a plan as text and as data: the order, the reason for it, what runs again on which failure; and fingerprint it."""

from collections.abc import Iterator, Sequence
from enum import Enum
from hashlib import sha256
from typing import Any

from outgate.pipeline.contract import Contract, Effect, May, OnError, Release
from outgate.pipeline.graph import Graph
from outgate.pipeline.parallel import groups
from outgate.pipeline.plan import Edge, Plan, Step
from outgate.pipeline.stage import Stage

_PHASES = ("request", "response", "streams", "close", "after")
_PLAIN = (str, int, float, bool, bytes, type(None))
_UNSAID = ("E_DISPATCH_NOT_LAST", "E_NOT_YET_KNOWN")


def explain(plan: Plan, *, reruns: bool = True) -> str:
    """Lines of text, without colours; `reruns`: with what runs again on which failure."""
    lines = [f"plan {plan.hash[:12]}" + (f" of revision {plan.revision}" if plan.revision else "")]
    number = 0
    for phase in _PHASES:
        steps: tuple[Step, ...] = getattr(plan, phase)
        if steps:
            lines += ["", phase]
        for step in steps:
            number += 1
            lines += _stage_lines(number, step.name, plan)
    for name, told in decisions(plan).items():
        lines += [
            "",
            f"decided by {name}",
            *(f"  {line}" for line in told),
            f"  depends on it: {', '.join(dependents(plan, name))}",
        ]
    lines += ["", *explain_reruns(plan)] if reruns else []
    together = groups(plan.beside)
    if together:
        lines += ["", "wait side by side", *(f"  {' | '.join(group)}" for group in together)]
    if plan.warnings:
        lines += ["", "warnings", *(f"  {line}" for warning in plan.warnings for line in str(warning).splitlines())]
    return "\n".join(lines) + "\n"


def explain_reruns(plan: Plan) -> list[str]:
    """What runs again on which failure."""
    return ["runs again on failure", *_rerun_lines(plan)]


def explain_json(plan: Plan) -> dict[str, Any]:
    """The same as JSON-able values, with every edge."""
    return {
        "hash": plan.hash,
        "revision": plan.revision,
        "order": {phase: [_stage(step.name, plan) for step in getattr(plan, phase)] for phase in _PHASES},
        "edges": [edge._asdict() for edge in plan.edges],
        "decisions": {name: {"told": list(told), "dependents": dependents(plan, name)} for name, told in decisions(plan).items()},
        "reruns": {event: [{"stage": name, "why": why} for name, why in found] for event, found in plan.reruns.items()},
        "parallel": [list(group) for group in groups(plan.beside)],
        "warnings": [
            {"code": w.code, "message": w.message, "repair": w.repair, "stages": list(w.stages), "fact": w.fact}
            for w in plan.warnings
        ],
    }


def decisions(plan: Plan) -> dict[str, tuple[str, ...]]:
    """What the settings of stages decide, by stage, in plan order."""
    owners = ((step.name, getattr(step.run, "__self__", None)) for step in plan.request)
    told = ((name, owner.explained()) for name, owner in owners if isinstance(owner, Stage))
    return {name: lines for name, lines in told if lines}


def dependents(plan: Plan, name: str) -> list[str]:
    """The stages that read what a stage writes, and what is made from that, in plan order."""
    changed, found = set(plan.contracts[name].writes), []
    for other in plan.order[plan.order.index(name) + 1 :]:
        contract = plan.contracts[other]
        if not changed.isdisjoint(contract.reads):
            found.append(other)
            changed.update(contract.writes)
    return found


def _stage(name: str, plan: Plan) -> dict[str, Any]:
    contract = plan.contracts[name]
    return {
        "stage": name,
        "reads": list(contract.reads),
        "outside": list(contract.outside),
        "writes": list(contract.writes),
        "may": [may.name.lower() for may in May if may in contract.may and may.name],
        "judges": contract.judges and contract.judges.value,
        "releases": contract.releases.value,
        "releases_raw": contract.releases_raw,
        "effect": contract.effect.value,
        "on_error": contract.on_error.value,
        "cost_ms": contract.cost,
        "passes": contract.passes,
        "holds": contract.holds and contract.holds._asdict(),
    }


def _stage_lines(number: int, name: str, plan: Plan) -> Iterator[str]:
    contract = plan.contracts[name]
    reads = ", ".join((*contract.reads, *(f"~{fact}" for fact in contract.outside))) or "nothing"
    yield f"{number:3} {name}: {reads} → {', '.join(contract.writes) or 'nothing'}{_traits(contract)}"
    yield from (f"      after {names}: {why}" for names, why in _reasons(plan, name))


def _reasons(plan: Plan, name: str) -> list[tuple[str, str]]:
    """Stages before this one, with reasons: facts grouped by writer, rules by reason.

    That everything precedes the dispatch, or follows it, goes without saying.
    """
    read: dict[str, list[str]] = {}
    ruled: dict[str, list[str]] = {}
    for edge in plan.edges:
        if edge.after == name and edge.reason == f"reads {edge.fact}":
            read.setdefault(edge.before, []).append(edge.fact)
        elif edge.after == name and edge.code not in _UNSAID:
            ruled.setdefault(edge.reason, []).append(edge.before)
    facts = [(before, f"reads {', '.join(sorted(set(names)))}") for before, names in read.items()]
    return [*facts, *((", ".join(sorted(set(names))), reason) for reason, names in sorted(ruled.items()))]


def _traits(contract: Contract) -> str:
    traits = [f"may {may.name.lower()}" for may in May if may in contract.may and may.name]
    traits += [f"judges {contract.judges}"] if contract.judges is not None else []
    cleared = ", as it came" if contract.releases_raw else ""
    traits += [f"releases to {contract.releases}{cleared}"] if contract.releases is not Release.NONE else []
    traits += ["charges"] if contract.effect is Effect.CHARGE else []
    held = contract.holds
    traits += [f"holds {held.what}, at most {held.most:,} characters"] if held is not None else []
    traits += [f"fails {contract.on_error}"] if contract.on_error is not OnError.DENY else []
    return f" ({', '.join(traits)})" if traits else ""


def _rerun_lines(plan: Plan) -> Iterator[str]:
    alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for event, found in plan.reruns.items():
        alike.setdefault(found, []).append(event)
    for found, events in alike.items():
        yield f"  {', '.join(events)}: {', '.join(name for name, _ in found) or 'nothing'}"
        yield from (f"      {name}: {why}" for name, why in found)


def plan_hash(graph: Graph, edges: Sequence[Edge], order: Sequence[str]) -> str:
    """SHA-256 of stages, contracts, edges and order, hexadecimal; the same in every process.

    The revision and the places of stages in a file are no part of it.
    """
    stages = [(name, _contract(node.contract), sorted(node.placement.after)) for name, node in graph.nodes.items()]
    given = (sorted(origin.name for origin in graph.origins), sorted(graph.known))
    lines = repr((stages, [tuple(edge) for edge in edges], list(order), given))
    return sha256(lines.encode()).hexdigest()


def _contract(contract: Contract) -> list[Any]:
    return [
        *(list(names) for names in (contract.reads, contract.writes, contract.outside, contract.preserves, contract.after)),
        sorted(contract.optional),
        contract.may.value,
        *(_plain(value) for value in (contract.releases, contract.effect, contract.on_error, contract.judges)),
        *(contract.limit, contract.clears, contract.releases_raw, contract.cost, contract.passes),
        [_plain(value) for value in contract.fallback],
    ]


def _plain(value: Any) -> Any:
    """A value whose repr is the same in every process; of anything else only its type."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, _PLAIN) else type(value).__qualname__
