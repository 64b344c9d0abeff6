"""Codec of the Gemini API: contents, counts, embeddings, models; every other path of it is read as an unjudged body.

The model stands in the path, and again in some bodies: both become the routed one. A stream that is asked for without `alt=sse` is
a JSON array: the provider is asked for the whole answer then, and the array has one element.
"""

# ruff: noqa: ARG002, FBT001  the flags of the port are positional

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

from outgate.dialects import opaque
from outgate.dialects.answers import OpaqueAnswer, WholeAnswer, reports_nothing
from outgate.dialects.events import Reported
from outgate.dialects.gemini.parts import inside, member, refuse_two_spellings
from outgate.dialects.gemini.stream import ArrayAnswer, GeminiStream, reported, usage_of
from outgate.dialects.gemini.tables import COUNT, EMBED, ERROR_TYPES, GENERATE, MODELS, RESPONSE, VECTORS, other_spelling
from outgate.dialects.gemini.tools import hosted_in, tools_in
from outgate.dialects.json_body import LIMITS, JsonDocument, Limits, dump
from outgate.dialects.openai.vectors import VectorsAnswer
from outgate.dialects.parameters import JSON, count, identity_of, number, prompt_of
from outgate.dialects.reading import Reading, read
from outgate.dialects.refusals import Refusal
from outgate.dialects.spec import AnswerDecoder, Canned, Request, RequestLine, Target, WireRequest
from outgate.dialects.sse import encode as sse_event
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.stream import Event
from outgate.inference.usage import Usage
from outgate.net.headers import Headers

_STREAMED, _WHOLE = "streamGenerateContent", "generateContent"
_FORMS = ("alt", "$alt")
"""Parameters that name the form of an answer (system parameters of Google's APIs)."""
_TABLES = {Kind.CHAT: GENERATE, Kind.COUNT_TOKENS: COUNT, Kind.EMBEDDINGS: EMBED}
_NAMED = ("generateContentRequest", "generate_content_request")
_METHODS = ("generateContent", "streamGenerateContent", "countTokens")


class Gemini:
    """See `dialects.spec.Dialect`. Streams report usage unasked, so `include_usage` changes nothing."""

    name = "gemini"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request:
        kind = line.operation.kind
        if kind not in _TABLES:
            return opaque.decode(line, body, limits=self._limits)
        reading = hosted_in(read(body, _TABLES[kind], self._limits))
        refuse_two_spellings(reading.document)
        model = dict(line.operation.captured).get("model", "")
        if kind is Kind.EMBEDDINGS:
            return Request(line, prompt_of(reading), Tools(), _params(reading, {}), model)
        asked = _asked(reading.document.tree)
        params = _params(reading, inside(asked, "generationConfig"), stream=_is_streamed(line))
        return Request(line, prompt_of(reading), tools_in(asked), params, model)

    def encode(self, request: Request, target: Target) -> WireRequest:
        kind, document = request.line.operation.kind, request.prompt.document
        if kind not in _TABLES:
            return opaque.encode(request, target)
        assert isinstance(document, JsonDocument)
        edits = {place: _fitting(document, place, value) for place, value in request.prompt.edits.items()}
        edits.update(((box, "model"), f"models/{target.model}") for box in _models_in(document))
        if kind is Kind.CHAT and target.max_tokens is not None and request.params.max_tokens is None:
            edits.update(_bounded(document, target.max_tokens))
        return WireRequest(_path(request, target.model), JSON, document.encode(edits))

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        kind = operation.kind
        if kind is Kind.OPAQUE:
            return OpaqueAnswer()
        if status >= 400:
            return Refusal(status, _is_own_error, provider_error)
        if kind is Kind.CHAT and stream:
            return GeminiStream()
        if kind is Kind.CHAT:
            return ArrayAnswer() if _verb(operation) == _STREAMED else WholeAnswer(RESPONSE, reported)
        if kind is Kind.EMBEDDINGS:
            return VectorsAnswer("values", VECTORS, _vectors_reported)
        return WholeAnswer(MODELS, _used_nothing if kind is Kind.COUNT_TOKENS else reports_nothing)

    def error(self, denial: Denial, request_id: str) -> bytes:
        told = provider_error(denial.status, denial.message, denial.code)
        told["error"]["details"][0]["metadata"] = {"request_id": request_id}
        return dump(told)

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        return sse_event(self.error(denial, request_id))

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """Raises WireError for an operation that has no answer in words."""
        if operation.kind is not Kind.CHAT:
            raise WireError("no_canned_answer", "only a conversation can be answered in words")
        content = {"parts": [{"text": reply.text}], "role": "model"}
        told = dump(
            {
                "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
                "modelVersion": reply.model,
                "responseId": reply.request_id,
            }
        )
        return self.redecode(operation, stream, sse_event(told) if stream else told)

    def models(self, ids: Sequence[str], created: int) -> bytes:
        listed = [{"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": _METHODS} for name in ids]
        return dump({"models": listed})

    def content_type(self, stream: bool) -> str:
        return "text/event-stream" if stream else "application/json; charset=UTF-8"

    def redecode(self, operation: Operation, stream: bool, raw: bytes, include_usage: bool = True) -> list[Event]:
        decoder = self.answer(operation, stream, include_usage)
        return [*decoder.feed(raw), *decoder.end()]


def _verb(operation: Operation) -> str:
    return dict(operation.captured).get("verb", _WHOLE)


def _is_streamed(line: RequestLine) -> bool:
    """Whether the answer comes as events. Raises WireError for any other form than these and JSON, or for both."""
    asked = {value for name, value in parse_qsl(line.target.partition("?")[2], keep_blank_values=True) if name in _FORMS}
    if len(asked) > 1 or not asked <= {"sse", "json"}:
        raise WireError("bad_parameter", "`alt` must be `sse` or `json`, once")
    return _verb(line.operation) == _STREAMED and "sse" in asked


def _asked(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """What holds the contents: the body, or the request that is to be counted. Raises WireError where there are none."""
    within = inside(tree, "generateContentRequest")
    if within and member(tree, "contents") is not None:
        raise WireError("bad_parameter", "`contents` and `generateContentRequest` exclude each other")
    asked = within or tree
    contents = asked.get("contents")
    if not isinstance(contents, list) or not contents or not all(isinstance(each, dict) for each in contents):
        raise WireError("bad_parameter", "`contents` must be an array with at least one object")
    return asked


def _params(reading: Reading, config: Mapping[str, Any], *, stream: bool = False) -> Params:
    told = {name: member(config, name) for name in ("maxOutputTokens", "candidateCount", "temperature")}
    return Params(
        stream=stream,
        max_tokens=count(told, "maxOutputTokens"),
        n=count(told, "candidateCount") or 1,
        temperature=number(told, "temperature"),
        include_usage=True,
        server_state=reading.state,
        identity=identity_of(reading, ("tools",)),
    )


def _path(request: Request, model: str) -> str:
    """The target for the routed model, below no project of a caller's. Its query stays: it was judged by its place."""
    path, mark, query = request.line.target.partition("?")
    verb = _verb(request.line.operation)
    if verb == _STREAMED and not request.params.stream:
        verb = _WHOLE
    version = path.partition("/models/")[0].partition("/projects/")
    return f"{'/v1beta' if version[1] else version[0]}/models/{quote(model, safe='@:')}:{verb}{mark}{query}"


def _models_in(document: JsonDocument) -> Iterator[int]:
    """The boxes whose member `model` names the model of the request."""
    boxes = document.boxes
    for index, (container, parent, at, _) in enumerate(boxes):
        if isinstance(container, dict) and "model" in container:
            inner = parent == 0 and at in _NAMED
            listed = parent > 0 and boxes[parent][1] == 0 and boxes[parent][2] == "requests"
            if index == 0 or inner or listed:
                yield index


def _bounded(document: JsonDocument, most: int) -> dict[tuple[int, str | int], Any]:
    """The edit that sets the most tokens of output, in whichever spelling the body has it."""
    tree, name = document.tree, "generationConfig"
    spelled = other_spelling(name) if tree.get(other_spelling(name)) is not None else name
    if tree.get(spelled) is None:
        return {(0, spelled): {"maxOutputTokens": most}}
    box = next(index for index, (_, parent, at, _) in enumerate(document.boxes) if parent == 0 and at == spelled)
    return {(box, "maxOutputTokens"): most}


def _fitting(document: JsonDocument, place: tuple[int, str | int], value: Any) -> Any:
    """An edit as the API takes it: what a function returned is an object, so that words in its place stand in one."""
    box, key = place
    whole = key == "response" and isinstance(value, str) and isinstance(document.boxes[box][0].get(key), dict)
    return {"output": value} if whole else value


def _used_nothing(_: Mapping[str, Any]) -> Reported:
    """Of an answer that counts: `totalTokens` in it are those that a request would use."""
    return Reported(Usage(input_tokens=0, output_tokens=0))


def _vectors_reported(tree: Mapping[str, Any]) -> Reported:
    return Reported(usage_of(tree))


def _is_own_error(tree: Mapping[str, Any]) -> bool:
    error = tree.get("error")
    return isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)


def provider_error(status: int, message: str, code: str | None) -> dict[str, Any]:
    """An error of this API (google.rpc.Status as JSON), with a provider's text."""
    word = ERROR_TYPES.get(status) or ("UNAVAILABLE" if status >= 500 else "INVALID_ARGUMENT")
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": "outgate"}
    return {"error": {"code": status, "message": message, "status": word, "details": [info] if code else []}}
