"""What a dialect can do: the port between a provider's API and the nouns of inference."""

# ruff: noqa: FBT001  the flags of the port are positional

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from outgate.errors import Denial
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Prompt
from outgate.inference.stream import Event


class Request(NamedTuple):
    """A decoded request body."""

    prompt: Prompt
    tools: Tools
    params: Params
    model: str


class Canned(NamedTuple):
    """What the gateway itself answers with: `created` is seconds since the epoch."""

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
    """A provider's API, as bodies. Stateless; every method raises WireError for bytes it refuses, and only that."""

    name: str

    def decode(self, operation: Operation, raw: bytes) -> Request: ...

    def encode(self, operation: Operation, prompt: Prompt, model: str, params: Params, max_tokens: int | None) -> bytes:
        """The body for the provider: the tree that was judged, with the prompt's edits and the routed model.

        `max_tokens` is set only where the caller set none.
        """
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
