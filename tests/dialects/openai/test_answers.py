"""Decoders of whole OpenAI answers, of errors, and of answers by the gateway."""

import json
from functools import partial

import orjson
import pytest

from outgate.dialects.answers import WholeAnswer, WholeEvent
from outgate.dialects.openai.stream import reported
from outgate.dialects.openai.tables import COMPLETION
from outgate.dialects.spec import Canned
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.usage import Usage
from support.openai_answers import USAGE
from support.wire_bodies import CHAT, EMBEDDINGS, OPENAI, joined

answer = partial(OPENAI.read, CHAT, include_usage=False)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ([], None),
        ({}, Usage()),
        ({"prompt_tokens": 1}, Usage(input_tokens=1)),
        ({"prompt_tokens": -1, "completion_tokens": True}, Usage()),
        ({"prompt_tokens": "9", "completion_tokens": 2.0}, Usage()),
        ({"prompt_tokens": 5, "prompt_tokens_details": None, "completion_tokens_details": 3}, Usage(input_tokens=5)),
        ({"prompt_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 0}}, Usage(input_tokens=5, reasoning_tokens=0)),
    ],
)
def test_usage_is_null_rather_than_wrong(usage, expected):
    [event] = answer(orjson.dumps({"choices": [], "usage": usage}), stream=False)

    assert expected == event.usage


FUNCTION = {"name": "send", "arguments": '{"to":"<P1>","n":1}'}
WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello",
                "tool_calls": [{"id": "call_1", "type": "function", "function": FUNCTION}],
                "annotations": [{"type": "url_citation", "url_citation": {"title": "t", "url": "https://example.test"}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": USAGE,
}


def test_a_whole_answer_is_one_event_with_every_output_string():
    [event] = answer(orjson.dumps(WHOLE), stream=False)
    texts = {text.text: text.channel for text in event.texts}

    assert (True, True, ()) == (event.whole, event.last, event.closes)
    assert {"Hello", "send", "to", "<P1>", "n", "t", "https://example.test", "url_citation"} == set(texts)
    assert Channel.TOOL_ARGUMENTS is texts["<P1>"]
    assert WHOLE == orjson.loads(event.encode())
    assert 9 == event.usage.input_tokens


def test_a_value_restored_into_whole_arguments_is_quoted():
    [event] = answer(orjson.dumps(WHOLE), stream=False)
    [index] = [i for i, text in enumerate(event.texts) if text.text == "<P1>"]
    sent = orjson.loads(event.replace({index: 'a "b"'}).encode())
    arguments = sent["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]

    assert {"to": 'a "b"', "n": 1} == json.JSONDecoder().decode(arguments)
    with pytest.raises(TypeError):
        event.only(index, "x")


@pytest.mark.parametrize("raw", [b"", b"{", b"<html>", b"[]", orjson.dumps(WHOLE)[:-1]])
def test_a_whole_answer_that_is_cut_or_none_is_refused(raw):
    with pytest.raises(WireError):
        answer(raw, stream=False)


def test_an_answer_beyond_its_limit_is_refused():
    decoder = WholeAnswer(COMPLETION, reported, 1000)
    with pytest.raises(WireError) as caught:
        decoder.feed(b" " * 1001)

    assert "answer_too_large" == caught.value.code


def test_embeddings_answers_report_usage_and_hold_no_text():
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, -1e-9]}]
    vectors = {"object": "list", "model": "e", "data": data, "usage": {"prompt_tokens": 3}}
    decoder = OPENAI.answer(EMBEDDINGS, False, False)
    decoder.feed(orjson.dumps(vectors))
    [event] = decoder.end()

    assert (3, [], vectors) == (event.usage.input_tokens, list(event.texts), orjson.loads(event.encode()))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_a_canned_answer_is_a_whole_conversation_turn(stream, asked):
    events = OPENAI.canned(CHAT, Canned("No, thanks.", "gpt-4o", "req1", 7), stream, asked)
    raw = b"".join(event.encode() for event in events)
    shown = b"".join(event.encode() for event in events if not event.hidden)

    assert "No, thanks." == "".join(joined(events).values())
    assert events[-1].last
    assert (b'"usage"' in shown) is (asked or not stream)
    assert joined(OPENAI.redecode(CHAT, stream, raw)) == joined(events)


def test_a_canned_answer_to_embeddings_is_refused():
    with pytest.raises(WireError):
        OPENAI.canned(EMBEDDINGS, Canned("x", "m", "r", 1), False, False)


DEEP = {"choices": [{"message": {"role": "assistant", "content": "hi", "extra": [[[[1]]]]}}]}


@pytest.mark.parametrize("value", [WHOLE, DEEP, {"choices": [], "n": 1}], ids=["whole", "deep", "empty"])
def test_an_answer_that_nobody_reads_is_the_same_as_one_that_somebody_has_read(value):
    raw = orjson.dumps(value)
    [unread], [read] = answer(raw, stream=False), answer(raw, stream=False)
    assert isinstance(unread, WholeEvent)

    assert read.texts == _walked(raw)
    assert unread.encode() == read.encode() == raw


def _walked(raw):
    """The texts as they are found where an answer is read at once: one number too many for a double makes it so."""
    marked = raw[:-1] + b',"big":12345678901234567890}'
    [event] = answer(marked, stream=False)
    assert not isinstance(event, WholeEvent)
    return event.texts


@pytest.mark.parametrize(
    "raw",
    [
        b'{"choices":[],"n":9007199254740993}',
        b'{"choices":[],"n":1e300}',
        b'{"choices":[],"n":1E+22}',
        b'{"choices":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"choices":["' + b"x" * 70_000 + b'"]}',
    ],
    ids=["a large integer", "an exponent", "a capital exponent", "deep", "long"],
)
def test_attack_what_could_break_a_limit_is_read_at_once(raw):
    try:
        [event] = answer(raw, stream=False)
    except WireError as error:
        assert error.code == "too_deep"
    else:
        assert not isinstance(event, WholeEvent)


def test_a_change_to_an_unread_answer_reaches_its_bytes():
    [event] = answer(orjson.dumps(WHOLE), stream=False)
    index = next(index for index, text in enumerate(event.texts) if text.text == FUNCTION["name"])
    changed = event.replace({index: "post"})

    assert event.replace({index: FUNCTION["name"]}) is event
    assert b'"name":"post"' in changed.encode()
