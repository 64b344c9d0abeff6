"""Tools of the Responses API, from and to those of a conversation.

A tool of a namespace is a function by both names, and one of free text a function of one string (`dialects.free_text`): whoever
writes a call for the client finds in the request which it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from outgate.dialects.free_text import SCHEMA, described, unwrapped
from outgate.dialects.parameters import flag
from outgate.dialects.responses.convert_parts import bad_form, objects, told, words
from outgate.inference.conversation import Call, Choice, Conversation, Loss, Tool

_MEMBERS = frozenset({"type", "name", "description", "parameters", "strict", "format"})
_QUIET = frozenset({"async", "defer_loading", "allowed_callers", "output_schema"})
"""Members that steer when and by whom a tool is called at OpenAI; every tool may be called at once without them."""
_MODES = {"auto": "auto", "none": "none", "required": "any"}
_WORDS = {mode: word for word, mode in _MODES.items()}
_NO_INPUT: Mapping[str, Any] = {"type": "object", "properties": {}}


def joined(namespace: str, name: str) -> str:
    """The name of a function in a namespace."""
    return f"{namespace}__{name}" if namespace else name


def read_tools(given: Any, where: str, losses: list[Loss], namespace: str = "") -> list[Tool]:
    """The tools that the caller runs; those of the provider are lost."""
    tools: list[Tool] = []
    for at, tree in enumerate(objects(given, where)):
        here = f"{where}[{at}]"
        kind = tree.get("type", "function")
        if kind == "namespace" and not namespace:
            tools += read_tools(tree.get("tools"), f"{here}.tools", losses, words(tree, "name", here))
        elif kind in ("function", "custom"):
            tools.append(_read(tree, here, losses, namespace))
        else:
            losses.append(Loss("hosted_tools", here))
    return tools


def _read(tree: Mapping[str, Any], where: str, losses: list[Loss], namespace: str) -> Tool:
    losses += [Loss("members", told(where, name)) for name in tree if name not in _MEMBERS and name not in _QUIET]
    name, description = words(tree, "name", where), words(tree, "description", where)
    if not name:
        raise bad_form(f"{where}.name")
    rest = {"namespace": namespace, "name": name, "custom": tree.get("type") == "custom"}
    if rest["custom"]:
        form = tree.get("format") if isinstance(tree.get("format"), dict) else {}
        if form and form.get("type") != "text":
            losses.append(Loss("strict", f"{where}.format"))
        return Tool(joined(namespace, name), described(description, form or {}), SCHEMA, rest=rest)
    parameters, strict = tree.get("parameters"), flag(tree, "strict") if tree.get("strict") is not None else None
    if parameters is not None and not isinstance(parameters, dict):
        raise bad_form(f"{where}.parameters")
    return Tool(joined(namespace, name), description, parameters, strict, rest=rest)


def read_choice(tree: Mapping[str, Any], tools: list[Tool], losses: list[Loss]) -> tuple[Choice, list[Tool]]:
    """Which tools may be called: where only some of them may, the others are left away."""
    parallel = None if tree.get("parallel_tool_calls") is None else flag(tree, "parallel_tool_calls")
    given = tree.get("tool_choice")
    if given is None or isinstance(given, str):
        return Choice(_mode(given), parallel=parallel), tools
    if not isinstance(given, dict):
        raise bad_form("tool_choice")
    if given.get("type") in ("function", "custom"):
        name = words(given, "name", "tool_choice")
        return Choice("tool", next((tool.name for tool in tools if tool.rest.get("name") == name), name), parallel), tools
    if given.get("type") == "allowed_tools":
        names = {words(each, "name", "tool_choice.tools") for each in objects(given.get("tools"), "tool_choice.tools")}
        return Choice(_mode(given.get("mode")), parallel=parallel), [
            tool for tool in tools if {tool.name, tool.rest.get("name")} & names
        ]
    losses.append(Loss("tool_choice", "tool_choice"))
    return Choice(parallel=parallel), tools


def _mode(given: Any) -> str:
    if given is not None and (not isinstance(given, str) or given not in _MODES):
        raise bad_form("tool_choice")
    return _MODES[given] if given else ""


def write_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The definitions. One that says nothing of strictness is not strict, as in the other APIs; here it would be."""
    return [_write(tool) for tool in tools]


def _write(tool: Tool) -> dict[str, Any]:
    base: dict[str, Any] = {"type": "custom" if tool.custom else "function", "name": tool.name}
    if tool.description:
        base["description"] = tool.description
    if tool.custom:
        form = tool.rest.get("format")
        return {**base, "format": _form(form)} if isinstance(form, Mapping) else base
    return {**base, "parameters": dict(tool.parameters or _NO_INPUT), "strict": bool(tool.strict)}


def _form(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form of free text: a grammar stands in a member of its own in chat completions, and not here."""
    grammar = form.get("grammar")
    return {"type": "grammar", **grammar} if isinstance(grammar, Mapping) else dict(form)


def write_choice(choice: Choice, tools: Sequence[Tool]) -> Any:
    """`tool_choice`; None where it was not said."""
    if choice.mode != "tool":
        return _WORDS.get(choice.mode)
    custom = any(tool.custom for tool in tools if tool.name == choice.name)
    return {"type": "custom" if custom else "function", "name": choice.name}


class Called(NamedTuple):
    """A call as the client knows its tool."""

    name: str
    namespace: str
    custom: bool
    arguments: str


def called(call: Call, asked: Conversation) -> Called:
    """The call of a tool of the request, which was known to the provider under another name, or as a function."""
    rest = next((tool.rest for tool in asked.tools if tool.name == call.name), {})
    custom = bool(rest.get("custom")) and not call.custom
    arguments = unwrapped(call.arguments) if custom and call.arguments else call.arguments
    return Called(str(rest.get("name", call.name)), str(rest.get("namespace", "")), custom or call.custom, arguments)
