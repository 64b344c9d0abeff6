"""Read a policy file strictly, and keep the line of every place in it.

YAML 1.2 as data only: no tags, no anchors or aliases, no merge keys, no duplicate or non-string keys, one document, bounded in
size and depth. What is refused here never reaches validation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outgate.errors import PolicyError, Problem

_NAME_ONE = "name a file that exists and that this user may read; `outgate init` writes one"
_LARGEST = 1024 * 1024
_DEEPEST = 24
_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_TAB = re.compile(r"^ *\t")
_NO_SPACE = re.compile(r"^ *(- )?[\w.-]+:[^\s/:]")
_REPAIRS = {
    "mapping values": "align this line with its neighbours, or put text that holds `: ` in quotes",
    "cannot start any token": "put the text in quotes",
    "alphabetic or numeric": "put the text in quotes",
    "unknown escape": "use single quotes",
    "end of stream": "close the quote",
    "or ']'": "close the list with `]`",
    "or '}'": "close the mapping with `}`",
    "<block end>": "align it: keys with keys, `- ` items with items",
    "expected ':'": "write `key: value`",
}
"""Repair of a mistake in YAML's syntax, by a part of ruamel's message about it."""
_BOOL = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}

type Place = tuple[str | int, ...]


@dataclass(slots=True)
class Source:
    """A policy file as plain data; `line_of` finds the line of a place in it."""

    file: str
    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)

    def line_of(self, place: Place) -> int:
        """The line of the place, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def at(self, place: Place) -> Any:
        """What stands at a place of the file; None where nothing does."""
        found = self.data
        for step in place:
            known = isinstance(found, dict) and step in found
            known |= isinstance(found, list) and isinstance(step, int) and step < len(found)
            found = found[step] if known else None
        return found

    def problem(self, code: str, message: str, place: Place = (), repair: str = "", stages: tuple[str, ...] = ()) -> Problem:
        return Problem(code=code, message=message, repair=repair, file=self.file, line=self.line_of(place), stages=stages)


def read_source(path: Path) -> Source:
    """Raises PolicyError with E_UNREADABLE or E_YAML."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or 'unknown error'}"
        raise _refused(path, "E_UNREADABLE", reason, _NAME_ONE) from error
    except UnicodeDecodeError as error:
        raise _refused(path, "E_YAML", "is not UTF-8", "save it as UTF-8") from error
    if len(raw) > _LARGEST:
        raise _refused(path, "E_YAML", f"is larger than {_LARGEST} bytes", "split it")
    return parse_source(text, str(path))


def parse_source(text: str, file: str) -> Source:
    """The data of a document. Raises PolicyError with every E_YAML problem."""
    problems = [
        Problem(code="E_YAML", file=file, line=line, message=message, repair=repair) for line, message, repair in _signs(text)
    ]
    if problems:
        raise PolicyError(tuple(problems))
    node = YAML(typ="safe", pure=True).compose(text)
    reading = _Reading(Source(file))
    if node is not None:
        reading.source.data = reading.value(node, ())
    if reading.problems:
        raise PolicyError(tuple(reading.problems))
    return reading.source


def _refused(path: Path, code: str, message: str, repair: str) -> PolicyError:
    return PolicyError((Problem(code=code, message=f"the file {message}", repair=repair, file=str(path), line=1),))


def _signs(text: str) -> Iterator[tuple[int, str, str]]:
    """What the syntax alone shows to be wrong: (line, message, repair)."""
    documents = depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            kind = type(event).__name__
            line = event.start_mark.line + 1
            documents += kind == "DocumentStartEvent"
            depth += kind.endswith(("MappingStartEvent", "SequenceStartEvent")) - kind.endswith(
                ("MappingEndEvent", "SequenceEndEvent")
            )
            if depth > _DEEPEST:
                yield line, f"nested deeper than {_DEEPEST} levels", "flatten it"
                return
            if isinstance(event, NodeEvent) and event.anchor is not None:
                yield line, "anchors and aliases are not read", "write the value out"
            if getattr(event, "tag", None) is not None and kind != "DocumentStartEvent":
                yield line, "tags are not read", "write a plain value"
    except MarkedYAMLError as error:
        yield _syntax_error(text, error)
    except YAMLError:
        yield 1, "not YAML: it holds characters that YAML does not allow", "save it as plain UTF-8 text"
    if documents > 1:
        yield 1, "more than one document", "keep one document per file"


def _syntax_error(text: str, error: MarkedYAMLError) -> tuple[int, str, str]:
    """Line, message and repair; ruamel's words, but for tabs and a missing space, whose cause it names elsewhere."""
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    lines, problem = text.split("\n"), str(error.problem)
    tabs = [number for number, each in enumerate(lines, 1) if number >= line and _TAB.match(each)]
    if tabs or "'\\t'" in problem:
        also = f" (also on lines {', '.join(map(str, tabs[1:]))})" if tabs[1:] else ""
        message = f"not YAML: a tab; YAML is indented and parted by spaces only{also}"
        return (tabs or [line])[0], message, "write spaces in place of tabs"
    before = next((each for each in reversed(lines[: line - 1]) if each.strip()), "")
    if "mapping values" in problem and _NO_SPACE.match(before):
        return line, "not YAML: the line before has no space after its colon", "write `key: value`, with the space"
    repair = next((repair for part, repair in _REPAIRS.items() if part in problem), "compare it with the lines around")
    since = f"{error.context}, opened on line {error.context_mark.line + 1}: " if error.context_mark else ""
    return line, f"not YAML: {since}{problem}", repair


class _Reading:
    """Nodes to plain data, noting lines and problems."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def value(self, node: Node, place: Place) -> Any:
        self.source.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return dict(self._members(node, place))
        if isinstance(node, SequenceNode):
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return _scalar(node)

    def _members(self, node: MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, ScalarNode) and not isinstance(_scalar(key), (dict, list)) else None
            if name is None or name == "<<":
                self._problem(line, "a key must be a plain name", "write a name")
            elif name in seen:
                self._problem(line, f"the key {name!r} stands here twice", "keep one of them")
            else:
                seen.add(name)
                self.source.lines[*place, name] = line
                yield name, self.value(value, (*place, name))

    def _problem(self, line: int, message: str, repair: str) -> None:
        self.problems.append(Problem(code="E_YAML", file=self.source.file, line=line, message=message, repair=repair))


def _scalar(node: ScalarNode) -> Any:
    """YAML 1.2 core schema, section 10.3.2."""
    text: str = node.value
    tag = str(node.tag).removeprefix(_PREFIX)
    if tag == "null":
        return None
    if tag == "bool" and text in _BOOL:
        return _BOOL[text]
    if tag == "int" and _INT.fullmatch(text):
        return int(text, 0) if text.startswith("0") and len(text) > 1 and text[1] in "ox" else int(text)
    if tag == "float":
        try:
            return float(text)
        except ValueError:
            return text
    return text
