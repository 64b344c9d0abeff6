"""Decode uploads of files: the texts of a form are judged, a batch of requests line by line, each as its API reads it.

The lines of one batch ask for one model, so that what is authorized, counted and routed holds for all of them.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from outgate.dialects.file_kinds import IMAGE, TEXT, sniff
from outgate.dialects.form import Part, parts_of, replaced, written
from outgate.dialects.json_body import PLAIN, JsonDocument, Limits
from outgate.dialects.parameters import messages_of, model_of
from outgate.dialects.reading import Reading, read
from outgate.dialects.rules import Rule
from outgate.dialects.spec import Request, RequestLine, Target, WireRequest
from outgate.errors import WireError
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import Extent
from outgate.net.headers import Headers

type Place = tuple[int, str | int]

_LINES = 10_000
_FIRST = 1_000
"""The box at which those of the lines begin: a form has fewer parts."""


_FIELDS = frozenset({
    "background", "chunking_strategy", "expires_after[anchor]", "expires_after[seconds]", "file", "image", "image[]", "include[]",
    "input_fidelity", "language", "mask", "model", "n", "output_compression", "output_format", "partial_images", "prompt",
    "purpose", "quality", "response_format", "size", "stream", "temperature", "timestamp_granularities[]", "user",
})  # fmt: skip
"""Names of fields that the APIs have; any other is the caller's own, and judged."""


class FormDocument:
    """A decoded form. A place in a part is its number and `text`, `name`, `filename`, or `document` for the text of a file that is
    none; the boxes of the lines of a batch follow each other.
    """

    __slots__ = ("_batch", "_lines", "parts", "starts")

    def __init__(self, parts: tuple[Part, ...], batch: int = -1, lines: tuple[JsonDocument, ...] = ()) -> None:
        self.parts, self._batch, self._lines = parts, batch, lines
        starts = [_FIRST]
        for line in lines:
            starts.append(starts[-1] + len(line.boxes))
        self.starts = starts[: len(lines)]

    def encode(self, edits: Mapping[Place, Any]) -> bytes:
        return self.form(edits)[1]

    def abridged(self, edits: Mapping[Place, Any], most: int) -> tuple[bytes, int]:  # noqa: ARG002
        whole = self.encode(edits)
        return whole, len(whole)

    def form(self, edits: Mapping[Place, Any]) -> tuple[str, bytes]:
        """The Content-Type and the body, with these values in place of its own. Raises WireError."""
        of_parts: dict[int, dict[str, Any]] = {}
        of_lines: dict[int, dict[Place, Any]] = {}
        for (box, key), value in edits.items():
            if box >= _FIRST:
                line = bisect_right(self.starts, box) - 1
                of_lines.setdefault(line, {})[box - self.starts[line], key] = value
            elif box >= 0:
                of_parts.setdefault(box, {})[str(key)] = value
        parts = [replaced(part, of_parts.get(at, {})) for at, part in enumerate(self.parts)]
        if self._lines:
            lines = (line.encode(of_lines.get(at, {})) for at, line in enumerate(self._lines))
            parts[self._batch] = parts[self._batch]._replace(content=b"".join(line + b"\n" for line in lines))
        return written(tuple(parts))

    def models(self, model: str) -> dict[Place, Any]:
        """The edits that give all lines of a batch this model."""
        return {(start + _body_of(line), "model"): model for start, line in zip(self.starts, self._lines, strict=True)}


def _body_of(line: JsonDocument) -> int:
    body = line.tree["body"]
    return next(at for at, (container, _, _, form) in enumerate(line.boxes) if container is body and form == PLAIN)


class Collected:
    """Leaves and what is no text, of all parts and lines."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.parts: list[Extent] = []
        self.state: list[str] = []

    def part(self, at: int, part: Part) -> None:
        if part.name not in _FIELDS:
            self.leaves.append(Leaf(at, "name", part.name, Channel.KEY))
        if not part.filename:
            self.leaves.append(Leaf(at, "text", _decoded(part.content), Channel.PARAMETER))
            return
        self.leaves.append(Leaf(at, "filename", part.filename, Channel.PARAMETER))
        sniffed = sniff(part.content)
        if sniffed.kind == TEXT:
            self.leaves.append(Leaf(at, "text", sniffed.text, Channel.USER))
        else:
            self.parts.append(Extent("image" if sniffed.kind == IMAGE else "file", 1, bytes=len(part.content)))

    def line(self, start: int, reading: Reading) -> None:
        self.leaves += [leaf._replace(box=leaf.box + start) for leaf in reading.leaves]
        self.parts += reading.parts
        self.parts += [Extent(kind, 1) for kind in reading.kinds - {part.kind for part in reading.parts}]
        self.state += reading.state


def decode(line: RequestLine, headers: Headers, body: bytes, limits: Limits, batch: Rule | None = None) -> Request:
    """An upload; with `batch`, what is uploaded as one is read by that table. Raises WireError."""
    declared = headers.all("content-type")
    parts = parts_of(declared[0] if len(declared) == 1 else None, body)
    collected, model, document = Collected(), "", FormDocument(parts)
    batched = batch is not None and any(part.name == "purpose" and part.content.strip() == b"batch" for part in parts)
    for at, part in enumerate(parts):
        if batch is not None and batched and part.filename:
            readings = lines_of(part.content, batch, limits)
            collected.leaves.append(Leaf(at, "filename", part.filename, Channel.PARAMETER))
            document = FormDocument(parts, at, tuple(reading.document for reading in readings))
            model = model_of_lines(readings)
            for start, reading in zip(document.starts, readings, strict=True):
                collected.line(start, reading)
        else:
            collected.part(at, part)
    if len(collected.leaves) > limits.leaves:
        raise WireError("too_many_members", "the upload has too many texts")
    kinds = frozenset(part.kind for part in collected.parts)
    prompt = Prompt(document, tuple(collected.leaves), kinds, parts=tuple(collected.parts))
    return Request(line, prompt, Tools(), Params(server_state=tuple(dict.fromkeys(collected.state))), model)


def encode(request: Request, target: Target) -> WireRequest:
    """The form, written anew, with the routed model in every line of a batch."""
    document = request.prompt.document
    assert isinstance(document, FormDocument)
    models = document.models(target.model) if target.model else {}
    described, body = document.form({**request.prompt.edits, **models})
    return WireRequest(request.line.target, (("content-type", described),), body)


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WireError("bad_form", "a field that is no file must be UTF-8") from error


def lines_of(content: bytes, rule: Rule, limits: Limits) -> list[Reading]:
    """The requests of a batch, each a strict JSON object."""
    raw = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    if not 0 < len(raw) <= _LINES:
        raise WireError("bad_batch", f"a batch has 1 to {_LINES} lines, each a request")
    readings = []
    for number, line in enumerate(raw, 1):
        try:
            reading = read(line, rule, limits)
            tree = reading.document.tree
            if tree.get("method") != "POST" or not isinstance(tree.get("body"), dict):
                raise WireError("bad_batch", "a line names `method: POST` and has a `body`")
            if "messages" in tree["body"]:
                messages_of(tree["body"])
        except WireError as error:
            raise WireError(error.code, f"line {number} of the batch: {error}") from None
        readings.append(reading)
    return readings


def model_of_lines(readings: list[Reading]) -> str:
    """The one model that the lines ask for."""
    models = {model_of(reading.document.tree["body"]) for reading in readings}
    if len(models) > 1:
        raise WireError("bad_batch", "all lines of a batch ask for one model")
    return models.pop()
