"""A dialect that no provider speaks: model in the path, version in the query, its own key field, errors, answers and stream.

All that is known of it stands here. A test registers it by adding `SPEC` to `registry.SPECS`.
"""

from dataclasses import replace

from outgate.dialects import opaque
from outgate.dialects.answers import OpaqueAnswer, WholeAnswer
from outgate.dialects.events import Frame, JsonEvent, Reported
from outgate.dialects.json_body import dump
from outgate.dialects.parameters import JSON, count, identity_of, prompt_of
from outgate.dialects.reading import read, read_tree
from outgate.dialects.refusals import Refusal
from outgate.dialects.rules import EVERYTHING, Rule, free
from outgate.dialects.spec import Framing, KeyField, PathTemplate, Request, Spec, WireRequest
from outgate.dialects.sse import SseParser
from outgate.errors import WireError
from outgate.inference.operation import Kind
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish, Text
from outgate.inference.usage import Usage

SAY = Rule(Channel.USER, texts={"say": Channel.USER}, names={"most"})
BIT = Rule(Channel.ASSISTANT, texts={"bit": Channel.ASSISTANT}, names=EVERYTHING, other=free(Channel.ASSISTANT, names=EVERYTHING))
FINISHES = {"done": Finish.STOP, "full": Finish.LENGTH}


def reported(tree):
    used = tree.get("used")
    usage = Usage(input_tokens=used[0], output_tokens=used[1]) if used else None
    return Reported(usage, FINISHES.get(tree.get("over")), "tool" in tree)


def _continued(path, text, piece):
    reading = read_tree({"bit": piece}, BIT)
    return JsonEvent(reading.document, (text._replace(text=piece, place=(0, "bit")),), FRAME)


FRAME = Frame(b"data: ", b"\n\n", _continued)


class ToyStream:
    """Decoder of one stream: bits, and an end that says why."""

    def __init__(self):
        self._parser = SseParser()
        self._over = False

    def feed(self, data):
        return [self._event(read(each.data, BIT)) for each in self._parser.feed(data) if not self._over]

    def end(self):
        if not self._over:
            raise WireError("truncated", "the stream ended before its answer was complete")
        return []

    def _event(self, reading):
        tree = reading.document.tree
        self._over = "over" in tree
        texts = [Text(leaf.key, leaf.text, leaf.channel, (leaf.box, leaf.key)) for leaf in reading.leaves]
        closes = ("bit",) if self._over else ()
        return JsonEvent(reading.document, texts, FRAME, closes=closes, reported=reported(tree), last=self._over)


class Toy:
    """See `dialects.spec.Dialect`."""

    name = "toy"

    def decode(self, line, headers, body):
        if line.operation.kind is Kind.OPAQUE:
            return opaque.decode(line, body, SAY)
        reading = read(body, SAY)
        path = dict(line.operation.captured)
        params = Params(
            stream=path["verb"] == "stream", max_tokens=count(reading.document.tree, "most"), include_usage=True,
            server_state=reading.state, identity=identity_of(reading, ()),
        )  # fmt: skip
        return Request(line, prompt_of(reading), Tools(), params, path["model"])

    def encode(self, request, target):
        if request.line.operation.kind is Kind.OPAQUE:
            return opaque.encode(request, target)
        old = dict(request.line.operation.captured)["model"]
        path = request.line.target.replace(f"/{old}:", f"/{target.model}:")
        edits = dict(request.prompt.edits)
        if target.max_tokens is not None and request.params.max_tokens is None:
            edits[0, "most"] = target.max_tokens
        return WireRequest(path, (*JSON, ("x-toy-written", "gateway")), request.prompt.document.encode(edits))

    def answer(self, operation, stream, include_usage, status=200):
        if operation.kind is Kind.OPAQUE:
            return OpaqueAnswer()
        if status >= 400:
            return Refusal(status, lambda tree: "oops" in tree, lambda status, message, code: {"oops": message})
        return ToyStream() if stream else WholeAnswer(BIT, reported)

    def error(self, denial, request_id):
        return dump(
            {"oops": SPEC.error_types.get(denial.status, "other"), "code": denial.code, "why": denial.message, "id": request_id}
        )

    def error_event(self, denial, request_id):
        return b"data: " + self.error(denial, request_id) + b"\n\n"

    def canned(self, operation, reply, stream, include_usage):
        if operation.kind is Kind.OPAQUE:
            raise WireError("no_canned_answer", "only a conversation can be answered in words")
        raw = dump({"bit": reply.text, "over": "done", "used": [0, 0]})
        return self.redecode(operation, stream, b"data: " + raw + b"\n\n" if stream else raw)

    def models(self, ids, created):
        return dump({"toys": list(ids)})

    def content_type(self, stream):
        return "text/event-stream" if stream else "application/json"

    def redecode(self, operation, stream, raw, include_usage=True):
        decoder = self.answer(operation, stream, include_usage)
        return [*decoder.feed(raw), *decoder.end()]


SPEC = Spec(
    name=Toy.name,
    codec=Toy,
    paths=(
        PathTemplate(
            "POST /{version}/toys/{model}:{verb}",
            Kind.CHAT,
            values={"version": "v1|v1beta", "verb": "say|stream"},
            query={"api-version": r"\d{4}-\d{2}"},
        ),
    ),
    owns=("/v1/toys",),
    keys=(KeyField("x-toy-key", "Toy "),),
    credential=KeyField("x-toy-key", "Toy "),
    request_fields=frozenset({"x-toy-mood", "x-toy-account"}),
    account_fields=frozenset({"x-toy-account"}),
    response_fields=frozenset({"x-toy-left"}),
    response_prefixes=("toy-",),
    error_types={403: "forbidden", 400: "wrong"},
    finishes=FINISHES,
    framing=Framing(first_message=900, further_message=1, tool_prompt=1),
    least_output=50,
)


def registered(specs):
    """The registered dialects and this one, freshly made."""
    return (*specs, replace(SPEC))
