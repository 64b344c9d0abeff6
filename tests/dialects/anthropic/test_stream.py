import random
from functools import partial

import orjson
import pytest

from outgate.dialects.spec import Canned
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.usage import Usage, merge_usage
from support.anthropic_answers import (
    STOP,
    block_delta,
    block_start,
    block_stop,
    input_delta,
    message_delta,
    message_stream,
    text_delta,
)
from support.wire_bodies import ANTHROPIC, MESSAGES, joined

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}
COUNTS = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 2,
    "cache_read_input_tokens": 5,
    "output_tokens": 1,
    "service_tier": "standard",
}
STREAM = message_stream(
    {"type": "message_start", "message": {**MESSAGE, "usage": COUNTS}},
    {"type": "ping"},
    block_start(0, type="thinking", thinking="", signature=""),
    block_delta(0, type="thinking_delta", thinking="hm"),
    block_delta(0, type="signature_delta", signature="c2ln"),
    block_stop(0),
    block_start(1, type="text", text=""),
    text_delta("Hel", 1),
    text_delta("lo é", 1),
    block_delta(1, type="citations_delta", citation={"type": "char_location", "cited_text": "quoted"}),
    block_stop(1),
    block_start(2, type="tool_use", id="toolu_1", name="send", input={}),
    input_delta('{"to":', 2),
    input_delta('"bob"}', 2),
    block_stop(2),
    message_delta("tool_use", output_tokens=40),
    STOP,
)


answer = partial(ANTHROPIC.read, MESSAGES)


def test_streamed_texts_continue_each_other_by_block():
    events = answer(STREAM)
    parts = joined(events)

    assert ("hm", "Hello é", '{"to":"bob"}') == (parts[0, "thinking"], parts[1, "text"], parts[2, "partial_json"])
    others = sorted(text for part, text in parts.items() if part[0] == "other" and text)
    assert ["c2ln", "char_location", "quoted", "send"] == others


def test_a_block_closes_its_text_when_it_stops_and_other_strings_at_once():
    events = answer(STREAM)
    closes = [event.closes for event in events]

    assert ((0, "thinking"),) == closes[5]
    assert ((1, "text"),) == closes[10]
    assert ((2, "partial_json"),) == closes[14]
    assert {text.part for text in events[4].texts} == set(closes[4])
    assert {text.part for text in events[11].texts} == set(closes[11])


def test_usage_counts_cached_tokens_as_input_and_merges():
    events = answer(STREAM)
    merged = None
    for event in events:
        merged = merge_usage(merged, event.usage)

    assert Usage(input_tokens=17, output_tokens=40, cached_tokens=5, cache_write_tokens=2) == merged
    assert merged == events[15].usage


def test_a_later_report_without_cache_counts_keeps_the_earlier_ones():
    events = answer(
        message_stream(
            {"type": "message_start", "message": {**MESSAGE, "usage": COUNTS}},
            {
                "type": "message_delta",
                "delta": {},
                "usage": {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": None},
            },
            STOP,
        )
    )

    assert 17 == merge_usage(events[0].usage, events[1].usage).input_tokens


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, Usage()),
        ({"input_tokens": 3, "output_tokens": 4}, Usage(input_tokens=3, output_tokens=4)),
        ({"cache_read_input_tokens": 4}, Usage(cached_tokens=4)),
        ({"input_tokens": "3", "output_tokens": -1}, Usage()),
        ({"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 6}}, Usage(output_tokens=9, reasoning_tokens=6)),
        ({"output_tokens": 9, "output_tokens_details": None}, Usage(output_tokens=9)),
    ],
)
def test_usage_is_null_rather_than_wrong(usage, expected):
    [event] = answer(orjson.dumps({**MESSAGE, "usage": usage}), stream=False)

    assert expected == event.usage


def test_merge_keeps_what_the_later_report_leaves_open():
    first, second = Usage(input_tokens=1, output_tokens=2), Usage(output_tokens=3, estimated=True)

    assert Usage(input_tokens=1, output_tokens=3, estimated=True) == merge_usage(first, second)
    assert first == merge_usage(None, first) == merge_usage(first, None)
    assert merge_usage(None, None) is None


def test_events_are_written_from_what_was_judged():
    assert STREAM == b"".join(event.encode() for event in answer(STREAM))


def test_a_name_on_the_wire_that_is_not_the_type_is_corrected():
    raw = STREAM.replace(b"event: ping", b"event: error")

    assert STREAM == b"".join(event.encode() for event in answer(raw))


def test_held_back_text_goes_out_in_a_delta_even_from_the_start_of_its_block():
    events = answer(message_stream(block_start(0, type="text", text="Hi"), block_stop(0), STOP))
    held = events[0].only(0, "i")

    assert message_stream(text_delta("i", 0)) == held.encode()
    assert events[0].texts[0].part == held.texts[0].part
    assert message_stream(text_delta("x", 0)) == held.replace({0: "x"}).encode()
    arguments = answer(STREAM)[13].only(0, "}")
    assert message_stream(input_delta("}", 2)) == arguments.encode()


def test_a_string_that_comes_whole_has_no_continuation():
    with pytest.raises(TypeError):
        answer(STREAM)[4].only(0, "x")


def test_chunking_changes_no_event():
    r = random.Random(1)
    for size in [1, *(r.randrange(2, 400) for _ in range(20))]:
        decoder = ANTHROPIC.answer(MESSAGES, True, False)
        events = [e for at in range(0, len(STREAM), size) for e in decoder.feed(STREAM[at : at + size])]

        assert STREAM == b"".join(event.encode() for event in [*events, *decoder.end()])


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 15])
def test_a_stream_without_reason_to_stop_is_truncated(cut):
    raw = b"\n\n".join(STREAM.split(b"\n\n")[:cut]) + b"\n\n"
    with pytest.raises(WireError) as caught:
        answer(raw)

    assert "truncated" == caught.value.code


def test_what_follows_the_end_is_not_passed_on():
    assert 17 == len(answer(STREAM + message_stream(text_delta("smuggled", 0))))


def test_an_error_event_of_the_provider_ends_the_stream():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    events = answer(message_stream(block_start(0, type="text", text="Hi"), error))

    assert [False, True] == [event.last for event in events]
    assert (0, "text") in events[1].closes
    assert "busy" in [text.text for text in events[1].texts]


@pytest.mark.parametrize(
    "data",
    ["{", "[]", "{}", '{"type":"novel"}', '{"type":1}', '{"type":"content_block_delta","delta":{}}'],
)
def test_events_that_are_none_make_no_answer(data):
    with pytest.raises(WireError, match=r"before its answer was complete|not strict JSON"):
        answer(f"data: {data}\n\n".encode())


def test_a_whole_answer_is_one_event_with_every_output_string():
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Hello", "citations": [{"type": "char_location", "cited_text": "quoted"}]},
        {"type": "tool_use", "id": "toolu_1", "name": "send", "input": {"to": "bob", "card": 4111111111111111}},
    ]
    whole = {**MESSAGE, "content": content, "stop_reason": "end_turn", "usage": COUNTS}
    [event] = answer(orjson.dumps(whole), stream=False)
    channels = {text.text: text.channel for text in event.texts}

    assert {"hm", "c2ln", "Hello", "char_location", "quoted", "send", "to", "bob", "card", "4111111111111111"} == set(channels)
    assert Channel.TOOL_ARGUMENTS is channels["bob"] is channels["send"]
    assert Channel.REASONING is channels["hm"]
    assert (True, True, 17) == (event.whole, event.last, event.usage.input_tokens)
    assert whole == orjson.loads(event.encode())


@pytest.mark.parametrize("stream", [False, True])
def test_a_canned_answer_is_a_whole_conversation_turn(stream):
    events = ANTHROPIC.canned(MESSAGES, Canned("No, thanks.", "claude", "req1", 7), stream, False)

    assert "No, thanks." == "".join(joined(events).values())
    assert events[-1].last
    assert [e.encode() for e in events] == [
        e.encode() for e in ANTHROPIC.redecode(MESSAGES, stream, b"".join(e.encode() for e in events))
    ]


def test_models_are_listed():
    listed = orjson.loads(ANTHROPIC.models(["a", "b"], 0))

    assert ("a", "b", False) == (listed["first_id"], listed["last_id"], listed["has_more"])
    assert {"type": "model", "id": "a", "display_name": "a", "created_at": "1970-01-01T00:00:00Z"} == listed["data"][0]
    assert orjson.loads(ANTHROPIC.models([], 0))["first_id"] is None
