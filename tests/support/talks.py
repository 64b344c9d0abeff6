"""Every operation with a conversation, as its callers ask and its providers answer, by dialect and request line.

A dialect that is registered without its row here fails the tests that are generated from the registry.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from support import anthropic_answers as anthropic
from support import bedrock_answers as bedrock
from support import gemini_answers as gemini
from support import openai_answers as openai
from support import responses_answers as responses

type Body = Mapping[str, Any]
type Tokens = tuple[int, int]


class Named(Protocol):
    """A provider, under its names."""

    names: Sequence[str]


class Talk(NamedTuple):
    """`ask` is the body of a question, `asked` the question in a body; `whole` and `events` are the answer to a body, plain and
    streamed, `said` and `heard` the text in them, `refused` the reason in an error (a body, or the last event of a stream).
    Tokens are (input, output). `end` is in the last event of a whole stream alone, `error` begins the event that ends a broken one.
    `stream_path` is where a stream is asked for, if elsewhere; `ends` the ends of the paths, if models stand in them; `life` begins
    the sign of life of a stream.
    """

    host: str
    path: str
    ask: Callable[[str, bool], dict[str, Any]]
    asked: Callable[[Body], str]
    whole: Callable[[Body, str, Tokens], dict[str, Any]]
    said: Callable[[Body], str]
    events: Callable[[Body, Sequence[str], Tokens], list[bytes]]
    heard: Callable[[bytes], str]
    refused: Callable[[Body], str]
    end: str
    error: str
    stream_path: str = ""
    life: bytes = b": keep-alive"
    ends: tuple[str, ...] = ()

    def provider[P: Named](self, providers: Iterable[P]) -> P:
        """The one of these providers that answers under this host."""
        return next(each for each in providers if self.host in each.names)

    def target(self, stream: bool) -> str:
        """The path and query of a question."""
        return (stream and self.stream_path) or self.path

    def to(self, stream: bool) -> str:
        return f"https://{self.host}{self.target(stream)}"

    @property
    def url(self) -> str:
        return self.to(stream=False)

    def streams(self, target: str, asked: Body) -> bool:
        """Whether a request asks for a stream."""
        return "stream" in target if self.stream_path else bool(asked.get("stream"))


def _chat_events(asked: Body, texts: Sequence[str], tokens: Tokens) -> list[bytes]:
    wanted = (asked.get("stream_options") or {}).get("include_usage")
    return openai.chat_events(texts, asked.get("model", "gpt-4o-mini"), tokens if wanted else None)


def _response_events(asked: Body, texts: Sequence[str], tokens: Tokens) -> list[bytes]:
    size = max(map(len, texts), default=1)
    return responses.response_events([responses.said("".join(texts))], asked.get("model", "gpt-5"), tokens, size)


def _gemini(version: str) -> Talk:
    path = f"/{version}/models/{gemini.MODEL}"
    return Talk(
        host="generativelanguage.googleapis.com",
        path=f"{path}:generateContent",
        ask=lambda text, _: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
        asked=lambda body: body["contents"][-1]["parts"][0]["text"],
        whole=lambda _, text, tokens: gemini.said(text, tokens),
        said=gemini.text_of,
        events=lambda _, texts, tokens: gemini.events(texts, tokens),
        heard=gemini.streamed_text,
        refused=lambda body: body["error"]["details"][0]["reason"],
        end='"finishReason"',
        error='data: {"error":{"code"',
        stream_path=f"{path}:streamGenerateContent?alt=sse",
        life=b"\n",
        ends=(":generateContent", ":streamGenerateContent"),
    )


TALKS: dict[tuple[str, str], Talk] = {
    ("openai", "POST /v1/chat/completions"): Talk(
        host="api.openai.com",
        path="/v1/chat/completions",
        ask=lambda text, stream: {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": text}]},
        asked=lambda body: body["messages"][-1]["content"],
        whole=lambda asked, text, tokens: openai.chat_completion(text, asked.get("model", "gpt-4o-mini"), tokens),
        said=lambda body: body["choices"][0]["message"]["content"],
        events=_chat_events,
        heard=openai.streamed_text,
        refused=lambda body: body["error"]["code"],
        end="[DONE]",
        error='data: {"error":{',
    ),
    ("responses", "POST /v1/responses"): Talk(
        host="api.openai.com",
        path="/v1/responses",
        ask=lambda text, stream: {"model": "gpt-5", "stream": stream, "input": text},
        asked=lambda body: body["input"],
        whole=lambda asked, text, tokens: responses.response([responses.said(text)], asked.get("model", "gpt-5"), tokens),
        said=responses.text_of,
        events=_response_events,
        heard=responses.streamed_text,
        refused=lambda body: body["error"]["code"],
        end="response.completed",
        error='event: error\ndata: {"type":"error"',
    ),
    ("anthropic", "POST /v1/messages"): Talk(
        host="api.anthropic.com",
        path="/v1/messages",
        ask=lambda text, stream: {
            "model": "claude-sonnet-4-5",
            "max_tokens": 99,
            "stream": stream,
            "messages": [{"role": "user", "content": text}],
        },
        asked=lambda body: body["messages"][-1]["content"],
        whole=lambda asked, text, tokens: anthropic.message(text, asked.get("model", "claude-sonnet-4-5"), tokens),
        said=lambda body: body["content"][0]["text"],
        events=lambda asked, texts, tokens: anthropic.message_events(texts, asked.get("model", "claude-sonnet-4-5"), tokens),
        heard=anthropic.streamed_text,
        refused=lambda body: body["error"]["details"]["error_code"],
        end="message_stop",
        error='event: error\ndata: {"type":"error"',
    ),
    ("gemini", "POST /v1/models/{model}:{verb}"): _gemini("v1"),
    ("gemini", "POST /v1beta/models/{model}:{verb}"): _gemini("v1beta"),
}


DIALECTS = {dialect: talk for (dialect, _), talk in TALKS.items()}
"""The conversation of each dialect."""
_CONVERSE = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
BEDROCK = Talk(
    host="bedrock-runtime.eu-west-1.amazonaws.com",
    path=_CONVERSE,
    ask=lambda text, _: {"messages": [{"role": "user", "content": [{"text": text}]}]},
    asked=lambda body: body["messages"][-1]["content"][-1]["text"],
    whole=lambda _, text, tokens: bedrock.whole({"text": text}, told=bedrock.usage(tokens)),
    said=lambda body: body["output"]["message"]["content"][0]["text"],
    events=lambda _, texts, tokens: bedrock.events(bedrock.said(texts), told=bedrock.usage(tokens)),
    heard=lambda raw: raw.decode("latin-1"),
    refused=lambda body: body["message"],
    end="metadata",
    error="exception-type",
    stream_path=f"{_CONVERSE}-stream",
    ends=("/converse", "/converse-stream"),
)
PROVIDERS = {**DIALECTS, "bedrock": BEDROCK}
"""Those, and the dialects that providers speak and no client."""


def talk_at(path: str) -> Talk | None:
    """The operation that a provider serves at this path, whatever stands before its version."""
    path = path.partition("?")[0]
    return next((talk for talk in (*TALKS.values(), BEDROCK) if path.endswith(talk.ends or talk.path.removeprefix("/v1"))), None)
