"""What the providers' APIs answer, as bytes: OpenAI chat, responses, embeddings, models; Anthropic messages; plain and streamed.

Shapes from the providers' public API references, read through what their own SDKs parse.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

TEXT = "Hello from the provider."


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def pieces(text: str, count: int = 4) -> list[str]:
    """`text` cut in about `count` pieces, none empty."""
    size = max(1, -(-len(text) // count))
    return [text[i : i + size] for i in range(0, len(text), size)]


def chat_completion(text: str = TEXT, model: str = "gpt-4o-mini", tokens: tuple[int, int] = (9, 5), **extra: Any) -> dict[str, Any]:
    """An OpenAI chat completion; `tokens` are (prompt, completion), `extra` goes to the message (tool_calls)."""
    message = {"role": "assistant", "content": text, **extra}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in extra else "stop", "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": openai_usage(tokens),
    }


def openai_usage(tokens: tuple[int, int]) -> dict[str, Any]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def chat_events(
    texts: Sequence[str] = (), model: str = "gpt-4o-mini", tokens: tuple[int, int] | None = (9, 5), *, done: bool = True
) -> list[bytes]:
    """The SSE events of a streamed chat completion: role, one event per text, finish, usage (unless None), `[DONE]`."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event({**base, "choices": [choice], **({"usage": None} if tokens else {})})

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": text}) for text in texts or pieces(TEXT)]
    events.append(chunk({}, "stop"))
    if tokens:
        events.append(event({**base, "choices": [], "usage": openai_usage(tokens)}))
    return [*events, b"data: [DONE]\n\n"] if done else events


def embeddings(count: int = 1, model: str = "text-embedding-3-small", size: int = 4) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": [0.5] * size} for i in range(count)]
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def models(names: Iterable[str]) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in names]}


def message(text: str = TEXT, model: str = "claude-sonnet-4-5", tokens: tuple[int, int] = (9, 5)) -> dict[str, Any]:
    """An Anthropic message; `tokens` are (input, output)."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }


def message_events(texts: Sequence[str] = (), model: str = "claude-sonnet-4-5", tokens: tuple[int, int] = (9, 5)) -> list[bytes]:
    """The SSE events of a streamed Anthropic message, in the documented order."""
    head = {**message("", model, (tokens[0], 1)), "content": [], "stop_reason": None}
    block = {"index": 0, "content_block": {"type": "text", "text": ""}}
    events = [named("message_start", {"message": head}), named("content_block_start", block), named("ping", {})]
    for text in texts or pieces(TEXT):
        events.append(named("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}))
    delta = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": tokens[1]}}
    return [*events, named("content_block_stop", {"index": 0}), named("message_delta", delta), named("message_stop", {})]


def response(
    output: Sequence[dict[str, Any]] = (), model: str = "gpt-5", tokens: tuple[int, int] = (9, 5), **extra: Any
) -> dict[str, Any]:
    """A whole answer of the Responses API; without `output`, one message that says TEXT. `tokens` are (input, output)."""
    usage = {
        "input_tokens": tokens[0], "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": tokens[1], "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": sum(tokens),
    }  # fmt: skip
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": model, "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "output": list(output) or [said(TEXT)],
        "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "store": False,
        "usage": usage, **extra,
    }  # fmt: skip


def said(text: str, name: str = "msg_1") -> dict[str, Any]:
    """An output item: a message of one text."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": name, "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def called(name: str, arguments: str, call: str = "call_1") -> dict[str, Any]:
    """An output item: a call of a function."""
    return {
        "id": f"fc_{call}",
        "type": "function_call",
        "call_id": call,
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def thought(text: str) -> dict[str, Any]:
    """An output item: reasoning, as a summary and in encrypted form."""
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": "gAAAA" + "Q" * 80}


def response_events(
    output: Sequence[dict[str, Any]] = (), model: str = "gpt-5", tokens: tuple[int, int] = (9, 5), size: int = 7, **extra: Any
) -> list[bytes]:
    """The SSE events of a streamed response in the documented order: every text in pieces of `size`, then again as a whole."""
    whole = response(output, model, tokens, **extra)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    events = [("response.created", {"response": begun}), ("response.in_progress", {"response": begun})]
    for index, item in enumerate(whole["output"]):
        events += _item_events(item, index, size)
    events.append((f"response.{whole['status']}", {"response": whole}))
    return [named(name, {**fields, "sequence_number": number}) for number, (name, fields) in enumerate(events)]


def _item_events(item: dict[str, Any], index: int, size: int) -> Iterable[tuple[str, dict[str, Any]]]:
    at = {"item_id": item["id"], "output_index": index}
    empty = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
        "custom_tool_call": {"input": ""},
    }
    yield (
        "response.output_item.added",
        {"output_index": index, "item": {**item, **empty.get(item["type"], {}), "status": "in_progress"}},
    )
    if item["type"] == "message":
        part = {**at, "content_index": 0}
        text = item["content"][0]["text"]
        yield "response.content_part.added", {**part, "part": {**item["content"][0], "text": ""}}
        for piece in _cut(text, size):
            yield "response.output_text.delta", {**part, "delta": piece, "logprobs": [], "obfuscation": "x7Q"}
        yield "response.output_text.done", {**part, "text": text, "logprobs": []}
        yield "response.content_part.done", {**part, "part": item["content"][0]}
    if item["type"] == "reasoning":
        for number, summary in enumerate(item["summary"]):
            part = {**at, "summary_index": number}
            yield "response.reasoning_summary_part.added", {**part, "part": {"type": "summary_text", "text": ""}}
            for piece in _cut(summary["text"], size):
                yield "response.reasoning_summary_text.delta", {**part, "delta": piece}
            yield "response.reasoning_summary_text.done", {**part, "text": summary["text"]}
            yield "response.reasoning_summary_part.done", {**part, "part": summary}
    for kind, member, name in (
        ("function_call", "arguments", "function_call_arguments"),
        ("custom_tool_call", "input", "custom_tool_call_input"),
    ):
        if item["type"] == kind:
            for piece in _cut(item[member], size):
                yield f"response.{name}.delta", {**at, "delta": piece}
            yield f"response.{name}.done", {**at, member: item[member]}
    yield "response.output_item.done", {"output_index": index, "item": item}


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def event(data: Any) -> bytes:
    return b"data: " + compact(data) + b"\n\n"


def named(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\n" + event({"type": name, **fields})


def openai_error(kind: str, text: str) -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "param": None, "code": kind}}


def anthropic_error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}
