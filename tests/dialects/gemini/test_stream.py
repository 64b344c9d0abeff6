"""Streamed answers of the Gemini API: when one is whole, what continues, and what is counted."""

import pytest

from outgate.dialects.gemini.stream import GeminiStream, usage_of
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish
from support import gemini_answers as g


def read(*chunks):
    decoder = GeminiStream()
    return [*decoder.feed(g.stream(*chunks)), *decoder.end()]


def test_text_and_thoughts_of_a_candidate_continue_apart_until_it_finishes():
    first, second, third, end = read(
        g.chunk({"text": "hm", "thought": True}), g.chunk({"text": "a"}, {"text": "b"}), g.chunk({"text": "c"}, finish="STOP")
    )

    assert [("candidates", 0, "thought")] == [each.part for each in first.texts]
    assert Channel.REASONING is first.texts[0].channel
    assert {("candidates", 0, "text")} == {each.part for each in (*second.texts, *third.texts)}
    assert {("candidates", 0, "text"), ("candidates", 0, "thought")} == set(third.closes)
    assert (b"", True) == (end.encode(), end.last)


def test_a_call_is_whole_in_its_event():
    [event, *_] = read(g.chunk(g.call("f", {"a": "x"}), finish="STOP"))

    assert event.calls_tool
    assert {each.part for each in event.texts} == set(event.closes)


def test_a_piece_alone_is_an_event_of_its_candidate():
    [event, *_] = read(g.chunk({"text": "secret", "thought": True}, index=1), g.chunk(finish="STOP", index=1))
    alone = event.only(0, "sec")

    assert g.stream(g.chunk({"text": "sec", "thought": True}, index=1)).count(b"sec") == alone.encode().count(b"sec")
    assert b'"index":1' in alone.encode()
    assert event.texts[0].part == alone.texts[0].part


@pytest.mark.parametrize("chunks", [(), (g.chunk({"text": "a"}),), (g.chunk(finish="STOP"), g.chunk({"text": "a"}, index=1))])
def test_a_stream_is_broken_off_where_a_candidate_has_not_finished(chunks):
    with pytest.raises(WireError, match="before its answer was complete"):
        read(*chunks)


def test_a_blocked_prompt_is_a_whole_answer():
    event, end = read({"promptFeedback": {"blockReason": "SAFETY"}})

    assert (Finish.CONTENT_FILTER, True) == (event.finish, end.last)


def test_an_error_ends_the_stream():
    events = read(g.chunk({"text": "a"}), {"error": {"code": 503, "message": "busy"}}, g.chunk({"text": "b"}))

    assert (2, Finish.ERROR, True) == (len(events), events[-1].finish, events[-1].last)


def test_thoughts_are_output_and_what_tools_brought_is_input():
    counts = {
        "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 4,
        "cachedContentTokenCount": 6,
    }  # fmt: skip
    usage = usage_of({"usageMetadata": counts})

    assert (15, 7, 6, 4) == (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens)
