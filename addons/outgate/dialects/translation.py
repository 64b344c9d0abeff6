"""Converters of a dialect from and to `inference.conversation`, and what is told of losses.

A dialect that has them stands in `SPEC.converter`. `read_*` take trees of its JSON, `write_*` give such trees.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from outgate.dialects.shapes import Shape
from outgate.dialects.sse import SseEvent, SseParser
from outgate.inference.conversation import Answer, Conversation, Failure, Loss, StreamItem

LOSSES = {
    "logprobs": "probabilities of tokens",
    "n": "several answers to one request",
    "seed": "the seed of sampling",
    "top_k": "top_k",
    "penalties": "presence and frequency penalties",
    "stop": "stop sequences, or as many as there are",
    "sampling": "sampling in a form that the model refuses",
    "parallel": "whether tools may be called side by side",
    "tool_choice": "which tool must be called",
    "strict": "strict JSON Schemas, and grammars, of tools",
    "hosted_tools": "tools that the provider runs",
    "format": "a JSON Schema, or JSON, as the form of the answer",
    "reasoning": "how much the model is to think",
    "thoughts": "reasoning of earlier turns, and such as only its provider can read",
    "signatures": "signatures of reasoning, which another provider cannot use",
    "images": "images",
    "audio": "sounds",
    "files": "documents",
    "video": "videos",
    "urls": "media by their address",
    "names": "names of speakers",
    "citations": "citations",
    "context": "how the provider shortens a conversation that has grown long",
    "cache_control": "marks of what the provider's prompt cache keeps",
    "metadata": "metadata, and who the user is",
    "service_tier": "the service tier",
    "safety": "thresholds of the provider's content filters, and what they found",
    "stored": "an answer that is kept at the provider",
    "usage": "counts of tokens",
    "members": "members of the body that no other dialect has",
}
"""Everything that can be lost, with its meaning: what `translation.drop` of a policy may name."""

HARMLESS = frozenset({"cache_control", "context", "metadata", "service_tier", "signatures", "stored", "thoughts", "usage"})
"""Losses that change no word of what is asked: they are dropped and counted, and no policy need name them."""


_EFFORTS = ((2_048, "low"), (8_192, "medium"))
"""Tokens of thinking up to which an effort is meant; beyond, `high`."""


MEDIA = {"image": "images", "audio": "audio", "video": "video", "file": "files"}
"""Losses of media, by their kind."""

type Lose = Callable[[str], None]
"""Takes what an answer loses: a noun of `LOSSES`."""


def unheard(what: str, /) -> None:
    """Counts no losses."""


def effort_of(budget: int) -> str:
    """The effort that is meant by a budget of so many tokens of thinking."""
    return next((effort for most, effort in _EFFORTS if budget <= most), "high") if budget else "none"


class Outbound(NamedTuple):
    """A request in another dialect: its path and query, its body, and what was lost on the way."""

    path: str
    body: Mapping[str, Any]
    losses: Sequence[Loss]


class Frames(Protocol):
    """Parses the framing of a stream. Raises WireError where what follows cannot be found any more."""

    def feed(self, chunk: bytes, /) -> list[SseEvent]: ...

    def rest(self) -> list[SseEvent]:
        """The event inside which the bytes have ended."""
        ...


class StreamReader(Protocol):
    """Reads one stream of a provider."""

    def feed(self, event: str, tree: Mapping[str, Any] | None) -> Sequence[StreamItem]:
        """One event: its name (empty where it has none) and its JSON; None for a terminator that is no JSON."""
        ...

    def end(self) -> Sequence[StreamItem]:
        """What the end of the bytes completes; nothing where the stream broke off before its terminator."""
        ...


class StreamWriter(Protocol):
    """Writes one stream for a client."""

    def write(self, item: StreamItem) -> bytes: ...


class Says(NamedTuple):
    """What of an answer a dialect has a place for: a citation, seals of reasoning of the dialect of a name, several answers."""

    citation: Callable[[Mapping[str, Any]], bool]
    seals_of: Callable[[str], bool]
    several: bool


_ANY_SHAPE: Mapping[str, Shape] = MappingProxyType({})


class Converter(NamedTuple):
    """How a dialect is read and written. Its functions raise WireError for what has not the dialect's form.

    `read_request` takes a path and a body; the losses that it gives are what no other dialect can say. `write_request` takes a
    conversation, the model, and a maximum of output tokens where the caller set none and the dialect or a budget needs one.
    `read_failure` takes an HTTP status and a body. `read_answer` and `reader` tell what no other dialect can say, `says` what this
    one can; it is None where no client speaks it. `write_answer` and `writer` are given the request that is answered. `frames`
    parses a stream into the events that its reader is given. `answer_shape` and `event_shape` are what of an answer, and of an
    event of one, may have another type: see `shapes`. `answers` are members of which every whole answer has one that says
    something; `alike` says that an event has the form of a whole answer.
    """

    read_request: Callable[[str, Mapping[str, Any]], tuple[Conversation, Sequence[Loss]]]
    write_request: Callable[[Conversation, str, int | None], Outbound]
    read_answer: Callable[[Mapping[str, Any], Lose], Answer]
    write_answer: Callable[[Answer, Conversation], Mapping[str, Any]]
    read_failure: Callable[[int, Mapping[str, Any]], Failure]
    write_failure: Callable[[Failure], Mapping[str, Any]]
    reader: Callable[[Lose], StreamReader]
    writer: Callable[[Conversation], StreamWriter]
    frames: Callable[[], Frames] = SseParser
    says: Says | None = None
    answer_shape: Mapping[str, Shape] = _ANY_SHAPE
    event_shape: Mapping[str, Shape] = _ANY_SHAPE
    answers: tuple[str, ...] = ()
    alike: bool = False
