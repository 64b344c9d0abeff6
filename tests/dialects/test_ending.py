"""The end of a stream in words: after any event of it that has left, in every dialect that has conversations."""

import pytest

from outgate.dialects.registry import SPECS, dialect, spec
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from support import anthropic_answers as a
from support import gemini_answers as g
from support import openai_answers as o
from support import responses_answers as r
from support.sse import frames
from support.talks import DIALECTS

CHATS = [each.name for each in SPECS if any(template.kind is Kind.CHAT for template in each.paths)]
WORDS = "That is all I may say."
TEXTS = ["One", " two", " three"]


def ended(name, raw, count, part=("choices", 0)):
    """The bytes of a stream of which so many events have left, with the words behind them."""
    events = dialect(name).answer(Operation(name, Kind.CHAT), True, True).feed(raw)[:count]
    ending = spec(name).ending()
    for each in events:
        ending.see(each)
    return b"".join(each.encode() for each in events) + ending.words(WORDS, part)


def heard(name, raw):
    """The text of a stream; of one with several blocks, of all of them."""
    if name != "anthropic":
        return DIALECTS[name].heard(raw)
    return "".join(frame["delta"].get("text", "") for frame in frames(raw) if frame["type"] == "content_block_delta")


def stream_of(name):
    return b"".join(DIALECTS[name].events({"stream_options": {"include_usage": True}}, TEXTS, (9, 5)))


def test_every_dialect_with_conversations_can_be_ended_in_words():
    assert all(spec(name).ending is not None for name in CHATS)


@pytest.mark.parametrize("name", CHATS)
def test_a_stream_is_whole_after_any_event_that_has_left(name):
    raw = stream_of(name)
    events = dialect(name).answer(Operation(name, Kind.CHAT), True, True).feed(raw)
    for count in range(1, len(events)):
        out = ended(name, raw, count)
        decoder = dialect(name).answer(Operation(name, Kind.CHAT), True, True)
        again = [*decoder.feed(out), *decoder.end()]

        assert again[-1].last, count
        assert heard(name, out).endswith(WORDS), count


@pytest.mark.parametrize("name", CHATS)
def test_words_follow_what_was_said_after_a_gap(name):
    raw = stream_of(name)
    events = dialect(name).answer(Operation(name, Kind.CHAT), True, True).feed(raw)
    first = next(at for at, each in enumerate(events, start=1) if any("One" in text.text for text in each.texts))

    said = heard(name, ended(name, raw, first))
    assert (True, True) == (said.startswith("One"), said.endswith(f"\n\n{WORDS}"))


CALLS = {
    "openai": o.chat_stream(o.call_chunk("", id="c", name="reset"), o.call_chunk("{")),
    "responses": b"".join(r.response_events([r.called("reset", "{}")])[:4]),
    "gemini": g.stream(g.chunk(g.call("reset", {}, willContinue=True))),
    "anthropic": a.message_stream(a.message_start(), a.block_start(0, type="tool_use", id="t", name="reset", input={})),
}


@pytest.mark.parametrize("name", CHATS)
def test_an_answer_in_the_middle_of_a_call_is_not_ended_in_words(name):
    with pytest.raises(WireError, match="in the middle of a tool call"):
        ended(name, CALLS[name], 99)


def test_the_words_are_said_in_the_choice_that_was_judged_and_all_others_end():
    raw = o.chat_stream(o.chunk({"content": "a"}, index=0), o.chunk({"content": "b"}, index=1))
    told = frames(ended("openai", raw, 2, ("choices", 1, "delta", "content")))
    choices = [choice for frame in told[2:] for choice in frame["choices"]]

    assert [(1, None), (0, "stop"), (1, "stop")] == [(each["index"], each["finish_reason"]) for each in choices]


def test_a_thought_that_is_open_is_closed_before_the_words():
    raw = a.message_stream(a.message_start(), a.block_start(0, type="thinking", thinking=""))
    kinds = [(frame["type"], frame.get("index")) for frame in frames(ended("anthropic", raw, 2))[2:]]

    assert [("content_block_stop", 0), ("content_block_start", 1), ("content_block_delta", 1)] == kinds[:3]


def test_items_that_are_whole_are_told_again_at_the_end():
    raw = b"".join(r.response_events([r.thought("hm"), r.said("Hello")]))
    events = dialect("responses").answer(Operation("responses", Kind.CHAT), True, True).feed(raw)
    output = frames(ended("responses", raw, len(events) - 4))[-1]["response"]["output"]

    assert ["reasoning", "message"] == [item["type"] for item in output]
    assert output[1]["content"][0]["text"].endswith(WORDS)


def test_a_message_with_whole_calls_ends_as_one_that_calls():
    raw = a.message_stream(a.message_start(), a.block_start(0, type="tool_use", id="t", name="read", input={}), a.block_stop(0))
    told = frames(ended("anthropic", raw, 3))

    assert "tool_use" == next(frame["delta"]["stop_reason"] for frame in told if frame["type"] == "message_delta")
