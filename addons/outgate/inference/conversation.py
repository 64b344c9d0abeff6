"""A conversation in no dialect: what every chat API says, as values. Requests, whole answers and events of a stream.

Each dialect reads its bodies into these nouns and writes them from these, so that N dialects need 2N converters. A body is
converted after it was judged, and an answer before it is judged: what leaves, and what the client gets, is what the policies
saw. Members without a noun here stay in `rest`, by their names in the dialect: within one dialect they survive, in another they
are lost, and a loss is told (`Loss`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from outgate.inference.stream import Finish

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Role(StrEnum):
    """Who speaks in a turn. SYSTEM stands within a conversation, too: a developer's or system's message between others."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Text(NamedTuple):
    """Words. `citations` are what an answer quotes, as its provider wrote them."""

    text: str
    citations: tuple[Mapping[str, Any], ...] = ()
    rest: Mapping[str, Any] = _NOTHING


class Media(NamedTuple):
    """An image, a sound or a document: either `data` in base64 or a `url`; a document may be plain text, in `text`.

    `kind` is `image`, `audio` or `file`; `type` a media type (RFC 6838), empty where nobody said.
    """

    kind: str
    type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    name: str = ""
    rest: Mapping[str, Any] = _NOTHING


class Call(NamedTuple):
    """A tool call of the model. `arguments` is a JSON object as text; a `custom` tool's is free text."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    rest: Mapping[str, Any] = _NOTHING


class Result(NamedTuple):
    """What a tool returned for the call with this id. `name` is that of the tool, where the dialect or an earlier turn says it."""

    id: str
    parts: tuple["Text | Media", ...]
    failed: bool = False
    name: str = ""
    rest: Mapping[str, Any] = _NOTHING


class Thought(NamedTuple):
    """Reasoning of the model. `signature` is what its provider wants back unchanged, `sealed` reasoning that only it can read;
    `provider` names the dialect that both belong to.
    """

    text: str = ""
    signature: str = ""
    sealed: str = ""
    provider: str = ""
    rest: Mapping[str, Any] = _NOTHING


class Refused(NamedTuple):
    """What the model said instead of an answer, where its dialect keeps that apart."""

    text: str


type Part = Text | Media | Call | Result | Thought | Refused


class Turn(NamedTuple):
    """A message."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
    rest: Mapping[str, Any] = _NOTHING


class Tool(NamedTuple):
    """A function that the caller runs. `parameters` is a JSON Schema; None where the dialect left it away."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    rest: Mapping[str, Any] = _NOTHING


class Choice(NamedTuple):
    """Which tools the model may call: `auto`, `none`, `any` (one at least), or `tool` with its `name`; and `parallel`, where the
    caller said whether.
    """

    mode: str = ""
    name: str = ""
    parallel: bool | None = None


class Format(NamedTuple):
    """The form of the answer's text: `text`, `json`, or `schema` with a JSON Schema."""

    kind: str = "text"
    name: str = ""
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    description: str = ""


class Reasoning(NamedTuple):
    """How much the model is to think: an `effort` (`none`, `minimal`, `low`, `medium`, `high`, `xhigh`), or a `budget` in tokens,
    where 0 is none and -1 as the model likes; `shown` whether its thoughts, or a summary of them, come back.
    """

    effort: str = ""
    budget: int | None = None
    shown: bool | None = None


class Sampling(NamedTuple):
    """Numbers that steer sampling; None where the caller did not say. `logprobs` is the number of alternatives, 0 for none of
    them.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    seed: int | None = None
    presence: float | None = None
    frequency: float | None = None
    logprobs: int | None = None
    stop: tuple[str, ...] = ()


class Conversation(NamedTuple):
    """A request. `system` are instructions before the first turn, `model` is the one that is asked, where that is known. `rest` are
    further members of the body, by name.
    """

    system: tuple[Text, ...]
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: Choice = Choice()
    format: Format | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    stream: bool = False
    usage_wanted: bool = False
    model: str = ""
    user: str = ""
    rest: Mapping[str, Any] = _NOTHING


class Loss(NamedTuple):
    """What another dialect cannot say: a noun of `LOSSES`, and where it stood, for people. It never holds what was said."""

    what: str
    where: str


class Translation(NamedTuple):
    """The dialects of caller and provider; what was lost on the way there, and on the way back as far as it was read: `LOSSES`."""

    source: str
    target: str
    lost: tuple[str, ...]
    answer_lost: set[str]


class Spent(NamedTuple):
    """Tokens. `input` holds all of the prompt, those read from (`cached`) and `written` to the provider's prompt cache included;
    `output` holds reasoning.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0


class Alternative(NamedTuple):
    """One of several answers to a request."""

    parts: tuple[Part, ...]
    finish: Finish
    stopped_by: str = ""


class Answer(NamedTuple):
    """A whole answer. `created` is seconds since the epoch, 0 where the dialect does not say."""

    id: str
    model: str
    alternatives: tuple[Alternative, ...]
    usage: Spent | None = None
    created: int = 0


class Failure(NamedTuple):
    """An error of a provider: an HTTP status, the word for its kind in the dialect, and a message."""

    status: int
    kind: str
    message: str


class Begun(NamedTuple):
    """A stream begins."""

    id: str
    model: str
    created: int = 0
    usage: Spent | None = None


class PartBegun(NamedTuple):
    """A part begins; pieces follow. `at` counts parts of an alternative from 0, in the order they begin. Of a call, `part` has the
    id and the name, and empty arguments.
    """

    at: int
    part: Part
    alternative: int = 0


class Piece(NamedTuple):
    """The next words of a part: of a text, a refusal, a thought, or arguments of a call."""

    at: int
    text: str
    alternative: int = 0


class Sealed(NamedTuple):
    """The signature of a thought, which comes after its words."""

    at: int
    signature: str
    alternative: int = 0


class Cited(NamedTuple):
    """A citation of a text."""

    at: int
    citation: Mapping[str, Any]
    alternative: int = 0


class PartEnded(NamedTuple):
    """A part is whole."""

    at: int
    alternative: int = 0


class Finished(NamedTuple):
    """An alternative is whole."""

    finish: Finish
    stopped_by: str = ""
    alternative: int = 0


class Counted(NamedTuple):
    """Usage so far; the last one counts."""

    usage: Spent


class Over(NamedTuple):
    """A stream ends as its dialect ends streams."""


type StreamItem = Begun | PartBegun | Piece | Sealed | Cited | PartEnded | Finished | Counted | Failure | Over
