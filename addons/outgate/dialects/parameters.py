"""Check the parameters that policies decide on: a wrong type is refused, because providers read it differently."""

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.json_body import dump
from outgate.dialects.reading import Reading
from outgate.errors import WireError
from outgate.inference.params import Tools
from outgate.inference.prompt import Channel, Document, Prompt
from outgate.inference.verdict import Extent

JSON = (("content-type", "application/json"),)
"""What a body that was judged is sent as: no word of the caller's may make it be read as anything else."""
_MODEL_LENGTH = 256
_MOST = 1_000_000_000
"""Tokens or answers a caller may ask for: products of two still fit 64 bits, in the ledger and in the closing line."""
_KEPT = frozenset({Channel.PARAMETER, Channel.TOOL_DEFINITION, Channel.KEY})


def bad(name: str, kind: str) -> WireError:
    """The refusal of a member that has not the form it must have."""
    return WireError("bad_parameter", f"`{name}` must be {kind}")


def word(holder: Mapping[str, Any], name: str) -> str:
    """A string, empty when absent or null. Raises WireError for anything else."""
    value = holder.get(name)
    if value is not None and not isinstance(value, str):
        raise bad(name, "a string")
    return value or ""


def thing(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object, empty when absent or null. Raises WireError for anything else."""
    value = holder.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad(name, "an object")
    return value or {}


def things(value: Any, name: str) -> Sequence[Mapping[str, Any]]:
    """An array of objects, empty when absent or null. Raises WireError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise bad(name, "an array of objects")
    return value


def flag(tree: Mapping[str, Any], name: str) -> bool:
    """A boolean, false when absent or null."""
    value = tree.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad(name, "true or false")
    return bool(value)


def count(tree: Mapping[str, Any], name: str) -> int | None:
    """A positive integer of at most `_MOST`, None when absent or null."""
    value = tree.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise bad(name, "a positive integer")
    return value


def number(tree: Mapping[str, Any], name: str) -> float | None:
    """A number, None when absent or null."""
    value = tree.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad(name, "a number")
    return float(value)


def model_of(tree: Mapping[str, Any]) -> str:
    """The requested model. Raises WireError where there is none."""
    value = tree.get("model")
    if not isinstance(value, str) or not 0 < len(value) <= _MODEL_LENGTH:
        raise bad("model", f"a string of 1 to {_MODEL_LENGTH} characters")
    return value


def messages_of(tree: Mapping[str, Any]) -> None:
    """Refuses a conversation that is none: every dialect's is an array of objects, each with a role."""
    messages = tree.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad("messages", "an array with at least one message")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise bad("messages", "an array of objects, each with a role")


def tools_of(tree: Mapping[str, Any], names: tuple[str, ...]) -> Tools:
    """The tools under these members: their names, and the canonical JSON of their definitions. Raises WireError for no array."""
    given = {name: tree[name] for name in names if tree.get(name)}
    if not given:
        return Tools()
    for name, tools in given.items():
        if not isinstance(tools, list):
            raise bad(name, "an array")
    definitions = [tool for tools in given.values() for tool in tools if isinstance(tool, dict)]
    return Tools(names=tuple(filter(None, map(_tool_name, definitions))), identity=dump(given, canonical=True))


def _tool_name(tool: Mapping[str, Any]) -> str:
    for holder in (tool, tool.get("function"), tool.get("custom")):
        if isinstance(holder, dict) and isinstance(holder.get("name"), str):
            return str(holder["name"])
    kind = tool.get("type")  # a hosted tool has no other name
    return kind if isinstance(kind, str) else ""


def identity_of(reading: Reading, without: tuple[str, ...]) -> bytes:
    """Canonical JSON of the whole body with its conversation blanked and the model and these members left to their own facts.

    Roles, part types, media, ids and the shape of every message stay, so with the leaves it determines the request.
    """
    document = reading.document
    boxes = document.boxes
    edits: dict[tuple[int, str | int], Any] = {}
    for box, key, _, channel, _ in reading.leaves:
        if channel not in _KEPT:
            edits[box, key] = "" if boxes[box][0][key].__class__ is str else 0
    edits.update(((0, name), None) for name in ("model", *without) if name in document.tree)
    return document.marked(edits, canonical=True)


def prompt_of(reading: Reading, *kinds: str, size: int = 0) -> Prompt:
    """The prompt of a reading, with further kinds of what is not text, of `size` bytes."""
    document: Document = reading.document
    parts = (*reading.parts, *(Extent(kind, 1, bytes=size) for kind in kinds))
    return Prompt(document, reading.leaves, reading.kinds.union(kinds), parts=parts, hosted=reading.hosted, places=reading.places)
