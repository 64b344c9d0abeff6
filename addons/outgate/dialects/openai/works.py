"""Work of the OpenAI API beside conversations: legacy completions, images, speech, transcriptions, moderations.

What is text in a request is judged: prompts, input, instructions, fields of forms. Images and sounds are announced as unjudged. Of
the answers, texts are judged, told in pieces or at once, as JSON, plain text or subtitles; an image, a sound and scores hold none
and pass unread.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from outgate.dialects import uploads
from outgate.dialects.answers import OpaqueAnswer, TextAnswer, WholeAnswer
from outgate.dialects.events import Reported
from outgate.dialects.json_body import Limits
from outgate.dialects.openai.stream import OpenAIStream, reported
from outgate.dialects.openai.tables import COMPLETION
from outgate.dialects.openai.work_stream import WorkStream, usage_of
from outgate.dialects.openai.work_tables import COMPLETIONS, IMAGES, MADE, MODERATION, SPEECH
from outgate.dialects.parameters import JSON, count, flag, identity_of, model_of, prompt_of
from outgate.dialects.reading import Reading, read
from outgate.dialects.spec import AnswerDecoder, Request, RequestLine, Target, WireRequest
from outgate.dialects.uploads import FormDocument
from outgate.errors import WireError
from outgate.inference.operation import Kind
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel
from outgate.inference.usage import Usage
from outgate.net.headers import Headers

TABLES = {Kind.TEXT: COMPLETIONS, Kind.IMAGES: IMAGES, Kind.SPEECH: SPEECH, Kind.MODERATION: MODERATION}
KINDS = frozenset({*TABLES, Kind.TRANSCRIPTION})
_MODERATION = "omni-moderation-latest"
"""What moderates where the caller names no model (platform.openai.com/docs/api-reference/moderations)."""


def decode(line: RequestLine, headers: Headers, body: bytes, limits: Limits, named: str = "") -> Request:
    """A request of one of these kinds, to the model that its path has `named`, or its body. Raises WireError."""
    kind = line.operation.kind
    if kind not in TABLES or (headers.get("content-type") or "").lower().startswith("multipart/"):
        return _form(uploads.decode(line, headers, body, limits))
    reading = read(body, TABLES[kind], limits)
    tree = reading.document.tree
    if kind is Kind.MODERATION and tree.get("model") is None:
        tree["model"] = _MODERATION
    return Request(line, prompt_of(reading), Tools(), _params(kind, reading), named or model_of(tree))


def _params(kind: Kind, reading: Reading) -> Params:
    tree, told = reading.document.tree, identity_of(reading, ())
    if kind is not Kind.TEXT:
        pieces = kind is not Kind.MODERATION and _in_pieces(tree)
        return Params(stream=pieces, n=count(tree, "n") or 1, server_state=reading.state, identity=told)
    prompts = tree.get("prompt")
    several = len(prompts) if isinstance(prompts, list) and not all(isinstance(each, int) for each in prompts) else 1
    params = Params(
        stream=flag(tree, "stream"),
        max_tokens=count(tree, "max_tokens"),
        n=max(count(tree, "n") or 1, count(tree, "best_of") or 1) * max(1, several),
        include_usage=wants_usage(tree),
        server_state=reading.state,
        identity=told,
    )
    if params.stream:
        ask_for_usage(tree)
    return params


def wants_usage(tree: Mapping[str, Any]) -> bool:
    """Whether the caller of a stream asks for its usage."""
    options = tree.get("stream_options")
    if options is None:
        return False
    if not isinstance(options, dict):
        raise WireError("bad_parameter", "`stream_options` must be an object")
    return flag(options, "include_usage")


def ask_for_usage(tree: dict[str, Any]) -> None:
    """Ask for the usage of a stream: after the walk, and in place, so that an edit of the caller's other options keeps it."""
    options = tree.get("stream_options")
    tree["stream_options"] = options = {} if options is None else options
    options["include_usage"] = True


def _in_pieces(fields: Mapping[str, Any]) -> bool:
    """Whether the answer is asked for event by event: bytes of a sound come as they are made, in no events."""
    stream = fields.get("stream")
    if stream not in (None, False, True, "false", "true"):
        raise WireError("bad_parameter", "`stream` must be true or false")
    return stream in (True, "true") or fields.get("stream_format") == "sse"


def _form(request: Request) -> Request:
    """An upload as work: its prompt is a user's, its model the request's."""
    document = request.prompt.document
    assert isinstance(document, FormDocument)
    fields = {part.name: part.content.decode() for part in document.parts if not part.filename}
    names = [part.name for part in document.parts]
    leaves = tuple(
        leaf._replace(channel=Channel.USER) if leaf.key == "text" and names[leaf.box] == "prompt" else leaf
        for leaf in request.prompt.leaves
        if names[leaf.box] != "model"
    )
    prompt = request.prompt
    read = type(prompt)(document, leaves, prompt.unjudged, parts=prompt.parts)
    params = replace(request.params, stream=_in_pieces(fields))
    return request._replace(prompt=read, params=params, model=model_of(fields))


def encode(request: Request, path: str, target: Target) -> WireRequest:
    """The request for the provider, at this path."""
    document, edits = request.prompt.document, dict(request.prompt.edits)
    if isinstance(document, FormDocument):
        named = next(at for at, part in enumerate(document.parts) if part.name == "model" and not part.filename)
        described, body = document.form({**edits, (named, "text"): target.model})
        return WireRequest(path, (("content-type", described),), body)
    edits[0, "model"] = target.model
    if request.line.operation.kind is Kind.TEXT and target.max_tokens is not None and request.params.max_tokens is None:
        edits[0, "max_tokens"] = target.max_tokens
    return WireRequest(path, JSON, document.encode(edits))


def answer(kind: Kind, *, stream: bool, include_usage: bool) -> AnswerDecoder:
    """A decoder for a successful answer."""
    if kind is Kind.TEXT:
        return OpenAIStream(include_usage=include_usage) if stream else WholeAnswer(COMPLETION, reported)
    if stream:
        return WorkStream()
    if kind is Kind.TRANSCRIPTION:
        return TextAnswer(MADE, usage_of)
    return OpaqueAnswer() if kind is Kind.SPEECH else WholeAnswer(MADE, _free if kind is Kind.MODERATION else usage_of)


def _free(_: Mapping[str, Any]) -> Reported:
    return Reported(Usage(input_tokens=0, output_tokens=0))
