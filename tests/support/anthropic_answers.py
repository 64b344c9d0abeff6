"""Answers of the Anthropic API: messages, plain and streamed.

Shapes from the public API reference, read through what the SDK parses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from support.sse import TEXT, event, frames, pieces


def message(text: str = TEXT, model: str = "claude-sonnet-4-5", tokens: tuple[int, int] = (9, 5)) -> dict[str, Any]:
    """A whole message; `tokens` are (input, output)."""
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


def message_start(model: str = "claude-sonnet-4-5", **usage: Any) -> dict[str, Any]:
    head = {**message("", model), "content": [], "stop_reason": None}
    return {"type": "message_start", "message": {**head, "usage": usage or {"input_tokens": 9, "output_tokens": 1}}}


def block_start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def text_delta(text: str, index: int = 0) -> dict[str, Any]:
    return block_delta(index, type="text_delta", text=text)


def input_delta(arguments: str, index: int = 0) -> dict[str, Any]:
    """A piece of the input of a tool call."""
    return block_delta(index, type="input_json_delta", partial_json=arguments)


def block_stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def message_delta(stop_reason: Any = "end_turn", **usage: Any) -> dict[str, Any]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage or {"output_tokens": 5}}


STOP = {"type": "message_stop"}


def message_stream(*events: Mapping[str, Any]) -> bytes:
    """The bytes of a stream of these events."""
    return b"".join(b"event: " + str(each["type"]).encode() + b"\n" + event(each) for each in events)


def message_events(texts: Sequence[str] = (), model: str = "claude-sonnet-4-5", tokens: tuple[int, int] = (9, 5)) -> list[bytes]:
    """The events of a streamed message, in the documented order."""
    start = message_start(model, input_tokens=tokens[0], output_tokens=1)
    deltas = [text_delta(text) for text in texts or pieces(TEXT)]
    end = [block_stop(0), message_delta(output_tokens=tokens[1]), STOP]
    return [message_stream(each) for each in (start, block_start(0, type="text", text=""), {"type": "ping"}, *deltas, *end)]


def streamed_text(raw: bytes) -> str:
    """The text, and the input of tool calls, of a streamed message; every piece comes before its block stops."""
    found = frames(raw)
    kinds = [frame["type"] for frame in found]
    assert kinds.index("content_block_stop") > max(i for i, kind in enumerate(kinds) if kind == "content_block_delta")
    deltas = [frame["delta"] for frame in found if frame["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") + delta.get("partial_json", "") for delta in deltas)


def anthropic_error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}
