"""Bodies for the dialect tests: rich ones by hand, endless ones from a seed."""

import json
import random
from collections.abc import Iterable

from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.spec import Request, RequestLine, Target
from outgate.inference.params import Tools
from outgate.inference.stream import Event
from outgate.net.headers import Headers


class Spoken:
    """A dialect as tests of bodies call it: an operation in place of a request line, no header fields, bytes in and out."""

    def __init__(self, name: str) -> None:
        self._dialect = dialect(name)

    def __getattr__(self, name: str):
        return getattr(self._dialect, name)

    def decode(self, operation, raw: bytes) -> Request:
        return self._dialect.decode(RequestLine("POST", "/path", operation), Headers(), raw)

    def encode(self, operation, prompt, model: str, params, max_tokens: int | None = None, state=frozenset()) -> bytes:
        request = Request(RequestLine("POST", "/path", operation), prompt, Tools(), params, "")
        return self._dialect.encode(request, Target(model, max_tokens, state)).body

    def read(self, operation, raw: bytes, stream: bool = True, include_usage: bool = True, status: int = 200) -> list[Event]:
        """The events of an answer, from its bytes at once."""
        decoder = self._dialect.answer(operation, stream, include_usage, status)
        return [*decoder.feed(raw), *decoder.end()]


def joined(events: Iterable[Event], *, repeated: bool = False) -> dict:
    """The text of every part; of those that are told again where `repeated`."""
    parts: dict = {}
    for event in events:
        for text in event.texts:
            if text.repeated is repeated:
                parts[text.part] = parts.get(text.part, "") + text.text
    return parts


OPENAI = Spoken("openai")
ANTHROPIC = Spoken("anthropic")
RESPONSES = Spoken("responses")
CHAT = operation_for("POST", "/v1/chat/completions")
EMBEDDINGS = operation_for("POST", "/v1/embeddings")
MESSAGES = operation_for("POST", "/v1/messages")
RESPONSE = operation_for("POST", "/v1/responses")

OPENAI_RICH = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "be kind", "name": "boss"},
        {"role": "developer", "content": [{"type": "text", "text": "and short"}]},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://example.test/cat.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
                {"type": "hologram", "payload": {"beam": "?"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "no",
            "reasoning_content": "thinking",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {
                        "name": "send",
                        "arguments": '{"to": "bob", "card": 4111111111111111, "cc": ["eve", {"deep": "x"}]}',
                    },
                },
                {"id": "call_2", "type": "function", "function": {"name": "bad", "arguments": "{not json"}},
                {"id": "call_3", "type": "custom", "custom": {"name": "run", "input": "ls -l"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sent"},
        {"role": "function", "name": "old", "content": "done"},
        {"role": "wizard", "content": "abra"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "send",
                "description": "sends mail",
                "strict": True,
                "parameters": {
                    "type": "object",
                    "properties": {
                        "to": {"type": "string", "description": "whom", "enum": ["bob", "eve"]},
                        "any": {"anyOf": [{"$ref": "#/x"}]},
                    },
                    "required": ["to"],
                    "x-unknown": "?",
                },
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "send"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": {"type": "object", "title": "T"}}},
    "metadata": {"team": "blue"},
    "stop": ["END"],
    "user": "u-1",
    "temperature": 0.5,
    "logit_bias": {"50256": -100},
    "seed": 12345678,
    "web_search_options": {"user_location": {"approximate": {"city": "Paris"}}},
    "brand_new": {"field": ["a", {"b": "c"}]},
}

ANTHROPIC_RICH = {
    "model": "claude-sonnet-4",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral", "ttl": "5m"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look", "citations": [{"type": "char_location", "cited_text": "said"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.test/cat.png"}},
                {
                    "type": "document",
                    "title": "t",
                    "context": "c",
                    "source": {"type": "text", "media_type": "text/plain", "data": "plain"},
                },
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "found"}]},
                {"type": "hologram", "source": {"type": "beam", "data": "?"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "ZW5j"},
                {"type": "text", "text": "ok"},
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "send",
                    "input": {"to": "bob", "card": 4111111111111111, "l": ["a", {"k": "v"}]},
                },
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srv_1",
                    "content": [{"type": "web_search_result", "title": "w"}],
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sent"},
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [{"type": "text", "text": "r"}]},
            ],
        },
        {"role": "assistant", "content": "plain"},
        {"role": "wizard", "content": "abra"},
    ],
    "tools": [
        {
            "name": "send",
            "description": "sends",
            "input_schema": {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]},
        },
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "allowed_domains": ["example.test"]},
    ],
    "tool_choice": {"type": "tool", "name": "send"},
    "metadata": {"user_id": "u-1"},
    "stop_sequences": ["END"],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "brand_new": {"field": ["a", {"b": "c"}]},
}

STRINGS = ("", "a", "héllo", "\u2028", "日本", '"quoted"', "back\\slash", "nul\x00", "a:b", "\\u003a", "<>&", "😀", "{}", "é" * 40)


def value(r: random.Random, depth: int = 0):
    """A random JSON value, with the numbers and strings that parsers disagree about."""
    kind = r.randrange(10 if depth < 4 else 7)
    if kind < 3:
        return r.choice(STRINGS)
    if kind == 3:
        return r.choice((0, -1, 2**53, 2**53 + 1, -(2**63), 2**64, 10**30, r.randrange(10**9)))
    if kind == 4:
        return r.choice((0.5, -0.0, 1e300, 5e-324, 9007199254740993.0, 1 / 3, 1e16, r.random()))
    if kind < 7:
        return r.choice((True, False, None))
    if kind == 7:
        return [value(r, depth + 1) for _ in range(r.randrange(4))]
    return {r.choice(STRINGS) + str(i): value(r, depth + 1) for i in range(r.randrange(4))}


def openai_body(r: random.Random) -> dict:
    roles = ("system", "user", "assistant", "tool")
    body = {
        "model": r.choice(("gpt-4o", "o3")),
        "messages": [{"role": r.choice(roles), "content": r.choice(STRINGS), f"x{i}": value(r)} for i in range(r.randrange(1, 4))],
        "extra": value(r),
        "n": r.choice((None, 1, 2)),
    }
    if r.random() < 0.4:
        arguments = json.dumps({"v": value(r)}, ensure_ascii=r.random() < 0.5)
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
        body["messages"].append({"role": "assistant", "content": None, "tool_calls": [call]})
    return body


def anthropic_body(r: random.Random) -> dict:
    blocks = [{"type": "text", "text": r.choice(STRINGS)}, {"type": "tool_use", "id": "t", "name": "f", "input": {"v": value(r)}}]
    return {
        "model": "claude",
        "max_tokens": 5,
        "system": r.choice(STRINGS),
        "messages": [{"role": "user", "content": r.choice((r.choice(STRINGS), blocks))}],
        "extra": value(r),
    }


def spelled(r: random.Random, body: dict) -> bytes:
    """One of the many spellings of a body."""
    return json.dumps(body, ensure_ascii=r.random() < 0.5, indent=r.choice((None, 1))).encode()
