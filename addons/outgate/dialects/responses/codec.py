"""Codec of the Responses API: `POST /v1/responses`; every other path below it is read as an unjudged body.

Nothing is kept at the provider unless the policy admits `store`: the gateway sends `store: false`, and asks for reasoning in
encrypted form, so that a client that sends its items again goes on without the provider's memory.
"""

# ruff: noqa: ARG002, FBT001  the flags of the port are positional

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects import opaque
from outgate.dialects.answers import OpaqueAnswer, WholeAnswer
from outgate.dialects.json_body import JsonDocument, dump
from outgate.dialects.openai.azure import plain
from outgate.dialects.openai.chat import OpenAI, error_of, is_newer, is_own_error, provider_error
from outgate.dialects.parameters import JSON, count, flag, identity_of, model_of, number, prompt_of, tools_of
from outgate.dialects.reading import Reading, read
from outgate.dialects.refusals import Refusal
from outgate.dialects.responses.answers import RESPONSE
from outgate.dialects.responses.stream import ResponsesStream, reported
from outgate.dialects.responses.tables import OPAQUE, REFERENCE, REMEMBERED, RESPONSES
from outgate.dialects.spec import AnswerDecoder, Canned, Request, RequestLine, Target, WireRequest
from outgate.dialects.sse import encode as sse_event
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.stream import Event
from outgate.net.headers import Headers

LEAST_OUTPUT = 16
"""The lowest `max_output_tokens` that OpenAI takes."""
_FAILED = {400: "invalid_prompt", 403: "invalid_prompt", 429: "rate_limit_exceeded"}
"""Codes that a failed response may have (openai.types.responses.ResponseError); what is refused as invalid is not asked again."""
_ENCRYPTED = "reasoning.encrypted_content"


class Responses(OpenAI):
    """See `dialects.spec.Dialect`. Streams report usage unasked, so `include_usage` changes nothing."""

    name = "responses"

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request:
        if line.operation.kind is not Kind.CHAT:
            return opaque.decode(line, body, OPAQUE, self._limits)
        reading, state = _references(read(body, RESPONSES, self._limits))
        tree = reading.document.tree
        _check(tree)
        params = Params(
            stream=flag(tree, "stream"),
            max_tokens=count(tree, "max_output_tokens"),
            temperature=number(tree, "temperature"),
            include_usage=True,
            server_state=state,
            kept=flag(tree, "store"),
            identity=identity_of(reading, ("tools",)),
        )
        return Request(line, prompt_of(reading), tools_of(tree, ("tools",)), params, model_of(tree))

    def encode(self, request: Request, target: Target) -> WireRequest:
        document, prompt = request.prompt.document, request.prompt
        if request.line.operation.kind is not Kind.CHAT:
            return opaque.encode(request, target)
        assert isinstance(document, JsonDocument)
        tree = document.edited({**prompt.edits, (0, "model"): target.model})  # a copy, at its top
        if target.max_tokens is not None and request.params.max_tokens is None:
            tree["max_output_tokens"] = max(LEAST_OUTPUT, target.max_tokens)
        if "store" not in target.state and tree.get("store") is not False:
            forget(tree, target.model)
        return WireRequest(plain(request.line.target), JSON, dump(tree))

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        if operation.kind is not Kind.CHAT:
            return OpaqueAnswer()
        if status >= 400:
            return Refusal(status, is_own_error, provider_error)
        return ResponsesStream() if stream else WholeAnswer(RESPONSE, reported)

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        """Clients read one of three: `error` of an error event, its members at the top, or the response that has failed. SDKs raise
        at the first; Codex knows the last alone, and takes a stream without it for broken off: it would ask again.
        """
        error = {**error_of(denial), "request_id": request_id}
        flat = {"code": denial.code, "message": denial.message, "param": None, "sequence_number": 0}
        told = {"code": _FAILED.get(denial.status, "server_error"), "message": denial.message}
        failed = response(Canned("", "", request_id, 0), "failed", error=told)
        events = ({"type": "error", "error": error, **flat}, {"type": "response.failed", "response": failed, "sequence_number": 1})
        return b"".join(sse_event(dump(event), str(event["type"]).encode()) for event in events)

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """Raises WireError for an operation that has no answer in words."""
        if operation.kind is not Kind.CHAT:
            raise WireError("no_canned_answer", "only a conversation can be answered in words")
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        item = {"id": f"msg_{reply.request_id}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        whole = response(reply, "completed", output=[item], usage=_NO_USAGE)
        if not stream:
            return self.redecode(operation, stream, dump(whole))
        begun = response(reply, "in_progress")
        at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
            {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
            {"type": "response.output_text.delta", **at, "delta": reply.text, "logprobs": []},
            {"type": "response.output_text.done", **at, "text": reply.text, "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        numbered = ({**event, "sequence_number": number} for number, event in enumerate(events))
        return self.redecode(operation, stream, b"".join(sse_event(dump(event), event["type"].encode()) for event in numbered))


def _references(reading: Reading) -> tuple[Reading, tuple[str, ...]]:
    """The reading without its references to items as parts, and what refers to state at the provider, they included."""
    if REFERENCE not in reading.kinds:
        return reading, reading.state
    parts = tuple(part for part in reading.parts if part.kind != REFERENCE)
    return reading._replace(kinds=reading.kinds - {REFERENCE}, parts=parts), (*reading.state, REFERENCE)


def _check(tree: Mapping[str, Any]) -> None:
    """Refuses what is no input: a string, or an array of objects; only where the provider remembers it may be left out."""
    given, included = tree.get("input"), tree.get("include")
    if given is None and any(tree.get(name) for name in REMEMBERED):
        given = [{}]
    items = given if isinstance(given, list) else []
    if not given or not isinstance(given, str | list) or not all(isinstance(item, dict) for item in items):
        raise WireError("bad_parameter", "`input` must be a string or an array of objects")
    if not all(item.get("type") is None or isinstance(item["type"], str) for item in items):
        raise WireError("bad_parameter", "the type of an input item must be a string")
    if included is not None and not (isinstance(included, list) and all(isinstance(each, str) for each in included)):
        raise WireError("bad_parameter", "`include` must be an array of strings")


def forget(tree: dict[str, Any], model: str) -> None:
    """Have nothing kept at the provider. Models that do not reason have nothing to encrypt, and refuse to be asked for it."""
    tree["store"] = False
    included: Sequence[str] = tree.get("include") or ()
    if _ENCRYPTED not in included and (tree.get("reasoning") or is_newer(model)):
        tree["include"] = [*included, _ENCRYPTED]


def response(reply: Canned, status: str, **told: Any) -> dict[str, Any]:
    """A response that the gateway writes itself, with the members that SDKs require."""
    whole = {
        "id": f"resp_{reply.request_id}", "object": "response", "created_at": reply.created, "model": reply.model,
        "status": status, "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "output": [],
        "parallel_tool_calls": True, "temperature": None, "tool_choice": "auto", "tools": [], "top_p": None, "store": False,
        "usage": None,
    }  # fmt: skip
    return {**whole, **told}


_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}
