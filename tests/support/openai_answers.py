"""Answers of the OpenAI API: chat, embeddings and models, plain and streamed.

Shapes from the public API reference, read through what the SDK parses.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from support.sse import TEXT, event, frames, pieces

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
DONE = b"data: [DONE]\n\n"
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 7,
    "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
"""A report with every detail."""


def openai_usage(tokens: tuple[int, int]) -> dict[str, Any]:
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def chat_completion(text: str = TEXT, model: str = "gpt-4o-mini", tokens: tuple[int, int] = (9, 5), **extra: Any) -> dict[str, Any]:
    """A whole chat completion; `tokens` are (prompt, completion), `extra` goes to the message (tool_calls)."""
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


def chunk(delta: Mapping[str, Any], finish: str | None = None, index: int = 0, **extra: Any) -> dict[str, Any]:
    """One chunk of a streamed completion, with one choice."""
    return {**CHUNK, "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}], **extra}


def call_chunk(arguments: str | None = None, **named: str) -> dict[str, Any]:
    """The start of a tool call where it is `named` (id, name), else a piece of its arguments."""
    if not named:
        return chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
    function = {"name": named["name"], "arguments": arguments or ""}
    return chunk({"tool_calls": [{"index": 0, "id": named["id"], "type": "function", "function": function}]})


def usage_chunk(usage: Mapping[str, Any]) -> dict[str, Any]:
    return {**CHUNK, "choices": [], "usage": usage}


def chat_stream(*chunks: Mapping[str, Any], done: bool = True) -> bytes:
    """The bytes of a stream of these chunks."""
    return b"".join(map(event, chunks)) + (DONE if done else b"")


def chat_events(
    texts: Sequence[str] = (), model: str = "gpt-4o-mini", tokens: tuple[int, int] | None = (9, 5), *, done: bool = True
) -> list[bytes]:
    """The events of a streamed chat completion: role, one event per text, finish, usage (unless None), `[DONE]`."""
    extra = {"model": model, **({"usage": None} if tokens else {})}
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts or pieces(TEXT))]
    chunks = [*(chunk(delta, **extra) for delta in deltas), chunk({}, "stop", **extra)]
    if tokens:
        chunks.append({**usage_chunk(openai_usage(tokens)), "model": model})
    return [*map(event, chunks), *([DONE] if done else [])]


def streamed_text(raw: bytes) -> str:
    """The text of a streamed completion."""
    deltas = [choice["delta"] or {} for frame in frames(raw) for choice in frame.get("choices") or ()]
    return "".join(delta.get("content") or "" for delta in deltas)


def streamed_arguments(raw: bytes) -> str:
    """The arguments of the tool calls of a streamed completion."""
    deltas = [choice["delta"] for frame in frames(raw) for choice in frame["choices"]]
    return "".join(call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", ()))


def embeddings(count: int = 1, model: str = "text-embedding-3-small", size: int = 4) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": [0.5] * size} for i in range(count)]
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def models(names: Iterable[str]) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in names]}


def openai_error(kind: str, text: str) -> dict[str, Any]:
    return {"error": {"message": text, "type": kind, "param": None, "code": kind}}
