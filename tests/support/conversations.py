"""Conversations with tools, in every dialect that has them."""

from typing import Any

import orjson

PICTURE = "data:image/png;base64,AAAA"


def user(dialect: str, *texts: str) -> dict[str, Any]:
    kind = "input_text" if dialect == "responses" else "text"
    return {"role": "user", "content": texts[0] if len(texts) == 1 else [{"type": kind, "text": text} for text in texts]}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(dialect: str, result: Any, arguments: Any = None) -> list[dict[str, Any]]:
    """A call of a tool, and what it gave."""
    given = {"path": "a.txt"} if arguments is None else arguments
    written = orjson.dumps(given).decode()
    if dialect == "openai":
        asked = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": written}}
        return [
            {"role": "assistant", "content": None, "tool_calls": [asked]},
            {"role": "tool", "tool_call_id": "call_1", "content": result},
        ]
    if dialect == "responses":
        asked = {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": written}
        return [asked, {"type": "function_call_output", "call_id": "call_1", "output": result}]
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "read", "input": given}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": result}]},
    ]


def parts(dialect: str, *texts: str) -> list[dict[str, Any]]:
    """A structured result: texts, and a picture beside them."""
    if dialect == "responses":
        return [*({"type": "input_text", "text": text} for text in texts), {"type": "input_image", "image_url": PICTURE}]
    if dialect == "openai":
        return [*({"type": "text", "text": text} for text in texts), {"type": "image_url", "image_url": {"url": PICTURE}}]
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    return [*({"type": "text", "text": text} for text in texts), {"type": "image", "source": source}]


def body(dialect: str, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    name = "input" if dialect == "responses" else "messages"
    return {"model": "m", **({"max_tokens": 9} if dialect == "anthropic" else {}), name: list(messages), **more}


def result_in(dialect: str, message: dict[str, Any]) -> Any:
    if dialect == "anthropic":
        (block,) = message["content"]
        assert ("tool_result", "call_1") == (block["type"], block["tool_use_id"])
        return block["content"]
    return message["output" if dialect == "responses" else "content"]
