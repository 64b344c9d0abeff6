"""Change one thing in the text of a policy and no other byte: comments, order, quotes and indents are the operator's.

What is added takes the style around it, block or flow. Every edit is read again: it must say what the text said before, with that
one change, or it is an EditError.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outgate.errors import PolicyError
from outgate.policy.source import parse_source

_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[a-z][a-z0-9._-]*", re.IGNORECASE)
_STEP = 2
"""Columns by which a policy is indented where nothing in it says otherwise."""

type Way = tuple[str, ...]
type Value = str | list[str] | dict[str, Value]


class EditError(ValueError):
    """The text is written in a way that leaves no place for the change."""


def with_member(text: str, way: Way, name: str, value: Value) -> str:
    """`name: value` as the last member of the mapping at `way`, which is made where it is absent or empty. Raises EditError."""
    expected, mapping = _data(text, way)
    mapping[name] = value
    return _proved(_added(text, _Mapping.root(text), way, name, value), expected)


def without_member(text: str, way: Way, name: str) -> str:
    """The mapping at `way` without its member `name`. Comments beside that member's lines stay. Raises EditError."""
    expected, mapping = _data(text, way)
    if mapping.pop(name, mapping) is mapping:
        raise EditError(f"there is no {name!r} at this place")
    root = _Mapping.root(text)
    return _proved(root.at(way[:-1]).emptied(way[-1]) if not mapping else root.at(way).without(name), expected)


def with_first(text: str, way: Way, item: str, keep: int = 0) -> str:
    """The list at `way` with `item` in front of the first `keep` of its old ones, and no others. Raises EditError."""
    *above, name = way
    expected, mapping = _data(text, tuple(above))
    old = mapping.get(name) or []
    if name not in mapping:
        return with_member(text, tuple(above), name, [item])
    mapping[name] = [item, *old[:keep]]
    inside = _Mapping.root(text).at(tuple(above))
    return _proved(inside.listed(name, item, keep) if old else inside.replaced(name, _flow([item])), expected)


def _data(text: str, way: Way) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the text says, and of that the mapping at `way`, which is made where it is absent or empty."""
    data = found = parse_source(text, "").data
    for step in way:
        if isinstance(found, dict):
            found[step] = found.get(step) or {}
            found = found[step]
    if not isinstance(found, dict):
        raise EditError(f"there is no mapping at {'.'.join(way) or 'the top'}")
    return data, found


def _proved(text: str, expected: dict[str, Any]) -> str:
    try:
        found = parse_source(text, "").data
    except PolicyError:
        found = None
    if found != expected:
        raise EditError("the change has no place in the text as it is written")
    return text


def _added(text: str, mapping: "_Mapping", way: Way, name: str, value: Value) -> str:
    """As with_member, from a mapping that is there."""
    if not way:
        return mapping.with_last(name, value)
    inner = mapping.value(way[0])
    if isinstance(inner, MappingNode) and inner.value:
        return _added(text, mapping.at(way[:1]), way[1:], name, value)
    nested: dict[str, Value] = {name: value}
    for step in reversed(way[1:]):
        nested = {step: nested}
    return mapping.with_last(way[0], nested) if inner is None else mapping.filled(way[0], nested)


class _Mapping:
    """A mapping that is not empty, where it stands in a text. Every method gives the changed text."""

    def __init__(self, text: str, node: Node, step: int = 0) -> None:
        if not isinstance(node, MappingNode) or not node.value:
            raise EditError("there is no mapping at this place")
        self._text, self._node = text, node
        self._members: list[tuple[ScalarNode, Node]] = node.value
        self._column: int = self._members[0][0].start_mark.column
        self._step = step or self._indent()

    @classmethod
    def root(cls, text: str) -> "_Mapping":
        return cls(text, YAML(typ="safe", pure=True).compose(text))

    def at(self, way: Way) -> "_Mapping":
        found = self
        for step in way:
            found = _Mapping(self._text, found._member(step)[1], self._step)
        return found

    def value(self, name: str) -> Node | None:
        return next((value for key, value in self._members if key.value == name), None)

    def with_last(self, name: str, value: Value) -> str:
        end = self._end(self._members[-1])
        if self._node.flow_style:
            return self._spliced(end, end, f", {_scalar(name)}: {_flow(value)}")
        return _with_lines(self._text, end, _block(name, value, self._column, self._step))

    def filled(self, name: str, value: dict[str, Value]) -> str:
        """A member that is empty, null or `{}`, with this value."""
        if self._node.flow_style:
            return self.replaced(name, _flow(value))
        key, _ = self._member(name)
        lines = [line for inner in value for line in _block(inner, value[inner], self._column + self._step, self._step)]
        return _with_lines(self.replaced(name, ""), key.end_mark.index, lines)

    def replaced(self, name: str, written: str) -> str:
        """The value of a member, written so; its comments stay."""
        key, value = self._member(name)
        start = self._text.index(":", key.end_mark.index) + 1
        return self._spliced(start, max(start, self._end((key, value))), f" {written}" if written else "")

    def emptied(self, name: str) -> str:
        """A member whose value is a mapping with one member, with none."""
        return self.at((name,)).without_all(self._text.index(":", self._member(name)[0].end_mark.index) + 1)

    def without_all(self, at: int) -> str:
        """Without its only member; `at` is where its own key ends, the colon included."""
        first, last = self._members[0][0].start_mark.index, self._end(self._members[0])
        if self._node.flow_style:
            return self._spliced(first, last, "")
        bare = _without_lines(self._text, first, last)
        return f"{bare[:at]} {{}}{bare[at:]}"

    def without(self, name: str) -> str:
        """Without a member that is not the only one."""
        index = next(index for index, (key, _) in enumerate(self._members) if key.value == name)
        start, end = self._members[index][0].start_mark.index, self._end(self._members[index])
        if not self._node.flow_style:
            return _without_lines(self._text, start, end)
        if index:
            return self._spliced(self._end(self._members[index - 1]), end, "")
        return self._spliced(start, self._members[1][0].start_mark.index, "")

    def listed(self, name: str, item: str, keep: int) -> str:
        """As with_first, of a list that is not empty."""
        sequence = self._member(name)[1]
        if not isinstance(sequence, SequenceNode):
            raise EditError("there is no list at this place")
        spans = [(each.start_mark.index, each.end_mark.index) for each in sequence.value]
        text, (start, end), gone = self._text, spans[0], spans[max(keep, 1) :]
        if sequence.flow_style and gone:
            text = text[: spans[max(keep, 1) - 1][1]] + text[gone[-1][1] :]
        for first, last in reversed(gone if not sequence.flow_style else []):
            text = _without_lines(text, first, last)
        if not keep:
            return text[:start] + _scalar(item) + text[end:]
        if sequence.flow_style:
            return f"{text[:start]}{_scalar(item)}, {text[start:]}"
        begin = text.rfind("\n", 0, start) + 1
        return f"{text[:begin]}{text[begin:start]}{_scalar(item)}{_line_end(text)}{text[begin:]}"

    def _member(self, name: str) -> tuple[ScalarNode, Node]:
        for key, value in self._members:
            if key.value == name:
                return key, value
        raise EditError(f"there is no {name!r} at this place")

    def _indent(self) -> int:
        """By how many columns the members of a member are indented here."""
        for _, value in self._members:
            if isinstance(value, MappingNode) and value.value and not value.flow_style:
                return int(value.value[0][0].start_mark.column) - self._column
        return _STEP

    def _end(self, member: tuple[ScalarNode, Node]) -> int:
        """Where a member's last character stands, one further. A block's own mark lies behind the comments after it."""
        key, value = member
        if isinstance(value, MappingNode) and not value.flow_style:
            return self._end(value.value[-1])
        if isinstance(value, SequenceNode) and not value.flow_style:
            return self._end((key, value.value[-1]))
        if value.end_mark.index == value.start_mark.index:
            return self._text.index(":", key.end_mark.index) + 1
        return len(self._text[: value.end_mark.index].rstrip())

    def _spliced(self, start: int, end: int, written: str) -> str:
        return self._text[:start] + written + self._text[end:]


def _with_lines(text: str, index: int, lines: Iterable[str]) -> str:
    """The lines after the one that holds this index."""
    ending = _line_end(text)
    written = "".join(line + ending for line in lines)
    at = text.find("\n", index) + 1
    return f"{text[:at]}{written}{text[at:]}" if at else f"{text}{ending}{written}"


def _without_lines(text: str, start: int, end: int) -> str:
    """Without the lines from the one that holds `start` to the one that holds the character before `end`."""
    stop = text.find("\n", end - 1) + 1
    return text[: text.rfind("\n", 0, start) + 1] + (text[stop:] if stop else "")


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _scalar(text: str) -> str:
    """Plain where nothing else can be read in it, else in double quotes, as JSON writes them (YAML 1.2 section 1.3)."""
    return text if _PLAIN.fullmatch(text) else orjson.dumps(text).decode()


def _flow(value: Value) -> str:
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    return f"{{{', '.join(f'{_scalar(name)}: {_flow(each)}' for name, each in value.items())}}}"


def _block(name: str, value: Value, column: int, step: int) -> Iterator[str]:
    """The lines of a member."""
    start = f"{' ' * column}{_scalar(name)}:"
    if isinstance(value, str):
        yield f"{start} {_scalar(value)}"
        return
    yield start
    if isinstance(value, list):
        yield from (f"{' ' * (column + step)}- {_scalar(each)}" for each in value)
        return
    for inner in value:
        yield from _block(inner, value[inner], column + step, step)
