"""Finish reasons and tool calls of an answer, in the words that every dialect's events share."""

import orjson
import pytest

from outgate.dialects.events import RawEvent
from outgate.inference.stream import Finish
from support.anthropic_answers import message
from support.openai_answers import chat_completion
from support.sse import named
from support.wire_bodies import ANTHROPIC, CHAT, EMBEDDINGS, MESSAGES, OPENAI

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(*reasons, stream=True, **said):
    choices = [
        {"index": at, "delta": said, "message": {"content": "x", **said}, "finish_reason": r} for at, r in enumerate(reasons)
    ]
    raw = orjson.dumps({"id": "c", "choices": choices})
    return OPENAI.redecode(CHAT, stream, b"data: " + raw + b"\n\ndata: [DONE]\n\n" if stream else raw)[0]


def anthropic(kind, **fields):
    return ANTHROPIC.redecode(MESSAGES, True, named(kind, fields) + named("message_stop", {}))[0]


def block(kind):
    started = anthropic("content_block_start", index=0, content_block={"type": kind})
    [whole] = ANTHROPIC.redecode(MESSAGES, False, orjson.dumps({**message(), "content": [{"type": kind}]}))
    return {started.calls_tool, whole.calls_tool}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("reasons", "finish"),
    [
        (["stop"], Finish.STOP),
        (["tool_calls"], Finish.TOOL_CALLS),
        (["function_call"], Finish.TOOL_CALLS),
        (["length"], Finish.LENGTH),
        (["content_filter"], Finish.CONTENT_FILTER),
        (["brand_new"], Finish.OTHER),
        ([["stop"]], Finish.OTHER),
        ([""], None),
        ([None], None),
        ([], None),
        (["stop", "length"], Finish.LENGTH),
        (["content_filter", "stop", None], Finish.CONTENT_FILTER),
    ],
)
def test_an_openai_answer_says_why_it_ended(reasons, finish, stream):
    assert finish is chat(*reasons, stream=stream).finish


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.CONTENT_FILTER),
        ("pause_turn", Finish.OTHER),
        ({"a": 1}, Finish.OTHER),
        (None, None),
    ],
)
def test_an_anthropic_answer_says_why_it_ended(reason, finish):
    [whole] = ANTHROPIC.redecode(MESSAGES, False, orjson.dumps({**message("x"), "stop_reason": reason}))

    assert finish is whole.finish
    assert finish is anthropic("message_delta", delta={"stop_reason": reason}).finish


def test_errors_end_an_answer_as_errors_and_nulls_do_not():
    streamed = b'data: {"error":{"message":"m"}}\n\n'
    refused = OPENAI.answer(CHAT, False, False, 429)
    refused.feed(b'{"error":{"message":"slow down"}}')

    assert Finish.ERROR is OPENAI.redecode(CHAT, True, streamed)[0].finish
    assert Finish.ERROR is ANTHROPIC.redecode(MESSAGES, True, named("error", {"error": {"type": "t"}}))[0].finish
    for body, finish in (({"error": {"code": 5}}, Finish.ERROR), ({"error": None}, Finish.STOP)):
        assert finish is OPENAI.redecode(CHAT, False, orjson.dumps({**chat_completion(), **body}))[0].finish
    assert Finish.ERROR is OPENAI.redecode(EMBEDDINGS, False, b'{"error":{"code":5}}')[0].finish
    assert Finish.ERROR is refused.end()[0].finish


@pytest.mark.parametrize("stream", [True, False])
def test_calls_of_tools_are_told_from_text(stream):
    assert not chat("stop", stream=stream, content='"tool_calls":[{"function":1}]').calls_tool
    assert chat("tool_calls", stream=stream, tool_calls=[CALL]).calls_tool
    assert chat("stop", stream=stream, function_call={"name": "f"}).calls_tool
    assert not chat("stop", stream=stream, tool_calls=[]).calls_tool


def test_an_anthropic_block_is_a_call_unless_it_is_known_to_be_text():
    assert [{False}] * 3 == [block(kind) for kind in ("text", "thinking", "redacted_thinking")]
    assert [{True}] * 4 == [block(kind) for kind in ("tool_use", "server_tool_use", "brand_new", None)]
    assert anthropic("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{"}).calls_tool
    assert not anthropic("content_block_delta", index=0, delta={"type": "text_delta", "text": "{"}).calls_tool


def test_what_was_replaced_keeps_what_it_says():
    event = chat("length", content="secret", tool_calls=[CALL]).replace({0: "x"})

    assert (Finish.LENGTH, True) == (event.finish, event.calls_tool)
    assert (None, False) == (RawEvent(b"x").finish, RawEvent(b"x").calls_tool)
