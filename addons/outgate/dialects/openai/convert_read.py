"""Chat completion requests as conversations.

Members that other APIs do not have stay in `rest`, and are told as lost: what the caller asked for must not vanish unsaid.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.openai.convert_parts import call_of, parts_of, thoughts_of
from outgate.errors import WireError
from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Format,
    Loss,
    Media,
    Part,
    Reasoning,
    Refused,
    Result,
    Role,
    Sampling,
    Text,
    Tool,
    Turn,
)

_SYSTEM = ("system", "developer")
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM, "developer": Role.SYSTEM}
_MODES = {"auto": "auto", "none": "none", "required": "any"}
_KNOWN = frozenset({
    "model", "messages", "stream", "stream_options", "tools", "functions", "tool_choice", "function_call", "parallel_tool_calls",
    "response_format", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "n", "seed", "presence_penalty",
    "frequency_penalty", "logprobs", "top_logprobs", "stop", "reasoning_effort", "user",
})  # fmt: skip
_LOST = {
    "audio": "audio",
    "metadata": "metadata",
    "prompt_cache_key": "cache_control",
    "prompt_cache_options": "cache_control",
    "prompt_cache_retention": "cache_control",
    "safety_identifier": "metadata",
    "service_tier": "service_tier",
    "store": "stored",
    "web_search_options": "hosted_tools",
}
"""What the loss of a member is called; of every other one, `members`."""
_IDLE: Mapping[str, Any] = {"modalities": ["text"], "logit_bias": {}}
"""Members that say nothing where they have these values."""


def read_request(tree: Mapping[str, Any]) -> tuple[Conversation, Sequence[Loss]]:
    """See `translation.Converter`."""
    losses: list[Loss] = []
    rest = {name: value for name, value in tree.items() if name not in _KNOWN and value is not None and _IDLE.get(name) != value}
    losses += (Loss(_LOST.get(name, "members"), name) for name in rest)
    system, turns = _turns(tree["messages"], losses)
    options = tree.get("stream_options") or {}
    asked = Conversation(
        system=system,
        turns=turns,
        tools=tuple(_tools(tree, losses)),
        choice=_choice(tree, losses),
        format=_format(tree.get("response_format")),
        sampling=_sampling(tree),
        reasoning=Reasoning(effort=tree["reasoning_effort"]) if tree.get("reasoning_effort") else None,
        stream=bool(tree.get("stream")),
        usage_wanted=bool(options.get("include_usage")),
        user=tree.get("user") or "",
        rest=rest,
    )
    return asked, losses


def _turns(messages: Sequence[Mapping[str, Any]], losses: list[Loss]) -> tuple[tuple[Text, ...], tuple[Turn, ...]]:
    system: list[Text] = []
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for at, message in enumerate(messages):
        turn = _turn(message, f"messages[{at}]", names, losses)
        if turn.role is Role.SYSTEM and not turns:
            system += (part for part in turn.parts if isinstance(part, Text))
            losses += (Loss("names", f"messages[{at}].name") for _ in turn.name and (0,))
        else:
            turns.append(turn)
    return tuple(system), tuple(turns)


def _turn(message: Mapping[str, Any], where: str, names: dict[str, str], losses: list[Loss]) -> Turn:
    role = message["role"]
    parts = tuple(parts_of(message.get("content"), f"{where}.content", losses))
    if role in ("tool", "function"):
        return Turn(Role.USER, (_result(message, parts, names),))
    if role not in _ROLES:
        raise WireError("bad_parameter", f"`{where}.role` is not known")
    if role == "assistant":
        parts = tuple(_said(message, parts, where, names, losses))
    return Turn(_ROLES[role], parts, message.get("name") or "")


def _result(message: Mapping[str, Any], parts: Sequence[Part], names: Mapping[str, str]) -> Result:
    id_ = message.get("tool_call_id") or _legacy_id(message.get("name"))
    given = tuple(part for part in parts if isinstance(part, Text | Media))
    return Result(id_, given, name=names.get(id_) or message.get("name") or "")


def _legacy_id(name: Any) -> str:
    """Of a function's result in the older form, which has no id: one call of a function is open at a time."""
    return f"call_{name}"


def _said(
    message: Mapping[str, Any], parts: Sequence[Part], where: str, names: dict[str, str], losses: list[Loss]
) -> Iterator[Part]:
    """The parts of an assistant's message, in the order in which it said them."""
    yield from thoughts_of(message)
    yield from (part for part in parts if not isinstance(part, Text) or part.text)
    if message.get("refusal"):
        yield Refused(message["refusal"])
    if message.get("audio"):
        losses.append(Loss("audio", f"{where}.audio"))
    for at, call in enumerate(message.get("tool_calls") or ()):
        made = call_of(call, f"{where}.tool_calls[{at}]")
        names[made.id] = made.name
        yield made
    older = message.get("function_call")
    if older:
        yield Call(_legacy_id(older["name"]), older["name"], older.get("arguments") or "")


def _tools(tree: Mapping[str, Any], losses: list[Loss]) -> Iterator[Tool]:
    for at, tool in enumerate(tree.get("tools") or ()):
        kind = tool.get("type") or "function"
        if kind not in ("function", "custom"):
            losses.append(Loss("hosted_tools", f"tools[{at}]"))
            continue
        told = tool.get(kind) or tool
        rest = {"format": told["format"]} if told.get("format") else {}
        yield _tool(told)._replace(custom=kind == "custom", rest=rest)
    yield from map(_tool, tree.get("functions") or ())


def _tool(told: Mapping[str, Any]) -> Tool:
    return Tool(told["name"], told.get("description") or "", told.get("parameters"), told.get("strict"))


def _choice(tree: Mapping[str, Any], losses: list[Loss]) -> Choice:
    parallel, given = tree.get("parallel_tool_calls"), tree.get("tool_choice")
    if given is None:
        given = tree.get("function_call")
    if isinstance(given, str):
        return Choice(_MODES[given], parallel=parallel)
    if not given:
        return Choice(parallel=parallel)
    named = given.get("function") or given.get("custom") or given
    if "name" not in named:
        losses.append(Loss("tool_choice", "tool_choice"))
        return Choice(parallel=parallel)
    return Choice("tool", named["name"], parallel)


def _format(given: Mapping[str, Any] | None) -> Format | None:
    if given is None or given["type"] == "text":
        return None
    if given["type"] == "json_object":
        return Format("json")
    told = given["json_schema"]
    return Format("schema", told.get("name") or "", told.get("schema"), told.get("strict"), told.get("description") or "")


def _sampling(tree: Mapping[str, Any]) -> Sampling:
    stop = tree.get("stop") or ()
    most = tree.get("max_completion_tokens")
    return Sampling(
        temperature=tree.get("temperature"),
        top_p=tree.get("top_p"),
        top_k=tree.get("top_k"),
        max_tokens=tree.get("max_tokens") if most is None else most,
        n=tree.get("n"),
        seed=tree.get("seed"),
        presence=tree.get("presence_penalty"),
        frequency=tree.get("frequency_penalty"),
        logprobs=tree.get("top_logprobs") or (0 if tree.get("logprobs") else None),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )
