"""Answers that call a tool, `reset` unless it is named, in each API, whole or as a stream."""

from collections.abc import Mapping
from typing import Any

import orjson

from support import gemini_answers as google
from support.anthropic_answers import (
    STOP,
    block_start,
    block_stop,
    input_delta,
    message,
    message_delta,
    message_start,
    message_stream,
)
from support.openai_answers import USAGE, call_chunk, chat_completion, chat_stream, chunk, usage_chunk
from support.responses_answers import called, response, response_events

ARGUMENTS = '{"device":"router"}'


def answering(
    body: Mapping[str, Any], arguments: str = ARGUMENTS, name: str = "reset", *, stream: bool = False
) -> bytes | dict[str, Any]:
    """The answer to a body of any API; `stream` where the body does not say."""
    if "contents" in body:
        part = google.call(name, orjson.loads(arguments))
        return google.stream(google.chunk(part), google.last()) if stream else google.content(part)
    if "input" in body:
        output = [called(name, arguments)]
        return b"".join(response_events(output)) if body.get("stream") else response(output)
    if "max_tokens" in body:
        block = {"type": "tool_use", "id": "toolu_1", "name": name}
        if not body.get("stream"):
            return {**message(), "content": [{**block, "input": orjson.loads(arguments)}], "stop_reason": "tool_use"}
        pieces = input_delta(arguments[:7]), input_delta(arguments[7:])
        return message_stream(
            message_start(), block_start(0, **block, input={}), *pieces, block_stop(0), message_delta("tool_use"), STOP
        )
    if body.get("stream"):
        pieces = call_chunk(arguments[:7], id="call_1", name=name), call_chunk(arguments[7:])
        return chat_stream(chunk({"role": "assistant"}), *pieces, chunk({}, "tool_calls"), usage_chunk(USAGE))
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return chat_completion(None, tool_calls=[call])
