"""Bodies that no table describes: strings of a JSON object are shown, and everything is announced as `opaque`."""

# ruff: noqa: ARG002, FBT001  the flags of the port are positional

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.answers import OpaqueAnswer
from outgate.dialects.json_body import LIMITS, JsonDocument, Limits, dump
from outgate.dialects.parameters import identity_of, prompt_of, tools_of
from outgate.dialects.reading import read
from outgate.dialects.rules import Rule, free
from outgate.dialects.spec import AnswerDecoder, Canned, Request, RequestLine, Spec, Target, WireRequest
from outgate.dialects.sse import encode as sse_event
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import Event
from outgate.inference.verdict import Extent
from outgate.net.headers import Headers

OPAQUE = frozenset({"opaque"})
_ANY = free(Channel.USER)


class RawDocument:
    """A body that is not JSON, sent as it came: policy must allow `opaque` for that."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def encode(self, edits: Mapping[tuple[int, str | int], Any]) -> bytes:
        """Raises WireError for an edit: there is nothing in it that could be addressed."""
        if any(box >= 0 for box, _ in edits):
            raise WireError("unencodable", "an opaque body cannot be edited")
        return self._raw

    def abridged(self, edits: Mapping[tuple[int, str | int], Any], most: int) -> tuple[bytes, int]:
        return self.encode(edits), len(self._raw)


def decode(line: RequestLine, raw: bytes, rule: Rule = _ANY, limits: Limits = LIMITS) -> Request:
    """A body of a path that is not inference. What begins like a JSON object must be a strict one; a list of models has no body."""
    if line.operation.kind is Kind.MODELS and raw:
        raise WireError("unexpected_body", "this request has no body")
    if not raw.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"{"):
        kinds = frozenset[str]() if line.operation.kind is Kind.MODELS else OPAQUE
        parts = tuple(Extent(kind, 1, bytes=len(raw)) for kind in kinds)
        return Request(line, Prompt(RawDocument(raw), (), kinds, parts=parts), Tools(), Params(), "")
    reading = read(raw, rule, limits)
    tree = reading.document.tree
    model = tree.get("model")
    params = Params(stream=tree.get("stream") is True, server_state=reading.state, identity=identity_of(reading, ()))
    prompt, name = prompt_of(reading, "opaque", size=len(raw)), model if isinstance(model, str) else ""
    tools = tools_of(tree, ("tools",)) if isinstance(tree.get("tools"), list) else Tools()
    return Request(line, prompt, tools, params, name)


def unread(line: RequestLine, size: int) -> Request:
    """A request whose body is sent on as it comes, so many bytes of it (0: nobody knows): it is announced, and not here."""
    return Request(line, Prompt(RawDocument(b""), (), OPAQUE, parts=(Extent("opaque", 1, bytes=size),)), Tools(), Params(), "")


def encode(request: Request, target: Target) -> WireRequest:
    """The body again, with the routed model where it had one. What it is says the caller's own Content-Type."""
    prompt, model = request.prompt, target.model
    document = prompt.document
    named = isinstance(document, JsonDocument) and "model" in document.tree
    body = document.encode({**prompt.edits, (0, "model"): model} if named and model else prompt.edits)
    return WireRequest(request.line.target, (), body)


class Opaque:
    """The dialect of paths whose API nobody knows: bodies are unjudged, refusals plain JSON. See `dialects.spec.Dialect`."""

    name = "none"

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request:
        return decode(line, body, _ANY, self._limits)

    def encode(self, request: Request, target: Target) -> WireRequest:
        """Byte for byte but for edits: a model is a word of APIs that are known."""
        return WireRequest(request.line.target, (), request.prompt.document.encode(request.prompt.edits))

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        return OpaqueAnswer()

    def error(self, denial: Denial, request_id: str) -> bytes:
        return dump({"error": {"message": denial.message, "code": denial.code, "request_id": request_id}})

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        return sse_event(self.error(denial, request_id), b"error")

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """Raises WireError: nobody knows what an answer looks like."""
        raise WireError("no_canned_answer", "only a conversation can be answered in words")

    def models(self, ids: Sequence[str], created: int) -> bytes:
        return dump({"data": [{"id": name} for name in ids]})

    def content_type(self, stream: bool) -> str:
        return "text/event-stream; charset=utf-8" if stream else "application/json"

    def redecode(self, operation: Operation, stream: bool, raw: bytes, include_usage: bool = True) -> list[Event]:
        decoder = self.answer(operation, stream, include_usage)
        return [*decoder.feed(raw), *decoder.end()]


SPEC = Spec(
    name=Opaque.name,
    codec=Opaque,
    paths=(),
    request_fields=frozenset({"accept-language", "git-protocol", "if-match", "if-modified-since", "if-none-match"}),
    response_fields=frozenset({"content-disposition", "content-range", "etag", "last-modified", "location", "www-authenticate"}),
    response_prefixes=("docker-",),
)
"""What Git hosts, registries of packages and of images are asked and answer with, beside what every API has."""
