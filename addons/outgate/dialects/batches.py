"""Decode requests about batches: the start of one names a file, whose lines are judged with it and never sent.

A file at the provider never changes: what was fetched and judged under its id is what runs. So nothing in it can be edited here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from outgate.dialects.json_body import LIMITS, JsonDocument, Limits
from outgate.dialects.opaque import RawDocument
from outgate.dialects.parameters import JSON, identity_of, prompt_of
from outgate.dialects.reading import read
from outgate.dialects.rules import Rule
from outgate.dialects.spec import Request, RequestLine, WireRequest
from outgate.dialects.uploads import Collected, lines_of, model_of_lines
from outgate.errors import WireError
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Prompt

type Place = tuple[int, str | int]

FILE, BATCH = "input_file_id", "batch_id"
"""State at the provider that these requests refer to: the file of a batch, and batches that were started."""


class BatchDocument:
    """The start of a batch and the lines of its file; the boxes of the lines follow those of the start."""

    __slots__ = ("_lines", "_start", "_starts")

    def __init__(self, start: JsonDocument, lines: tuple[JsonDocument, ...]) -> None:
        self._start, self._lines = start, lines
        self._starts = [len(start.boxes)]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line.boxes))

    @property
    def starts(self) -> tuple[int, ...]:
        """The first box of each line."""
        return tuple(self._starts[:-1])

    def encode(self, edits: Mapping[Place, Any]) -> bytes:
        """The start alone. Raises WireError where a policy has changed a line."""
        if any(box >= self._starts[0] for box, _ in edits):
            raise WireError(
                "batch_changed",
                "the policy changes texts in the file of the batch, and files at the provider stay as they are; "
                "upload the file through the gateway, which writes it as the policy wants it",
            )
        return self._start.encode(edits)

    def abridged(self, edits: Mapping[Place, Any], most: int) -> tuple[bytes, int]:  # noqa: ARG002
        """All of it, for it is the lines that are counted."""
        own = {place: value for place, value in edits.items() if place[0] < self._starts[0]}
        whole = b"\n".join((self._start.encode(own), *(line.encode({}) for line in self._lines)))
        return whole, len(whole)


def decode(line: RequestLine, raw: bytes, start: Rule, limits: Limits) -> Request:
    """A request about batches. Raises WireError."""
    if line.method != "POST" or line.target.partition("?")[0].endswith("/cancel"):
        if raw:
            raise WireError("unexpected_body", "this request has no body")
        return Request(line, Prompt(RawDocument(raw), ()), Tools(), Params(server_state=(BATCH,)), "")
    reading = read(raw, start, limits)
    file_id = reading.document.tree.get(FILE)
    if not isinstance(file_id, str) or not file_id:
        raise WireError("bad_parameter", f"`{FILE}` must be the id of a file")
    params = Params(server_state=reading.state, identity=identity_of(reading, ()))
    return Request(line, prompt_of(reading), Tools(), params, "")


def encode(request: Request) -> WireRequest:
    """The request again."""
    prompt = request.prompt
    described = () if isinstance(prompt.document, RawDocument) else JSON
    return WireRequest(request.line.target, described, prompt.document.encode(prompt.edits))


def file_of(prompt: Prompt) -> str:
    """The id of the file of a batch that is started; empty for any other request about batches."""
    document = prompt.document
    return str(document.tree[FILE]) if isinstance(document, JsonDocument) else ""


def with_lines(prompt: Prompt, params: Params, content: bytes, rule: Rule, limits: Limits = LIMITS) -> tuple[Prompt, Params]:
    """The start of a batch together with the lines of its file, which name one model. Raises WireError."""
    start = prompt.document
    assert isinstance(start, JsonDocument)
    readings = lines_of(content, rule, limits)
    if any(reading.document.tree.get("url") != start.tree.get("endpoint") for reading in readings):
        raise WireError("bad_batch", "every line of a batch asks for the `endpoint` that the batch is started for")
    document = BatchDocument(start, tuple(reading.document for reading in readings))
    found = Collected()
    for at, reading in zip(document.starts, readings, strict=True):
        found.line(at, reading)
    if len(prompt.leaves) + len(found.leaves) > limits.leaves:
        raise WireError("too_many_members", "the batch has too many texts")
    parts = (*prompt.parts, *found.parts)
    judged = Prompt(document, (*prompt.leaves, *found.leaves), frozenset(part.kind for part in parts), prompt.edits, parts)
    state = tuple(dict.fromkeys((*(name for name in params.server_state if name != FILE), *found.state)))
    return judged, replace(params, server_state=state, models=(model_of_lines(readings),))
