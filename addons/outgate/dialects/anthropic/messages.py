"""Codec of the Anthropic API: messages and models; every other path of it is read as an unjudged body."""

# ruff: noqa: ARG002, FBT001  the flags of the port are positional

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from outgate.dialects import opaque, uploads
from outgate.dialects.answers import OpaqueAnswer, WholeAnswer, reports_nothing
from outgate.dialects.anthropic.stream import AnthropicStream, reported
from outgate.dialects.anthropic.tables import ERROR_TYPES, MESSAGE, MESSAGES
from outgate.dialects.events import Reported
from outgate.dialects.json_body import LIMITS, REMOVED, Limits, dump
from outgate.dialects.parameters import JSON, count, flag, identity_of, messages_of, model_of, number, prompt_of, tools_of
from outgate.dialects.reading import read
from outgate.dialects.refusals import Refusal
from outgate.dialects.spec import AnswerDecoder, Canned, Request, RequestLine, Target, WireRequest, error_type
from outgate.dialects.sse import encode as sse_event
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.stream import Event
from outgate.inference.usage import Usage
from outgate.net.headers import Headers

_CONVERSATION = (Kind.CHAT, Kind.COUNT_TOKENS)


def _used_nothing(_: Mapping[str, Any]) -> Reported:
    """Of an answer that counts: `input_tokens` in it are those that a message would use."""
    return Reported(Usage(input_tokens=0, output_tokens=0))


def is_own_error(tree: Mapping[str, Any]) -> bool:
    """Whether a tree is an error as this API has them."""
    error = tree.get("error")
    return tree.get("type") == "error" and isinstance(error, dict) and isinstance(error.get("type"), str)


def _provider_error(status: int, message: str, code: str | None) -> dict[str, Any]:
    """An error of this API with a provider's text."""
    error = {"type": error_type(ERROR_TYPES, status, server="api_error"), "message": message}
    return {"type": "error", "error": {**error, "details": {"error_code": code}} if code else error}


def _own_target(line: RequestLine, edits: dict[tuple[int, str | int], Any]) -> str:
    """The target at Anthropic's own; of an address on Vertex AI the body loses the version that it has there."""
    if "/projects/" not in line.target:
        return line.target
    edits[0, "anthropic_version"] = REMOVED
    return "/v1/messages" if line.operation.kind is Kind.CHAT else "/v1/messages/count_tokens"


class Anthropic:
    """See `dialects.spec.Dialect`. Streams report usage unasked, so `include_usage` changes nothing."""

    name = "anthropic"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request:
        if line.operation.kind is Kind.FILES:
            return uploads.decode(line, headers, body, self._limits)
        if line.operation.kind not in _CONVERSATION:
            return opaque.decode(line, body, MESSAGES, self._limits)
        reading = read(body, MESSAGES, self._limits)
        tree = reading.document.tree
        messages_of(tree)
        counts = line.operation.kind is Kind.COUNT_TOKENS
        params = Params(
            stream=flag(tree, "stream") and not counts,
            max_tokens=count(tree, "max_tokens"),
            temperature=number(tree, "temperature"),
            include_usage=True,
            server_state=reading.state,
            identity=identity_of(reading, ("tools",)),
        )
        model = dict(line.operation.captured).get("model") if not counts else None
        return Request(line, prompt_of(reading), tools_of(tree, ("tools",)), params, model or model_of(tree))

    def encode(self, request: Request, target: Target) -> WireRequest:
        if request.line.operation.kind is Kind.FILES:
            return uploads.encode(request, target)
        if request.line.operation.kind not in _CONVERSATION:
            return opaque.encode(request, target)
        edits = {**request.prompt.edits, (0, "model"): target.model}
        writes = request.line.operation.kind is Kind.CHAT
        if writes and target.max_tokens is not None and request.params.max_tokens is None:
            edits[0, "max_tokens"] = target.max_tokens
        return WireRequest(_own_target(request.line, edits), JSON, request.prompt.document.encode(edits))

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        if operation.kind is Kind.OPAQUE:
            return OpaqueAnswer()
        if status >= 400:
            return Refusal(status, is_own_error, _provider_error)
        if operation.kind is Kind.CHAT:
            return AnthropicStream() if stream else WholeAnswer(MESSAGE, reported)
        if operation.kind is Kind.COUNT_TOKENS:
            return WholeAnswer(MESSAGE, _used_nothing)
        return WholeAnswer(MESSAGE, reports_nothing)

    def error(self, denial: Denial, request_id: str) -> bytes:
        details = {"error_code": denial.code}
        kind = error_type(ERROR_TYPES, denial.status, server="api_error")
        error = {"type": kind, "message": denial.message, "details": details}
        return dump({"type": "error", "error": error, "request_id": request_id})

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        return sse_event(self.error(denial, request_id), b"error")

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """Raises WireError for an operation that has no answer in words."""
        if operation.kind is not Kind.CHAT:
            raise WireError("no_canned_answer", "only a conversation can be answered in words")
        usage = {"input_tokens": 0, "output_tokens": 0}
        head = {"id": f"msg_{reply.request_id}", "type": "message", "role": "assistant", "model": reply.model}
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        if not stream:
            message = {**head, "content": [{"type": "text", "text": reply.text}], **end, "usage": usage}
            return self.redecode(operation, stream, dump(message))
        start: dict[str, Any] = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": reply.text}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": {"output_tokens": 0}},
            {"type": "message_stop"},
        ]
        return self.redecode(operation, stream, b"".join(sse_event(dump(event), event["type"].encode()) for event in events))

    def models(self, ids: Sequence[str], created: int) -> bytes:
        at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        data = [{"type": "model", "id": name, "display_name": name, "created_at": at} for name in ids]
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        return dump({"data": data, "has_more": False, **ends})

    def content_type(self, stream: bool) -> str:
        return "text/event-stream; charset=utf-8" if stream else "application/json"

    def redecode(self, operation: Operation, stream: bool, raw: bytes, include_usage: bool = True) -> list[Event]:
        decoder = self.answer(operation, stream, include_usage)
        return [*decoder.feed(raw), *decoder.end()]
