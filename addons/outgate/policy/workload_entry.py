"""Edit the entry of one workload in the text of a policy, by ruamel's round trip.

Only the lines of that entry are read and written again, in the indentation that they have; where `workloads` is a flow mapping,
its lines. Every edit is read back: the policy must say what it said before, with that one change, or it is an EditError.
"""

import io
from collections.abc import Callable
from typing import Any, NamedTuple, TypeIs

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from outgate.errors import PolicyError
from outgate.policy.source import parse_source

_SECTION, _DIGESTS = "workloads", "token_hashes"
_STEP = 2
"""Columns by which a policy is indented where nothing in it says otherwise."""

type Change = Callable[[Any], object]
"""Changes a mapping of workloads, plain or ruamel's."""


class EditError(ValueError):
    """The text is written in a way that leaves no place for the change."""


def with_workload(text: str, name: str, section: dict[str, str | list[str]]) -> str:
    """The policy with one workload more, the last. Raises EditError."""
    written = CommentedMap({key: _written(value) for key, value in section.items()})
    return _edited(text, name, lambda workloads: workloads.update({name: written}))


def with_first_digest(text: str, name: str, digest: str, keep: int = 0) -> str:
    """The policy with this digest before the first `keep` old ones of the workload, and no others. Raises EditError."""

    def change(workloads: Any) -> None:
        section = workloads[name] = workloads[name] or CommentedMap()
        if section.get(_DIGESTS):
            _replace(section[_DIGESTS], DoubleQuotedScalarString(digest), keep)
        else:
            section[_DIGESTS] = _written([digest])

    return _edited(text, name, change)


def without_digests(text: str, name: str) -> str:
    """The policy with no digest of a token of this workload. Raises EditError."""
    return _edited(text, name, lambda workloads: (workloads[name] or {}).pop(_DIGESTS, None))


def without_workload(text: str, name: str) -> str:
    """The policy without one workload; the comments around its lines stay. Raises EditError."""
    return _edited(text, name, lambda workloads: workloads.pop(name))


def _written(value: str | list[str]) -> Any:
    if isinstance(value, str):
        return value
    items = CommentedSeq(DoubleQuotedScalarString(each) if ":" in each else each for each in value)
    items.fa.set_flow_style()
    return items


def _replace(digests: list[str], digest: str, keep: int) -> None:
    """A digest that goes takes the comment beside it along; comment lines behind the list stay."""
    comments: dict[int, Any] = digests.ca.items if isinstance(digests, CommentedSeq) else {}
    last: Any = comments.get(len(digests) - 1, [None])[0]
    digests.insert(0, digest)
    if len(digests) <= keep + 1:
        return
    del digests[keep + 1 :]
    behind = last.value.partition("\n")[2] if last is not None else ""
    if behind:
        kept = comments.setdefault(keep, [last, None, None, None])[0]
        beside = "" if kept is last else kept.value.rstrip()
        kept.value = f"{beside}\n{behind}"


def _edited(text: str, name: str, change: Change) -> str:
    """The text with the change. Raises EditError."""
    expected: Any = parse_source(text, "").data
    workloads = (expected.get(_SECTION) or {}) if isinstance(expected, dict) else None
    if not isinstance(workloads, dict):
        raise EditError(f"there is no mapping of {_SECTION}")
    change(workloads)
    expected[_SECTION] = workloads
    try:
        written = _rewritten(text, name, change)
        if parse_source(written, "").data == expected:
            return written
    except (YAMLError, PolicyError):
        pass
    raise EditError("the change has no place in the text as it is written")


def _rewritten(text: str, name: str, change: Change) -> str:
    lines = text.splitlines(keepends=True)
    root = YAML(typ="safe", pure=True).compose(text)
    section = _members(lines, root, len(lines)).get(_SECTION, _Member(None, len(lines), len(lines)))
    entries = _members(lines, section.value, section.stop)
    if not entries:  # absent, empty, or a flow mapping
        fragment = _loaded(lines, section, _Indent.of(root))
        fragment[_SECTION] = fragment.get(_SECTION) or CommentedMap()
        change(fragment[_SECTION])
        return _spliced(lines, section, fragment, _Indent.of(root))
    end = max(each.stop for each in entries.values())
    entry, layout = entries.get(name, _Member(None, end, end)), _Indent.of(section.value, entries.get(name))
    fragment = _loaded(lines, entry, layout)
    change(fragment)
    if not fragment and len(entries) == 1:
        lines[section.start] = lines[section.start].replace(":", ": {}", 1)
    return _spliced(lines, entry, fragment, layout)


class _Member(NamedTuple):
    """A member of a block mapping: its value, and the lines from its key to its last character."""

    value: Node | None
    start: int
    stop: int


def _members(lines: list[str], mapping: Node | None, stop: int) -> dict[str, _Member]:
    """Those of a block mapping that ends before the line `stop`; none of another node. Comments behind a member stay out of it."""
    found: dict[str, _Member] = {}
    if not isinstance(mapping, MappingNode) or mapping.flow_style:
        return found
    for key, value in reversed(mapping.value):
        start, end = key.start_mark.line, stop
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1
        found[key.value], stop = _Member(value, start, end), start
    return found


class _Indent(NamedTuple):
    """How a mapping is indented: the column of its keys, the step to those of a member, and the step to the dashes of a list."""

    column: int = 0
    step: int = _STEP
    dash: int = _STEP

    @classmethod
    def of(cls, mapping: Node | None, member: _Member | None = None) -> "_Indent":
        if not isinstance(mapping, MappingNode) or not mapping.value:
            return cls()
        column = mapping.value[0][0].start_mark.column
        steps = (value.value[0][0].start_mark.column - column for _, value in mapping.value if _is_block(value, MappingNode))
        fields = member.value.value if member is not None and _is_block(member.value, MappingNode) else ()
        dashes = (value.start_mark.column - key.start_mark.column for key, value in fields if _is_block(value, SequenceNode))
        return cls(column, next(steps, _STEP), next(dashes, _STEP))


def _is_block[N: CollectionNode](node: Node | None, kind: type[N]) -> TypeIs[N]:
    return isinstance(node, kind) and bool(node.value) and not node.flow_style


def _loaded(lines: list[str], member: _Member, layout: _Indent) -> Any:
    written = lines[member.start : member.stop]
    if isinstance(member.value, CollectionNode) and member.value.flow_style and any("#" in line for line in written[:-1]):
        raise YAMLError("the round trip loses comments inside of a flow mapping")
    text = "".join(line.removeprefix(" " * layout.column) for line in written)
    return _round_trip(layout).load(text.replace("\r\n", "\n")) or CommentedMap()


def _spliced(lines: list[str], member: _Member, fragment: CommentedMap, layout: _Indent) -> str:
    """The lines with those of the member written anew."""
    out = io.StringIO()
    if fragment:
        _round_trip(layout).dump(fragment, out)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    written = [f"{' ' * layout.column}{line}{ending}" for line in out.getvalue().splitlines()]
    before = lines[: member.start]
    if before and not before[-1].endswith("\n"):
        before[-1] += ending
    return "".join([*before, *written, *lines[member.stop :]])


def _round_trip(layout: _Indent) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    yaml.indent(mapping=layout.step, sequence=layout.dash + 2, offset=layout.dash)
    return yaml
