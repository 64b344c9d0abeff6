"""Tools whose input is free text, as functions of one string: what they become where only functions are known.

Most APIs, and most servers of OpenAI's own, know functions alone. A model is told of one string, `input`, and whoever writes its
call for the client takes it out again. A grammar cannot be kept to there: it stands in the description, for the model to follow.
"""

from collections.abc import Mapping
from typing import Any

from outgate.dialects.json_body import decode_value, dump
from outgate.errors import WireError
from outgate.inference.conversation import Call, Conversation, Tool

INPUT = "input"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


def described(description: str, form: Mapping[str, Any]) -> str:
    """The description of the function, with the grammar (`format` of a custom tool) in it."""
    grammar = form.get("definition")
    if not isinstance(grammar, str) or not grammar:
        return description
    asked = f"`{INPUT}` must follow this {form.get('syntax', 'lark')} grammar:\n{grammar}"
    return f"{description}\n\n{asked}" if description else asked


def wrapped(text: str) -> str:
    """Free text as the arguments of the function."""
    return dump({INPUT: text}).decode()


def unwrapped(arguments: str) -> str:
    """The free text in such arguments; those of another form are the text themselves."""
    try:
        tree = decode_value(arguments.encode())
    except (WireError, UnicodeEncodeError):
        return arguments
    text = tree.get(INPUT) if isinstance(tree, dict) else None
    return text if isinstance(text, str) else arguments


def as_function(tool: Tool) -> Tool:
    """A tool of free text as a function."""
    return tool._replace(description=described(tool.description, _grammar(tool)), parameters=SCHEMA)


def has_grammar(tool: Tool) -> bool:
    """Whether the free text of a tool must follow a grammar, which a function cannot be held to."""
    return tool.custom and bool(_grammar(tool).get("definition"))


def _grammar(tool: Tool) -> Mapping[str, Any]:
    form = tool.rest.get("format")
    return form.get("grammar", form) if isinstance(form, dict) else {}


def is_told_as_function(call: Call, asked: Conversation) -> bool:
    """Whether the client that asked knows the tool of this call as one of free text, and the provider as a function."""
    return not call.custom and any(tool.custom and tool.name == call.name for tool in asked.tools)


def as_asked(call: Call, asked: Conversation) -> Call:
    """A whole call as the client knows its tool."""
    return call._replace(arguments=unwrapped(call.arguments), custom=True) if is_told_as_function(call, asked) else call


def input_of(part: Call) -> Mapping[str, Any]:
    """The arguments of a call as the object that they must be here; free text stands in the one member of its tool."""
    if part.custom:
        return {INPUT: part.arguments}
    if not part.arguments.strip():
        return {}
    try:
        tree = decode_value(part.arguments.encode())
    except WireError:  # what a model wrote need not be JSON
        return {"arguments": part.arguments}
    return tree if isinstance(tree, dict) else {"arguments": part.arguments}
