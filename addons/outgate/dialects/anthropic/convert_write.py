"""Writer of message requests: a conversation becomes a body of `POST /v1/messages`, in the form that its model takes.

What this API cannot say, or the model would refuse, is told as lost: never left out unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from outgate.dialects.anthropic.convert_models import Model, model_of
from outgate.dialects.anthropic.convert_reasoning import Thinking, thinking_of
from outgate.dialects.anthropic.convert_turns import TurnWriter
from outgate.dialects.anthropic.tables import MOST_OUTPUT
from outgate.dialects.free_text import as_function, has_grammar
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Choice, Conversation, Format, Loss, Sampling, Text, Tool

PATH = "/v1/messages"
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_USER = 256
"""Characters of a user's id that the API takes."""

type Tree = dict[str, Any]


def write_request(asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
    """The request to this model; `max_tokens` where the caller set no maximum."""
    able = model_of(model)
    turns = TurnWriter(system_turns=able.system_turns)
    messages = turns.messages(asked.turns)
    room = asked.sampling.max_tokens or max_tokens or MOST_OUTPUT
    thinking = thinking_of(asked, able, room)
    losses = [*turns.losses, *thinking.losses]
    body: Tree = {
        "model": model,
        "max_tokens": room,
        **_system((*asked.system, *turns.hoisted), losses),
        "messages": messages,
        **_tools(asked.tools, losses),
        **_choice(asked.choice, asked.tools, losses),
        **_sampling(asked.sampling, able, losses, thinks=thinking.on),
        **_stop(asked.sampling.stop, losses),
        **({"thinking": thinking.config} if thinking.config is not None else {}),
        **_output(asked.format, thinking, losses),
        **_user(asked.user, losses),
        **({"stream": True} if asked.stream else {}),
    }
    losses += _unsaid(asked.sampling)
    return Outbound(PATH, body, losses)


def _system(texts: Sequence[Text], losses: list[Loss]) -> Tree:
    if any(text.citations for text in texts):
        losses.append(Loss("citations", "system"))
    blocks = [{"type": "text", "text": text.text} for text in texts if text.text.strip()]
    return {"system": blocks} if blocks else {}


def _tools(tools: Sequence[Tool], losses: list[Loss]) -> Tree:
    losses += [Loss("strict", f"tools[{at}]") for at, tool in enumerate(tools) if has_grammar(tool)]
    return {"tools": [_tool(as_function(tool) if tool.custom else tool) for tool in tools]} if tools else {}


def _tool(tool: Tool) -> Tree:
    described = {"description": tool.description} if tool.description else {}
    parameters = tool.parameters or _NO_PARAMETERS
    typed = parameters if parameters.get("type") == "object" else {"type": "object", **parameters}
    return {"name": tool.name, **described, "input_schema": typed, **({"strict": True} if tool.strict else {})}


def _choice(choice: Choice, tools: Sequence[Tool], losses: list[Loss]) -> Tree:
    mode = choice.mode or ("auto" if choice.parallel is False else "")
    if not mode:
        return {}
    if not tools:  # the API refuses a choice among none, and only one that must be made is lost
        losses += [Loss("tool_choice", "tool_choice")] if mode in ("any", "tool") else []
        return {}
    named = {"name": choice.name} if mode == "tool" else {}
    alone = {"disable_parallel_tool_use": True} if choice.parallel is False and mode != "none" else {}
    return {"tool_choice": {"type": mode, **named, **alone}}


def _sampling(sampling: Sampling, able: Model, losses: list[Loss], *, thinks: bool) -> Tree:
    """Temperature, top_p and top_k. 1 is what each of the first two is anyway, so a model that refuses them does without."""
    wanted = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    said = {name: value for name, value in wanted.items() if value is not None and not (value == 1 and name != "top_k")}
    if said.get("temperature", 0) > 1:
        losses.append(Loss("sampling", "temperature"))
        del said["temperature"]
    for name in _refused(said, able, thinks=thinks):
        losses.append(Loss("top_k" if name == "top_k" else "sampling", name))
        del said[name]
    return said


def _refused(said: Mapping[str, Any], able: Model, *, thinks: bool) -> list[str]:
    """Which of them the model would refuse: all, those that disturb its thinking, or the second of two that exclude each other."""
    if not able.sampling:
        return list(said)
    if thinks:
        return [name for name, value in said.items() if not (name == "top_p" and value >= 0.95)]
    return ["top_p"] if not able.both and {"temperature", "top_p"} <= said.keys() else []


def _stop(stops: Sequence[str], losses: list[Loss]) -> Tree:
    """Sequences that have more than blanks: the API refuses others."""
    kept = [stop for stop in stops if stop.strip()]
    if len(kept) < len(stops):
        losses.append(Loss("stop", "stop"))
    return {"stop_sequences": kept} if kept else {}


def _output(wanted: Format | None, thinking: Thinking, losses: list[Loss]) -> Tree:
    config: Tree = {} if thinking.effort is None else {"effort": thinking.effort}
    if wanted is not None and wanted.kind == "schema":
        config["format"] = {"type": "json_schema", "schema": closed(wanted.schema or {})}
    elif wanted is not None and wanted.kind == "json":
        losses.append(Loss("format", "format"))
    return {"output_config": config} if config else {}


def closed(schema: Any) -> Any:
    """The schema with every object in it closed, which the API wants said."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return {**inner, "additionalProperties": False} if _is_open(schema) else inner


def _is_open(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema


def _user(user: str, losses: list[Loss]) -> Tree:
    if len(user) > _USER:
        losses.append(Loss("metadata", "user"))
        return {}
    return {"metadata": {"user_id": user}} if user else {}


def _unsaid(sampling: Sampling) -> Iterator[Loss]:
    """What this API has no word for; a value that changes nothing is no loss."""
    said = {
        "n": (sampling.n or 1) > 1,
        "seed": sampling.seed is not None,
        "penalties": bool(sampling.presence or sampling.frequency),
        "logprobs": sampling.logprobs is not None,
    }
    return (Loss(what, what) for what, asked in said.items() if asked)
