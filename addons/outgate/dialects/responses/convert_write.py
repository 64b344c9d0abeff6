"""Write a conversation as a request to the Responses API. Nothing of it is kept at the provider."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from outgate.dialects.openai.chat import is_newer
from outgate.dialects.responses.codec import LEAST_OUTPUT, forget
from outgate.dialects.responses.convert_parts import write_contents
from outgate.dialects.responses.convert_tools import write_choice, write_tools
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Call, Conversation, Format, Loss, Part, Reasoning, Result, Role, Thought, Turn

_PATH = "/v1/responses"
_EFFORTS = ((1_024, "minimal"), (4_096, "low"), (16_384, "medium"))
"""Budgets of thinking, in tokens, up to which an effort is meant; beyond the last it is `high`."""
_ROLES = {Role.SYSTEM: "developer", Role.USER: "user", Role.ASSISTANT: "assistant"}


def write_request(asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
    """The request, and what the API cannot say."""
    losses: list[Loss] = []
    body: dict[str, Any] = {"model": model, "input": _input(asked, losses), "stream": asked.stream}
    if asked.system:
        body["instructions"] = asked.system[0].text
    if asked.tools:
        body["tools"] = write_tools(asked.tools)
        told = {"tool_choice": write_choice(asked.choice, asked.tools), "parallel_tool_calls": asked.choice.parallel}
        body.update((name, value) for name, value in told.items() if value is not None)
    if asked.format is not None and asked.format.kind != "text":
        body["text"] = {"format": _format(asked.format)}
    if asked.user:
        body["user"] = asked.user
    body.update(_sampling(asked, model, max_tokens, losses))
    body.update(_reasoning(asked.reasoning, model))
    forget(body, model)
    return Outbound(_PATH, body, losses)


def _input(asked: Conversation, losses: list[Loss]) -> list[dict[str, Any]]:
    """Instructions beyond the first are messages of the developer, before all others."""
    before = [_message("developer", [{"type": "input_text", "text": text.text}]) for text in asked.system[1:]]
    customs = {part.id for turn in asked.turns for part in turn.parts if isinstance(part, Call) and part.custom}
    items = [item for at, turn in enumerate(asked.turns) for item in _items(turn, f"turns[{at}]", customs, losses)]
    return [*before, *items]


def _items(turn: Turn, where: str, customs: set[str], losses: list[Loss]) -> Iterator[dict[str, Any]]:
    if turn.name:
        losses.append(Loss("names", where))
    assistant = turn.role is Role.ASSISTANT
    for apart, parts in groupby(turn.parts, lambda part: isinstance(part, Call | Result | Thought)):
        if apart:
            for part in parts:
                yield from _item(part, where, customs, losses)
        elif contents := write_contents([*parts], where, losses, assistant=assistant):
            yield _message(_ROLES[turn.role], contents)


def _message(role: str, contents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A message. An answer of one plain text is a string: servers want an answer's parts with the ids that it had there."""
    plain = role == "assistant" and len(contents) == 1 and contents[0]["type"] == "output_text" and not contents[0]["annotations"]
    return {"type": "message", "role": role, "content": contents[0]["text"] if plain else list(contents)}


def _item(part: Part, where: str, customs: set[str], losses: list[Loss]) -> Iterator[dict[str, Any]]:
    if isinstance(part, Call):
        yield _call(part)
    elif isinstance(part, Result):
        yield _result(part, where, customs, losses)
    elif isinstance(part, Thought):
        if part.provider == "responses" and part.signature:
            yield thought_item(part)
        else:
            losses.append(Loss("thoughts" if part.text else "signatures", where))


def _call(part: Call) -> dict[str, Any]:
    if part.custom:
        return {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
    return {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}


def _result(part: Result, where: str, customs: set[str], losses: list[Loss]) -> dict[str, Any]:
    contents = write_contents(part.parts, where, losses)
    plain = len(contents) == 1 and contents[0]["type"] == "input_text"
    kind = "custom_tool_call_output" if part.id in customs else "function_call_output"
    return {"type": kind, "call_id": part.id, "output": contents[0]["text"] if plain else contents or ""}


def thought_item(part: Thought) -> dict[str, Any]:
    """Reasoning that the provider sealed, with its summary."""
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    named = {"id": part.rest["id"]} if part.rest.get("id") else {}
    return {"type": "reasoning", **named, "summary": summary, "encrypted_content": part.signature}


def _format(form: Format) -> dict[str, Any]:
    if form.kind == "json":
        return {"type": "json_object"}
    told = {"description": form.description or None, "strict": form.strict}
    kept = {name: value for name, value in told.items() if value is not None}
    return {"type": "json_schema", "name": form.name or "answer", "schema": dict(form.schema or {}), **kept}


def _sampling(asked: Conversation, model: str, max_tokens: int | None, losses: list[Loss]) -> dict[str, Any]:
    wanted = asked.sampling
    lost = {
        "n": (wanted.n or 1) > 1,
        "seed": wanted.seed is not None,
        "top_k": wanted.top_k is not None,
        "penalties": bool(wanted.presence or wanted.frequency),
        "logprobs": wanted.logprobs is not None,
        "stop": bool(wanted.stop),
    }
    losses += [Loss(what, "sampling") for what, is_lost in lost.items() if is_lost]
    most = wanted.max_tokens or max_tokens
    if wanted.max_tokens and wanted.max_tokens < LEAST_OUTPUT:
        losses.append(Loss("sampling", "max_tokens"))
    numbers = {"max_output_tokens": max(LEAST_OUTPUT, most) if most else None, **_steered(asked, model, losses)}
    return {name: value for name, value in numbers.items() if value is not None}


def _steered(asked: Conversation, model: str, losses: list[Loss]) -> dict[str, float | None]:
    """Models that reason refuse both numbers; 1 is what they have."""
    numbers = {"temperature": asked.sampling.temperature, "top_p": asked.sampling.top_p}
    if not is_newer(model):
        return numbers
    losses += [Loss("sampling", name) for name, value in numbers.items() if value not in (None, 1)]
    return {}


def _reasoning(wanted: Reasoning | None, model: str) -> dict[str, Any]:
    """No reasoning is what models without it have, and they refuse to be asked for none."""
    if wanted is None:
        return {}
    effort = wanted.effort or _effort(wanted.budget)
    if effort == "none" and not is_newer(model):
        return {}
    told = {"effort": effort or None, "summary": "auto" if wanted.shown else None}
    reasoning = {name: value for name, value in told.items() if value}
    return {"reasoning": reasoning} if reasoning else {}


def _effort(budget: int | None) -> str:
    if budget is None or budget < 0:
        return ""
    return "none" if budget == 0 else next((effort for most, effort in _EFFORTS if budget <= most), "high")
