"""Assign a slot to every version of every fact, and bind each stage to its slots as an executable step."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from inspect import iscoroutinefunction
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from outgate.errors import Denial, told_by
from outgate.inference.verdict import FAILED
from outgate.pipeline.contract import OnError
from outgate.pipeline.facts import VERDICTS, Origin, fact, field_of
from outgate.pipeline.graph import Graph, Node
from outgate.pipeline.plan import Step
from outgate.pipeline.versions import UNSET, Version, Versions

_ALWAYS_NONE = 0
"""The slot of every read that nothing writes."""


class Slots:
    """Slot numbers of one plan."""

    def __init__(self, graph: Graph, versions: Versions, order: Sequence[str]) -> None:
        self._versions = versions
        self._of: dict[Version, int] = {}
        nodes = [graph.nodes[name] for name in order]
        names = {name for node in nodes for name in node.facts_read | node.facts_written}
        given = [Version(name, 0) for name in sorted(names) if graph.is_given(name)]
        made = [versions.written(node, name) for node in nodes for name in node.contract.writes]
        self.size = _ALWAYS_NONE + 1
        for version in (*given, *made):
            slot = self._of[version] = self._passed_on(version) or self.size
            self.size = max(self.size, slot + 1)
        self.first = {v.fact: self._of[v] for v in sorted(self._of, key=lambda v: (v.fact, -v.number))}
        self.final = {v.fact: self._of[v] for v in sorted(self._of)}

    def _passed_on(self, version: Version) -> int | None:
        """The slot of the answer that a judge passes on: that of the one it reads."""
        writer = self._versions.writer(version)
        if writer is None or version.fact in outputs_of(writer):
            return None
        return self._of.get(version._replace(number=version.number - 1))

    def read_by(self, node: Node) -> dict[str, int]:
        """Field of the view → slot, in the order in which facts were declared."""
        fields: dict[str, int] = {}
        for read in node.reads:
            version = self._versions.read(node, read)
            fields[field_of(read.fact)] = _ALWAYS_NONE if version.number == UNSET else self._of[version]
        return fields

    def written_by(self, node: Node) -> tuple[int, ...]:
        return tuple(self._of[self._versions.written(node, name)] for name in outputs_of(node))

    def step(self, node: Node) -> Step:
        fields = self.read_by(node)
        family = {name.removeprefix("verdict."): fields.pop(field_of(name)) for name in node.family_read}
        reads_family = VERDICTS in node.contract.reads
        view = _view(node, (*fields, *([field_of(VERDICTS)] if reads_family else ())))
        names: tuple[str, ...] = vars(view)["_fields"]
        return Step(
            name=node.name,
            run=node.placement.run,
            view=view,
            get=_with_verdicts(fields, names, family) if reads_family else _getter([fields[name] for name in names]),
            out=self.written_by(node),
            waits=iscoroutinefunction(node.placement.run),
            limit=node.contract.limit,
            on_error=_failure(node),
        )

    def live(self, late: Iterable[Node]) -> frozenset[int]:
        """Slots that stages after the head of the answer still read or write, and those of the answer itself."""
        kept = {slot for node in late for slot in (*self.read_by(node).values(), *self.written_by(node))}
        kept |= {slot for version, slot in self._of.items() if fact(version.fact).origin >= Origin.RESPONSE}
        return frozenset(kept)


def outputs_of(node: Node) -> tuple[str, ...]:
    """Facts that a stage gives. A judge passes the answer on, and gives none of its own."""
    return tuple(name for name in node.contract.writes if not (node.placement.streams and name in node.mutates))


def _view(node: Node, fields: Iterable[str]) -> type[tuple[Any, ...]]:
    """The stage's own view type where it shows just what the contract reads, else one made for it."""
    view = node.contract.view
    if view is not None and set(getattr(view, "_fields", ())) == set(fields):
        return view
    return namedtuple("Facts", list(fields))  # noqa: PYI024 (the fields are known only here)


def _getter(slots: Sequence[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    if not slots:
        return lambda _: ()
    if len(slots) == 1:
        only = slots[0]
        return lambda values: (values[only],)
    return itemgetter(*slots)


def _with_verdicts(
    fields: Mapping[str, int], names: Sequence[str], family: Mapping[str, int]
) -> Callable[[list[Any]], tuple[Any, ...]]:
    """A getter that shows the verdicts which were written as one mapping, at the place of their field."""
    at = names.index(field_of(VERDICTS))
    before, after = _getter([fields[name] for name in names[:at]]), _getter([fields[name] for name in names[at + 1 :]])
    slots = tuple(family.items())

    def get(values: list[Any]) -> tuple[Any, ...]:
        verdicts = MappingProxyType({guard: values[slot] for guard, slot in slots if values[slot] is not None})
        return (*before(values), verdicts, *after(values))

    return get


def _failure(node: Node) -> Callable[[BaseException], Any]:
    """The result of a failed run: unset facts, the declared fallback, or a denial that names the stage and nothing else.

    The verdict of a guard that failed says so, whether the request goes on or not.
    """
    contract = node.contract
    unset = tuple(FAILED if fact in node.verdicts else None for fact in outputs_of(node))
    if contract.on_error is OnError.OPEN:
        return lambda error: _reasoned(unset, told_by(error))
    if contract.on_error is OnError.FALLBACK:
        return lambda _: contract.fallback
    name, told = node.name, unset if node.verdicts else ()
    failed = Denial(code="stage_failed", status=503, message=f"The stage {name} failed.", stage=name, outputs=told)
    late = Denial(code="stage_timeout", status=503, message=f"The stage {name} ran out of time.", stage=name, outputs=told)

    def denied(error: BaseException) -> Denial:
        denial, reason = late if isinstance(error, TimeoutError) else failed, told_by(error)
        return replace(denial, cause=reason, outputs=_reasoned(told, reason)) if reason else denial

    return denied


def _reasoned(outputs: tuple[Any, ...], reason: str) -> tuple[Any, ...]:
    """These outputs, the verdicts of them with the reason of a failure."""
    return tuple(replace(each, reason=reason) if each is FAILED else each for each in outputs) if reason else outputs
