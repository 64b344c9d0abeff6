"""Reader of message requests: a body of `POST /v1/messages` becomes a conversation.

Members that say how, and not what, are read as nouns; all others are told as lost, so that none is dropped unseen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.anthropic.convert_blocks import Block, BlockReader
from outgate.dialects.parameters import bad, count, flag, number, thing, things, word
from outgate.inference.conversation import (
    Choice,
    Conversation,
    Format,
    Loss,
    Reasoning,
    Role,
    Sampling,
    Tool,
    Turn,
)

_KNOWN = frozenset({
    "model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p", "tools",
    "tool_choice", "thinking", "metadata", "output_config",
})  # fmt: skip
_LOST = {"service_tier": "service_tier", "speed": "service_tier", "context_management": "context"}
"""Members that another API has not, by what is lost with them."""
_TOOL = frozenset({"name", "description", "input_schema", "strict", "eager_input_streaming"})
"""What is read of a tool. How its input is cut into pieces is no matter of another provider's."""
_MODES = frozenset({"auto", "any", "tool", "none"})
_EFFORTS = {"max": "xhigh"}


def read_request(tree: Mapping[str, Any]) -> tuple[Conversation, Sequence[Loss]]:
    """The conversation, and what no other dialect can say of it."""
    reader = BlockReader()
    _lost(tree, reader)
    asked = Conversation(
        system=reader.texts(tree.get("system"), "system"),
        turns=_turns(tree, reader),
        tools=tuple(_tools(tree, reader)),
        choice=_choice(thing(tree, "tool_choice")),
        format=_format(thing(tree, "output_config"), reader),
        sampling=_sampling(tree),
        reasoning=_reasoning(thing(tree, "thinking"), word(thing(tree, "output_config"), "effort"), reader),
        stream=flag(tree, "stream"),
        usage_wanted=True,
        user=word(thing(tree, "metadata"), "user_id"),
    )
    return asked, reader.losses


def _lost(tree: Mapping[str, Any], reader: BlockReader) -> None:
    for name, what in _LOST.items():
        if tree.get(name) is not None:
            reader.lose(what, name)
    if tree.get("mcp_servers"):
        reader.lose("hosted_tools", "mcp_servers")
    reader.left(tree, _KNOWN.union(_LOST, {"mcp_servers"}), "body")
    reader.left(thing(tree, "metadata"), frozenset({"user_id"}), "metadata")


def _turns(tree: Mapping[str, Any], reader: BlockReader) -> tuple[Turn, ...]:
    return tuple(_turn(message, reader, f"messages[{at}]") for at, message in enumerate(things(tree.get("messages"), "messages")))


def _turn(message: Block, reader: BlockReader, where: str) -> Turn:
    role = word(message, "role")
    if role not in Role:
        raise bad("role", "`user`, `assistant` or `system`")
    reader.left(message, frozenset({"role", "content"}), where)
    return Turn(Role(role), reader.parts(message.get("content"), f"{where}.content"))


def _tools(tree: Mapping[str, Any], reader: BlockReader) -> list[Tool]:
    tools = []
    for at, tool in enumerate(things(tree.get("tools"), "tools")):
        where = f"tools[{at}]"
        if word(tool, "type") not in ("", "custom"):  # its schema is known to Anthropic alone, whoever runs it
            reader.lose("hosted_tools", where)
            continue
        reader.left(tool, _TOOL, where)
        strict = flag(tool, "strict") if tool.get("strict") is not None else None
        tools.append(Tool(word(tool, "name"), word(tool, "description"), thing(tool, "input_schema"), strict))
    return tools


def _choice(choice: Block) -> Choice:
    mode = word(choice, "type")
    if mode and mode not in _MODES:
        raise bad("tool_choice", "`auto`, `any`, `tool` or `none`")
    alone = choice.get("disable_parallel_tool_use")
    return Choice(mode, word(choice, "name"), None if alone is None else not flag(choice, "disable_parallel_tool_use"))


def _format(config: Block, reader: BlockReader) -> Format | None:
    reader.left(config, frozenset({"effort", "format"}), "output_config")
    wanted = thing(config, "format")
    if not wanted:
        return None
    if word(wanted, "type") != "json_schema":
        raise bad("output_config.format", "a `json_schema`")
    return Format("schema", schema=thing(wanted, "schema"), strict=True)


def _sampling(tree: Mapping[str, Any]) -> Sampling:
    stops = tree.get("stop_sequences")
    if stops is not None and not (isinstance(stops, list) and all(isinstance(stop, str) for stop in stops)):
        raise bad("stop_sequences", "an array of strings")
    return Sampling(
        temperature=number(tree, "temperature"),
        top_p=number(tree, "top_p"),
        top_k=count(tree, "top_k"),
        max_tokens=count(tree, "max_tokens"),
        stop=tuple(stops or ()),
    )


def _reasoning(thinking: Block, effort: str, reader: BlockReader) -> Reasoning | None:
    """What `thinking` and `effort` ask for; without `thinking`, an effort alone."""
    reader.left(thinking, frozenset({"budget_tokens", "display"}), "thinking")
    effort = _EFFORTS.get(effort, effort)
    display = word(thinking, "display")
    shown = display != "omitted" if display else None
    kind = word(thinking, "type")
    if kind == "disabled":
        return Reasoning("none", 0, shown=False)
    if kind == "enabled":
        return Reasoning(effort, count(thinking, "budget_tokens"), shown)
    if kind:
        return Reasoning(effort, -1, shown)
    return Reasoning(effort) if effort else None
