"""Conversations as chat completion requests.

Results of tools become messages of their own, right behind the calls. They hold text alone there: an image that a tool returned
follows in a message of the user.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from outgate.dialects.openai.chat import is_newer
from outgate.dialects.openai.convert_parts import plain, written_call, written_parts
from outgate.dialects.translation import Outbound, effort_of
from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Format,
    Loss,
    Media,
    Reasoning,
    Refused,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)

PATH = "/v1/chat/completions"
_MOST_STOPS = 4
_MODES = {"auto": "auto", "none": "none", "any": "required"}
_FAILED = "Error: "
_SHOWN = "The result is in the next message."


def write_request(asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
    """See `translation.Converter`."""
    losses: list[Loss] = []
    body: dict[str, Any] = {"model": model, "messages": list(_messages(asked, losses))}
    if asked.tools:
        body["tools"] = [_tool(tool) for tool in asked.tools]
        body.update(_choice(asked.choice, asked.tools))
    if asked.format is not None and asked.format.kind != "text":
        body["response_format"] = _format(asked.format)
    body.update(_sampling(asked.sampling, losses))
    most = max_tokens if asked.sampling.max_tokens is None else asked.sampling.max_tokens
    if most is not None:
        body["max_completion_tokens" if is_newer(model) else "max_tokens"] = most
    effort = _effort(asked.reasoning, newer=is_newer(model))
    if effort:
        body["reasoning_effort"] = effort
    if asked.user:
        body["user"] = asked.user
    if asked.stream:
        body.update(stream=True, stream_options={"include_usage": True})
    return Outbound(PATH, body, losses)


def _messages(asked: Conversation, losses: list[Loss]) -> Iterator[dict[str, Any]]:
    if asked.system:
        yield {"role": "system", "content": "\n\n".join(text.text for text in asked.system)}
    for at, turn in enumerate(asked.turns):
        where = f"messages[{at}]"
        named = {"name": turn.name} if turn.name else {}
        written = _said(turn, where, losses) if turn.role is Role.ASSISTANT else _heard(turn, where, losses)
        yield from (message | named if message["role"] != "tool" else message for message in written)


def _heard(turn: Turn, where: str, losses: list[Loss]) -> Iterator[dict[str, Any]]:
    """Messages of a user's or a system's turn: results first, then what else was said, with the media of the results."""
    results = [part for part in turn.parts if isinstance(part, Result)]
    media = [part for result in results for part in result.parts if isinstance(part, Media) and not part.text]
    yield from map(_result, results)
    said = [*media, *(part for part in turn.parts if isinstance(part, Text | Media))]
    parts = written_parts(said, where, losses)
    if parts or not results:
        yield {"role": str(turn.role), "content": plain(parts)}


def _result(result: Result) -> dict[str, Any]:
    texts = [part.text for part in result.parts if part.text]
    said = "\n\n".join(texts) if texts or not result.parts else _SHOWN
    failed = _FAILED if result.failed and not said.startswith(_FAILED) else ""
    return {"role": "tool", "tool_call_id": result.id, "content": failed + said}


def _said(turn: Turn, where: str, losses: list[Loss]) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    texts = [part for part in turn.parts if isinstance(part, Text)]
    refused = [part.text for part in turn.parts if isinstance(part, Refused)]
    calls = [written_call(part) for part in turn.parts if isinstance(part, Call)]
    thoughts = list(_thoughts(turn, where, losses))
    losses += (Loss("images", where) for part in turn.parts if isinstance(part, Media))
    losses += (Loss("citations", where) for text in texts if text.citations)
    if texts or not (calls or refused):
        message["content"] = "".join(text.text for text in texts)
    if refused:
        message["refusal"] = "".join(refused)
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    yield message


def _thoughts(turn: Turn, where: str, losses: list[Loss]) -> Iterator[str]:
    """Reasoning that was said in the open; what another provider signed or sealed is of no use here."""
    for part in turn.parts:
        if isinstance(part, Thought):
            if part.text and not (part.provider or part.signature or part.sealed):
                yield part.text
            else:
                losses.append(Loss("thoughts" if part.text else "signatures", where))


def _tool(tool: Tool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": tool.name}
    if tool.description:
        told["description"] = tool.description
    if tool.custom:
        return {"type": "custom", "custom": {**told, **({"format": tool.rest["format"]} if "format" in tool.rest else {})}}
    if tool.parameters is not None:
        told["parameters"] = tool.parameters
    if tool.strict is not None:
        told["strict"] = tool.strict
    return {"type": "function", "function": told}


def _choice(choice: Choice, tools: Iterable[Tool]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if choice.mode == "tool":
        kind = "custom" if any(tool.custom for tool in tools if tool.name == choice.name) else "function"
        made["tool_choice"] = {"type": kind, kind: {"name": choice.name}}
    elif choice.mode:
        made["tool_choice"] = _MODES[choice.mode]
    if choice.parallel is not None:
        made["parallel_tool_calls"] = choice.parallel
    return made


def _format(form: Format) -> dict[str, Any]:
    if form.kind == "json":
        return {"type": "json_object"}
    told: dict[str, Any] = {"name": form.name or "answer", "schema": form.schema}
    if form.strict is not None:
        told["strict"] = form.strict
    if form.description:
        told["description"] = form.description
    return {"type": "json_schema", "json_schema": told}


def _sampling(sampling: Sampling, losses: list[Loss]) -> Mapping[str, Any]:
    given = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "n": sampling.n,
        "seed": sampling.seed,
        "presence_penalty": sampling.presence,
        "frequency_penalty": sampling.frequency,
        "logprobs": True if sampling.logprobs is not None else None,
        "top_logprobs": sampling.logprobs or None,
        "stop": list(sampling.stop[:_MOST_STOPS]) or None,
    }
    if sampling.top_k is not None:
        losses.append(Loss("top_k", "top_k"))
    if len(sampling.stop) > _MOST_STOPS:
        losses.append(Loss("stop", "stop"))
    return {name: value for name, value in given.items() if value is not None}


def _effort(reasoning: Reasoning | None, *, newer: bool) -> str:
    """The effort that is meant; a model that does not reason need not be told not to."""
    if reasoning is None:
        return ""
    effort, budget = reasoning.effort, reasoning.budget
    if not effort and budget is not None and budget >= 0:
        effort = effort_of(budget)
    return effort if newer or effort != "none" else ""
