"""Codec of the OpenAI API: chat completions, embeddings, models; every other path of it is read as an unjudged body."""

# ruff: noqa: FBT001  the flags of the port are positional

import re
from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects import batches, opaque, uploads
from outgate.dialects.answers import OpaqueAnswer, WholeAnswer, reports_nothing
from outgate.dialects.json_body import LIMITS, Limits, dump
from outgate.dialects.openai import works
from outgate.dialects.openai.azure import deployment, plain
from outgate.dialects.openai.stream import DONE, OpenAIStream, reported
from outgate.dialects.openai.tables import BATCH, BATCH_START, CHAT, CHUNK, COMPLETION, EMBEDDINGS, ERROR_TYPES, OPAQUE
from outgate.dialects.openai.vectors import VectorsAnswer
from outgate.dialects.parameters import JSON, count, flag, identity_of, messages_of, model_of, number, prompt_of, tools_of
from outgate.dialects.reading import Reading, read
from outgate.dialects.refusals import Refusal
from outgate.dialects.spec import AnswerDecoder, Canned, Request, RequestLine, Target, WireRequest, error_type
from outgate.dialects.sse import encode as sse_event
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.stream import Event
from outgate.net.headers import Headers

_TOOLS = ("tools", "functions")
_NEWER = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex)")
"""Models that refuse `max_tokens`; all others, and most compatible servers, know only that one."""


class OpenAI:
    """See `dialects.spec.Dialect`."""

    name = "openai"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request:
        if line.operation.kind is Kind.CHAT:
            return self._chat(line, read(body, CHAT, self._limits))
        if line.operation.kind is Kind.EMBEDDINGS:
            return self._embeddings(line, read(body, EMBEDDINGS, self._limits))
        if line.operation.kind is Kind.FILES:
            return uploads.decode(line, headers, body, self._limits, BATCH)
        if line.operation.kind is Kind.BATCHES:
            return batches.decode(line, body, BATCH_START, self._limits)
        if line.operation.kind in works.KINDS:
            return works.decode(line, headers, body, self._limits, deployment(line.operation))
        return opaque.decode(line, body, OPAQUE, self._limits)

    def _chat(self, line: RequestLine, reading: Reading) -> Request:
        tree = reading.document.tree
        messages_of(tree)
        params = Params(
            stream=flag(tree, "stream"),
            max_tokens=_bound(tree),
            n=count(tree, "n") or 1,
            temperature=number(tree, "temperature"),
            include_usage=works.wants_usage(tree),
            server_state=reading.state,
            kept=flag(tree, "store"),
            identity=identity_of(reading, _TOOLS),
        )
        if params.stream:
            works.ask_for_usage(tree)
        modalities = tree.get("modalities")
        spoken = isinstance(modalities, list) and "audio" in modalities
        return Request(line, prompt_of(reading, *["audio"] * spoken), tools_of(tree, _TOOLS), params, _model(line, tree))

    def _embeddings(self, line: RequestLine, reading: Reading) -> Request:
        tree = reading.document.tree
        if not tree.get("input"):
            raise WireError("bad_parameter", "`input` must not be empty")
        params = Params(server_state=reading.state, identity=identity_of(reading, ()))
        return Request(line, prompt_of(reading), Tools(), params, _model(line, tree))

    def encode(self, request: Request, target: Target) -> WireRequest:
        kind, prompt = request.line.operation.kind, request.prompt
        if kind is Kind.FILES:
            return uploads.encode(request, target)
        if kind is Kind.BATCHES:
            return batches.encode(request)
        if kind in works.KINDS:
            return works.encode(request, plain(request.line.target), target)
        if kind not in (Kind.CHAT, Kind.EMBEDDINGS):
            return opaque.encode(request, target)
        edits = {**prompt.edits, (0, "model"): target.model}
        if kind is Kind.CHAT and target.max_tokens is not None and request.params.max_tokens is None:
            edits[0, "max_completion_tokens" if is_newer(target.model) else "max_tokens"] = target.max_tokens
        if request.params.kept and "store" not in target.state:
            edits[0, "store"] = False
        return WireRequest(plain(request.line.target), JSON, prompt.document.encode(edits))

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        if operation.kind is Kind.OPAQUE:
            return OpaqueAnswer()
        if status >= 400:
            return Refusal(status, is_own_error, provider_error)
        if operation.kind is Kind.CHAT:
            return OpenAIStream(include_usage=include_usage) if stream else WholeAnswer(COMPLETION, reported)
        if operation.kind is Kind.EMBEDDINGS:
            return VectorsAnswer()
        if operation.kind in works.KINDS:
            return works.answer(operation.kind, stream=stream, include_usage=include_usage)
        return WholeAnswer(CHUNK, reports_nothing)

    def error(self, denial: Denial, request_id: str) -> bytes:
        return dump({"error": {**error_of(denial), "request_id": request_id}})

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        """One event and no `[DONE]`: a client that ignores errors must not take the stream for complete."""
        return sse_event(self.error(denial, request_id))

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """Raises WireError for an operation that has no answer in words."""
        if operation.kind is not Kind.CHAT:
            raise WireError("no_canned_answer", "only a conversation can be answered in words")
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        head = {"id": f"chatcmpl-{reply.request_id}", "object": "chat.completion", "created": reply.created, "model": reply.model}
        message = {"role": "assistant", "content": reply.text}
        if not stream:
            choice = {"index": 0, "message": {**message, "refusal": None}, "logprobs": None, "finish_reason": "stop"}
            return self.redecode(operation, stream, dump({**head, "choices": [choice], "usage": usage}))
        head["object"] = "chat.completion.chunk"
        first = {"index": 0, "delta": message, "logprobs": None, "finish_reason": None}
        last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
        chunks = [{**head, "choices": [first]}, {**head, "choices": [last]}, {**head, "choices": [], "usage": usage}]
        raw = b"".join(sse_event(dump(chunk)) for chunk in chunks) + DONE
        return self.redecode(operation, stream, raw, include_usage)

    def models(self, ids: Sequence[str], created: int) -> bytes:
        data = [{"id": name, "object": "model", "created": created, "owned_by": "outgate"} for name in ids]
        return dump({"object": "list", "data": data})

    def content_type(self, stream: bool) -> str:
        return "text/event-stream; charset=utf-8" if stream else "application/json"

    def redecode(self, operation: Operation, stream: bool, raw: bytes, include_usage: bool = True) -> list[Event]:
        decoder = self.answer(operation, stream, include_usage)
        return [*decoder.feed(raw), *decoder.end()]


def is_own_error(tree: Mapping[str, Any]) -> bool:
    """Whether an error body is in the shape of which SDKs make typed errors."""
    return isinstance(tree.get("error"), dict | str) and bool(tree["error"])


def provider_error(status: int, message: str, code: str | None) -> dict[str, Any]:
    """An error of this API with a provider's text."""
    kind = error_type(ERROR_TYPES, status, server="server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def is_newer(model: str) -> bool:
    """Whether the model is one that reasons, or newer than those that know `max_tokens` only."""
    return _NEWER.match(model) is not None


def error_of(denial: Denial) -> dict[str, Any]:
    """A denial as an error object (platform.openai.com/docs/guides/error-codes)."""
    kind = error_type(ERROR_TYPES, denial.status, server="server_error")
    return {"message": denial.message, "type": kind, "param": None, "code": denial.code}


def _model(line: RequestLine, tree: Mapping[str, Any]) -> str:
    return deployment(line.operation) or model_of(tree)


def _bound(tree: Mapping[str, Any]) -> int | None:
    older, newer = count(tree, "max_tokens"), count(tree, "max_completion_tokens")
    if older is not None and newer is not None:
        raise WireError("bad_parameter", "`max_tokens` and `max_completion_tokens` exclude each other")
    return newer if older is None else older
