"""Requests and answers between dialects: edits are translated too, unread answers fail closed, nothing is quoted."""

import orjson
import pytest

from outgate.dialects import registry
from outgate.dialects.answer_forms import answer_in
from outgate.dialects.spec import Target
from outgate.dialects.translated import translated
from outgate.errors import WireError
from outgate.inference.conversation import Conversation
from support.openai_answers import chat_completion, chat_events, chat_stream, chunk
from support.wire_bodies import CHAT, OPENAI

NOBODY = Conversation((), ())


def request(**members):
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    return OPENAI.decode(CHAT, orjson.dumps(body))


def answered(raw, *, stream=False, status=200):
    decoder = registry.dialect("openai").answer(CHAT, stream, True, status)
    whole = answer_in(CHAT, "openai", NOBODY, decoder, stream=stream, status=status)
    return b"".join(event.encode() for event in [*whole.feed(raw), *whole.end()])


def test_what_is_translated_is_what_was_judged():
    given = request()
    edited = given._replace(prompt=given.prompt.replace({0: "[NAME]"}))
    made = translated(edited, Target("routed"), "openai")

    body = orjson.loads(made.sent.body)
    assert ("routed", "[NAME]") == (body["model"], body["messages"][0]["content"])


def test_large_images_are_carried_as_they_came():
    data = "iVBORw0KGgo" + "A" * 70_001
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]
    made = translated(request(messages=[{"role": "user", "content": parts}]), Target("m"), "openai")

    assert data.encode() in made.sent.body
    assert b"\\u0001" not in made.sent.body


def test_whole_and_streamed_answers():
    assert "hello" == orjson.loads(answered(orjson.dumps(chat_completion("hello"))))["choices"][0]["message"]["content"]
    assert b"[DONE]" in answered(b"".join(chat_events(["he", "llo"], "m", (3, 4))), stream=True)


FORMLESS = ({}, [], {"choices": [{}]}, {"choices": [3]}, {"choices": [{"message": {"content": 3}}]})


@pytest.mark.parametrize("tree", FORMLESS)
def test_attack_of_answers_without_form(tree):
    with pytest.raises(WireError):
        answered(orjson.dumps(tree))


def test_a_broken_stream_is_not_completed():
    pieces = chat_events(["he", "llo"], "m", (3, 4))
    with pytest.raises(WireError, match="before its answer was complete"):
        answered(b"".join(pieces[:2]), stream=True)


def test_what_is_no_object_is_dropped_and_an_object_that_cannot_be_read_ends_the_answer():
    pieces = chat_events(["he", "llo"], "m", (3, 4))
    raw = answered(b"".join([pieces[0], b"data: ping\n\n", *pieces[1:]]), stream=True)

    assert b": keep-alive" in raw
    assert b"[DONE]" in raw
    for lost in (b"data: {\n\n", b'data: {"choices":[{"delta":{"content":7}}]}\n\n'):
        with pytest.raises(WireError):
            answered(b"".join([pieces[0], lost, *pieces[1:]]), stream=True)
    assert b"[DONE]" in answered(b"".join([*pieces[:-1], b"data: {\n\n", pieces[-1]]), stream=True), "all was said"


def test_the_sign_of_life_is_the_clients():
    """google-genai takes a comment for a broken answer; a blank line is none."""
    line = registry.request_line("POST", "/v1beta/models/m:streamGenerateContent?alt=sse")
    decoder = registry.dialect("gemini").answer(line.operation, True, True)
    whole = answer_in(line.operation, "openai", NOBODY, decoder, stream=True, status=200)
    first, *pieces = chat_events(["he", "llo"], "m", (3, 4))
    raws = [b": busy\n\n", first, b"data: ping\n\n", *pieces]
    sent = b"".join(event.encode() for raw in raws for event in whole.feed(raw)) + b"".join(each.encode() for each in whole.end())

    assert all(row.startswith(b"data: {") for row in sent.splitlines() if row)
    assert b"STOP" in sent


def test_errors_in_the_shape_of_the_client_and_pages_as_text():
    own = orjson.loads(answered(b'{"error": {"message": "slow down", "type": "x"}}', status=429))
    page = orjson.loads(answered(b"<html><body>bad gateway</body></html>", status=502))

    assert ("slow down", "rate_limit_error") == (own["error"]["message"], own["error"]["type"])
    assert "bad gateway" in page["error"]["message"]


CLIENTS = [
    ("openai", "/v1/chat/completions", False), ("openai", "/v1/chat/completions", True),
    ("responses", "/v1/responses", False), ("responses", "/v1/responses", True),
    ("anthropic", "/v1/messages", False), ("anthropic", "/v1/messages", True),
    ("gemini", "/v1beta/models/m:generateContent", False), ("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", True),
]  # fmt: skip


@pytest.mark.parametrize(("client", "path", "stream"), CLIENTS)
def test_attack_of_a_citation_that_is_no_object(client, path, stream):
    """It is left out, and costs neither the answer nor the citation beside it."""
    cited = ["x", None, {"type": ["y"]}, {"type": "url_citation", "url_citation": {"url": "https://a.test/x", "title": "T"}}]
    operation = registry.request_line("POST", path).operation
    decoder = registry.dialect(client).answer(operation, stream, True)
    whole = answer_in(operation, "openai", NOBODY, decoder, stream=stream, status=200)
    streamed = chat_stream(chunk({"role": "assistant", "content": "hello"}), chunk({"annotations": cited}), chunk({}, "stop"))
    raw = streamed if stream else orjson.dumps(chat_completion("hello", annotations=cited))
    sent = b"".join(event.encode() for event in [*whole.feed(raw), *whole.end()])

    assert b"hello" in sent
    assert b"https://a.test/x" in sent
