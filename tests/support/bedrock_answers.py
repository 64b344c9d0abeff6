"""Answers of Amazon Bedrock's Converse, whole and as frames of its event stream (botocore's service model of bedrock-runtime)."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import orjson

from support.sse import TEXT

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def frame(payload: bytes, **fields: str) -> bytes:
    """A frame with these header fields, `message_type` for `:message-type`."""
    head = b"".join(_field(f":{name.replace('_', '-')}", value) for name, value in fields.items())
    prelude = struct.pack(">II", len(payload) + len(head) + 16, len(head))
    body = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return body + struct.pack(">I", crc32(body))


def _field(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


def event(name: str, **members: Any) -> bytes:
    return frame(orjson.dumps(members), event_type=name, content_type="application/json", message_type="event")


def exception(name: str, message: str) -> bytes:
    told = orjson.dumps({"message": message})
    return frame(told, exception_type=name, content_type="application/json", message_type="exception")


def usage(tokens: tuple[int, int], **more: int) -> dict[str, Any]:
    return {"inputTokens": tokens[0], "outputTokens": tokens[1], "totalTokens": sum(tokens), **more}


def whole(*blocks: Mapping[str, Any], stop: str = "end_turn", told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(blocks)}
    return {"output": {"message": message}, "stopReason": stop, "usage": told or usage((9, 5)), "metrics": {"latencyMs": 40}}


def delta(index: int, **piece: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=piece, p="abcdef")


def stopped(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def events(*blocks: Sequence[bytes], stop: str = "end_turn", told: Mapping[str, Any] | None = None) -> list[bytes]:
    """A stream of these blocks, each the frames of it."""
    ended = [event("messageStop", stopReason=stop), event("metadata", usage=told or usage((9, 5)), metrics={"latencyMs": 40})]
    return [event("messageStart", role="assistant"), *(each for block in blocks for each in block), *ended]


def said(texts: Sequence[str] = (TEXT,), index: int = 0) -> list[bytes]:
    """The frames of a text: nothing announces it."""
    return [*(delta(index, text=text) for text in texts), stopped(index)]


def called(name: str, pieces: Sequence[str], index: int = 0, called_as: str = "tooluse_1") -> list[bytes]:
    """The frames of a call."""
    begun = event("contentBlockStart", contentBlockIndex=index, start={"toolUse": {"toolUseId": called_as, "name": name}})
    return [begun, *(delta(index, toolUse={"input": piece}) for piece in pieces), stopped(index)]


def failure(message: str = "scripted refusal") -> dict[str, Any]:
    return {"message": message}
