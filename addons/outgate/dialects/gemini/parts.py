"""Access to the members of Gemini's bodies, which have two spellings each, and refusal of objects that name one twice."""

from collections.abc import Iterator, Mapping
from typing import Any

from outgate.dialects.gemini.tables import other_spelling
from outgate.dialects.json_body import PLAIN, JsonDocument
from outgate.dialects.places import rule_of
from outgate.errors import WireError


def member(tree: Mapping[str, Any], name: str) -> Any:
    """The value under a name, in whichever spelling it stands."""
    value = tree.get(name)
    return tree.get(other_spelling(name)) if value is None else value


def inside(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under a name; an empty one where there is none. Raises WireError for what is no object."""
    value = member(tree, name)
    if value is not None and not isinstance(value, dict):
        raise WireError("bad_parameter", f"`{name}` must be an object")
    return value or {}


def refuse_two_spellings(document: JsonDocument) -> None:
    """Refuses an object that names a member in both spellings: servers differ in which one counts. Raises WireError."""
    for index, (container, _, _, form) in enumerate(document.boxes):
        if form == PLAIN and container.__class__ is dict:
            for name in container:
                if "_" in name and _camel(name) in container and name in rule_of(document, index).names:
                    raise WireError("ambiguous_name", "a member stands in two spellings of its name")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in rest)


def spelled(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The members that an object has, in the first of their two spellings."""
    return {_camel(name) if "_" in name else name: value for name, value in tree.items() if value is not None}


def candidates(tree: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The candidates of an answer, or of an event of one, each with its index."""
    listed = tree.get("candidates")
    for position, candidate in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(candidate, dict):
            yield index_of(candidate, position), candidate


def index_of(candidate: Mapping[str, Any], position: int) -> int:
    """The index that a candidate says it has, else its position."""
    index: Any = candidate.get("index")
    return index if index.__class__ is int else position


def parts_of(candidate: Mapping[str, Any]) -> list[Any]:
    """The parts of a candidate, as they stand in it."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return parts if isinstance(parts, list) else []


_SAID = frozenset({
    "text", "thought", "inlineData", "fileData", "codeExecutionResult", "toolResponse", "videoMetadata", "mediaResolution",
    "partMetadata", "thoughtSignature", "audioTranscription", "audioMetadata", "speechMetadata",
})  # fmt: skip
_QUIET = _SAID | {other_spelling(name) for name in _SAID}


def is_call(part: Any) -> bool:
    """Whether a part of an answer is a call of a tool, or may be one: every part is, of which it is not known that it is none."""
    return not isinstance(part, dict) or any(name not in _QUIET and value is not None for name, value in part.items())


def called(part: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What of a part may be a call, by its name."""
    return [(name, value) for name, value in part.items() if name not in _QUIET and value is not None]
