"""P4: whatever a client or a provider sends, a dialect reads it or raises WireError."""

import copy
import random

import orjson
import pytest

from outgate.dialects.json_body import dump
from outgate.errors import WireError
from support.responses_bodies import RESPONSES_RICH
from support.wire_bodies import (
    ANTHROPIC,
    ANTHROPIC_RICH,
    CHAT,
    EMBEDDINGS,
    MESSAGES,
    OPENAI,
    OPENAI_RICH,
    RESPONSE,
    RESPONSES,
    value,
)

CALL = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
CHUNK = {
    "id": "c",
    "model": "m",
    "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
    "choices": [{"index": 0, "finish_reason": None, "delta": {"content": "x", "tool_calls": [CALL]}}],
    "error": None,
}
EVENTS = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens_details": {"thinking_tokens": 1}}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "x"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 1}},
]

_MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "x", "logprobs": []}]}
_CALLED = {"type": "function_call", "name": "f", "arguments": "{}"}
_RESPONSE = {
    "status": "completed",
    "output": [_MESSAGE, _CALLED],
    "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 1}},
    "incomplete_details": {"reason": "max_output_tokens"},
}
ITEMS = [
    {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "x", "logprobs": [{"token": "x"}]},
    {"type": "response.shell_call_output_content.delta", "output_index": 0, "command_index": 0, "delta": {"stdout": "x"}},
    {"type": "response.function_call_arguments.done", "output_index": 1, "arguments": "{}"},
    {"type": "response.output_item.done", "output_index": 0, "item": _CALLED},
    {"type": "response.incomplete", "response": _RESPONSE},
    _RESPONSE,
]


def places(body):
    """Every container of a body with every key or position in it."""
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for key, inner in list(items):
        yield body, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def broken(r, body):
    """A body with one to three of its values replaced by any other, or taken away."""
    body = copy.deepcopy(body)
    for _ in range(r.randrange(1, 4)):
        found = list(places(body))
        if not found:
            return body
        container, key = r.choice(found)
        if isinstance(container, dict) and r.random() < 0.2:
            del container[key]
        else:
            container[key] = value(r)
    return body


def tried(work):
    """Whether the work was done; any error but WireError is the test's failure."""
    try:
        work()
    except WireError:
        return False
    return True


EMBED = {"model": "m", "input": [["a", 1], "b"], "user": "u", "dimensions": 4}
REQUESTS = [
    (OPENAI, CHAT, OPENAI_RICH),
    (OPENAI, EMBEDDINGS, EMBED),
    (ANTHROPIC, MESSAGES, ANTHROPIC_RICH),
    (RESPONSES, RESPONSE, RESPONSES_RICH),
]


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize(("dialect", "operation", "body"), REQUESTS, ids=["chat", "embeddings", "messages", "responses"])
def test_p4_broken_requests(dialect, operation, body):
    def work(raw):
        request = dialect.decode(operation, raw)
        changed = request.prompt.replace({i: f"<{i}>" for i in range(len(request.prompt.leaves))})
        assert dialect.encode(operation, changed, "m", request.params, 5)

    r = random.Random(11)
    done = [tried(lambda: work(dump(broken(r, body)))) for _ in range(1500)]

    assert {True, False} == set(done)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("dialect", "operation", "bodies"),
    [(OPENAI, CHAT, [CHUNK]), (ANTHROPIC, MESSAGES, EVENTS), (RESPONSES, RESPONSE, ITEMS)],
    ids=["openai", "anthropic", "responses"],
)
def test_p4_broken_answers(dialect, operation, bodies, stream):
    def work(raw):
        decoder = dialect.answer(operation, stream, False)
        for event in [*decoder.feed(raw), *decoder.end()]:
            assert event.encode() or event.last
            event.replace(dict.fromkeys(range(len(event.texts)), "x")).encode()

    r = random.Random(12)
    for _ in range(3000):
        raw = dump(broken(r, r.choice(bodies)))
        end = b'data: [DONE]\n\ndata: {"type":"message_stop"}\n\ndata: {"type":"response.completed"}\n\n'
        tried(lambda: work(b"data: " + raw + b"\n\n" + end if stream else raw))  # noqa: B023  called at once


@pytest.mark.slow
def test_p4_mutated_bytes():
    r = random.Random(13)
    whole = orjson.dumps(OPENAI_RICH)
    for _ in range(1500):
        raw = bytearray(whole)
        for _ in range(r.randrange(1, 4)):
            raw[r.randrange(len(raw))] = r.choice(b'{}[]",:\\\x00\xff0e')
        tried(lambda: OPENAI.decode(CHAT, bytes(raw)))  # noqa: B023  called at once
