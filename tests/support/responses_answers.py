"""Answers of the OpenAI Responses API, plain and streamed.

Shapes from the public API reference, read through what the SDK parses.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from support.sse import TEXT, frames, named


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


def text_of(body: Mapping[str, Any]) -> str:
    """The text of the messages of a whole answer."""
    messages = [item for item in body["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


def streamed_text(raw: bytes) -> str:
    """The text of a streamed answer, which its pieces, its parts and the answer at its end say alike."""
    found = frames(raw)
    pieces = "".join(frame["delta"] for frame in found if frame["type"] == "response.output_text.delta")
    done = "".join(frame["text"] for frame in found if frame["type"] == "response.output_text.done")
    assert pieces == done == text_of(found[-1]["response"])
    return pieces
