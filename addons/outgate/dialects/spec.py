"""`Spec`: paths, header fields, error types, finish reasons and codec of one API.

Each package of `dialects/` holds one `Spec`. Whoever needs to know something of an API reads it here, so that a new API is one new
package and its line in `registry`.
"""

# ruff: noqa: FBT001  the flags of the port are positional

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from outgate.dialects.calls import CallReader
from outgate.dialects.ending import Ending
from outgate.dialects.rules import Rule
from outgate.dialects.translation import Converter
from outgate.errors import LASTING, Denial
from outgate.inference.calls import Decide
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Prompt
from outgate.inference.stream import Event, Finish
from outgate.net.headers import Headers

_NOTHING: Mapping[str, str] = MappingProxyType({})


class RequestLine(NamedTuple):
    """Method and target (in origin form, query included) of a request, and what they ask for."""

    method: str
    target: str
    operation: Operation


class Request(NamedTuple):
    """A decoded request."""

    line: RequestLine
    prompt: Prompt
    tools: Tools
    params: Params
    model: str


class Target(NamedTuple):
    """What a request becomes at its provider: the model's name there, the most output where the caller set no maximum, and the
    names of state at the provider that the policy admits.
    """

    model: str
    max_tokens: int | None = None
    state: frozenset[str] = frozenset()


class WireRequest(NamedTuple):
    """A request as it is sent; `headers` are the fields that the gateway itself writes, `(lower-case name, value)`."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Canned(NamedTuple):
    """An answer by the gateway itself: `created` is seconds since the epoch."""

    text: str
    model: str
    request_id: str
    created: int


class AnswerDecoder(Protocol):
    """One answer, bytes in, events out; chunking never changes the events. Raises WireError for what is no answer."""

    def feed(self, data: bytes) -> list[Event]: ...

    def end(self) -> list[Event]:
        """What the end of the bytes completes. Raises WireError("truncated") where the dialect's terminator is missing."""
        ...


class Dialect(Protocol):
    """The codec of an API's bodies. Stateless; every method raises WireError for bytes it refuses, and only that."""

    name: str

    def decode(self, line: RequestLine, headers: Headers, body: bytes) -> Request: ...

    def encode(self, request: Request, target: Target) -> WireRequest:
        """The request for the provider: the tree that was judged, with the prompt's edits and the routed model."""
        ...

    def answer(self, operation: Operation, stream: bool, include_usage: bool, status: int = 200) -> AnswerDecoder:
        """A decoder for one answer; from status 400 on it passes the dialect's own error bodies and refuses all others."""
        ...

    def error(self, denial: Denial, request_id: str) -> bytes:
        """The body of a refusal, from which the dialect's SDKs raise their typed error (together with `denial.status`)."""
        ...

    def error_event(self, denial: Denial, request_id: str) -> bytes:
        """What ends a stream that has begun, so that SDKs raise instead of taking it for complete."""
        ...

    def canned(self, operation: Operation, reply: Canned, stream: bool, include_usage: bool) -> list[Event]:
        """A whole answer by the gateway itself, which used no tokens."""
        ...

    def models(self, ids: Sequence[str], created: int) -> bytes:
        """The list of models a caller may use."""
        ...

    def content_type(self, stream: bool) -> str: ...

    def redecode(self, operation: Operation, stream: bool, raw: bytes, include_usage: bool = True) -> list[Event]:
        """The events of an answer that was stored as bytes."""
        ...


class PathTemplate(NamedTuple):
    """Requests that are one kind of work: `POST /v1beta/models/{model}:generateContent`.

    `values` are the patterns of its `{names}`; one without a pattern stands for letters, digits, dots, dashes, tildes and
    underscores. `query` are the parameters that a target may have, each at most once, with the patterns of their values; None is
    any query.
    """

    line: str
    kind: Kind
    values: Mapping[str, str] = _NOTHING
    query: Mapping[str, str] | None = _NOTHING

    @property
    def method(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.line.partition(" ")[2]


MODEL = r"[A-Za-z0-9._~:@-]+"
"""The pattern of a model's name in a path: colons stand in names of fine-tuned ones."""


class KeyField(NamedTuple):
    """A header field that holds a key, and what stands before the key in it."""

    name: str
    prefix: str = ""


BEARER = KeyField("authorization", "Bearer ")


class Framing(NamedTuple):
    """Tokens that are charged around the text: of the first message, of each further one, and of tools as such."""

    first_message: int
    further_message: int
    tool_prompt: int


_NO_FRAME = Framing(0, 0, 0)


class ImageMarks(NamedTuple):
    """How images are found in a compact body, as patterns. `mark` matches once for each image; `data` matches what stands before
    the base64 of an image that is within the body, its mark included: a file that stands anywhere else makes no image cheaper, and
    an image written in an unusual order costs the most.

    Quotes inside a JSON string are escaped, so no text of a prompt can look like an image here.
    """

    mark: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spec:
    """An API. `served_by` is the `dialect` of the providers that serve it, its own name unless given. `also` are other addresses of
    what stands in `paths`. `vendor` is who sells its models, as genai-prices names it where that is not the API's name. `owns` are
    the paths, with all below them, that are of this API even where nobody reads them. `keys` are the fields in which its clients
    present a key (`key_query`: the parameters of a query), `credential` that in which its providers get one. `request_fields` and
    `response_fields` (and those with these prefixes) cross the gateway beside those that every API has; of the former,
    `account_fields` name something kept at one provider.
    `statuses` are those that the gateway's refusals have here in place of their usual ones, `lasting` that of failures which asking
    again does not mend: what this API's agents take a status for (asking to log in, trying on for seconds) decides.
    `least_output` is the lowest maximum of output tokens that its providers take, `cached_usage` a `usage` object as it is told of
    an answer from the cache, `counted` an answer that counts tokens, `file_fields` what its providers want beside the credential
    where a file is fetched. `batch` is how a line of a file of requests is read. `calls` reads the tool calls of an answer for the
    judges of them, `ending` completes a stream in words; every conversation has both.
    `converter` translates conversations; without one they go to providers of this API only. With a translated request go
    `own_fields`, and where the caller set no maximum of output and the API needs one, `most_output`.
    """

    name: str
    codec: Callable[[], Dialect]
    paths: tuple[PathTemplate, ...]
    also: tuple[PathTemplate, ...] = ()
    vendor: str = ""
    served_by: str = ""
    owns: tuple[str, ...] = ()
    keys: tuple[KeyField, ...] = ()
    key_query: tuple[str, ...] = ()
    credential: KeyField = BEARER
    request_fields: frozenset[str] = frozenset()
    account_fields: frozenset[str] = frozenset()
    response_fields: frozenset[str] = frozenset()
    response_prefixes: tuple[str, ...] = ()
    error_types: Mapping[int, str] = MappingProxyType({})
    statuses: Mapping[int, int] = MappingProxyType({})
    lasting: int = 0
    finishes: Mapping[str, Finish] = MappingProxyType({})
    framing: Framing = _NO_FRAME
    images: ImageMarks | None = None
    least_output: int = 1
    file_fields: tuple[tuple[str, str], ...] = ()
    batch: Rule | None = None
    cached_usage: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    counted: Callable[[int], Mapping[str, Any]] = lambda tokens: {"tokens": tokens}
    calls: Callable[[Decide], CallReader] | None = None
    ending: Callable[[], Ending] | None = None
    converter: Converter | None = None
    own_fields: tuple[tuple[str, str], ...] = ()
    most_output: int | None = None

    @property
    def provider(self) -> str:
        """The `dialect` of a provider that serves this API."""
        return self.served_by or self.name


def status_here(spec: Spec, code: str, status: int) -> int:
    """The status with which a refusal leaves in this API. Given what it gives, it gives the same."""
    return spec.lasting if spec.lasting and status >= 500 and code in LASTING else spec.statuses.get(status, status)


def error_type(types: Mapping[int, str], status: int, *, server: str) -> str:
    """The error type of a status, from which SDKs raise their typed exceptions; `server` is that of every other 5xx."""
    return types.get(status) or (server if status >= 500 else "invalid_request_error")
