import random
from functools import partial

import orjson
import pytest

from outgate.errors import Denial, WireError
from outgate.inference.prompt import Channel
from outgate.inference.usage import Usage
from support.openai_answers import CHUNK, USAGE, call_chunk, chat_stream, chunk, usage_chunk
from support.wire_bodies import CHAT, OPENAI, joined

STREAM = chat_stream(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo"}, index=1),
    chunk({"content": "lo é"}),
    chunk({"refusal": "no"}),
    call_chunk(id="call_1", name="send"),
    call_chunk('{"to":'),
    call_chunk('"bob"}'),
    chunk({}, "tool_calls"),
    chunk({}, "stop", index=1),
    usage_chunk(USAGE),
)
answer = partial(OPENAI.read, CHAT, include_usage=False)


def test_streamed_texts_continue_each_other_by_part():
    events = answer(STREAM)
    function = ("choices", 0, "delta", "tool_calls", 0, "function")

    assert {
        ("choices", 0, "delta", "content"): "Hello é",
        ("choices", 1, "delta", "content"): "lo",
        ("choices", 0, "delta", "reasoning_content"): "hm",
        ("choices", 0, "delta", "refusal"): "no",
        (*function, "name"): "send",
        (*function, "arguments"): '{"to":"bob"}',
    } == joined(events)
    assert {Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_ARGUMENTS} == {t.channel for e in events for t in e.texts}


def test_a_choice_closes_its_parts_when_it_finishes_and_a_name_at_once():
    closed = [set(event.closes) for event in answer(STREAM)]

    assert {("choices", 0, "delta", "tool_calls", 0, "function", "name")} == closed[6]
    assert {"content", "reasoning_content", "refusal", "arguments"} == {part[-1] for part in closed[9]}
    assert {("choices", 1, "delta", "content")} == closed[10]
    assert set() == closed[-1]


def test_streamed_usage_is_hidden_from_a_caller_who_did_not_ask():
    for asked in (False, True):
        *_, usage, done = answer(STREAM, include_usage=asked)

        assert asked is not usage.hidden
        expected = Usage(input_tokens=9, output_tokens=7, cached_tokens=4, cache_write_tokens=1, reasoning_tokens=3)
        assert expected == usage.usage
        assert done.last
        assert b"data: [DONE]\n\n" == done.encode()


def test_null_usage_is_taken_from_chunks_of_a_caller_who_did_not_ask():
    raw = chat_stream(chunk({"content": "a"}, usage=None), chunk({}, "stop", usage=None))

    assert b'"usage"' not in answer(raw)[0].encode()
    assert b'"usage":null' in answer(raw, include_usage=True)[0].encode()


def test_usage_beside_a_choice_is_not_hidden():
    events = answer(chat_stream(chunk({"content": "a"}, "stop", usage=USAGE)))

    assert not events[0].hidden
    assert 9 == events[0].usage.input_tokens


def test_events_are_written_from_what_was_judged():
    assert STREAM == b"".join(event.encode() for event in answer(STREAM, include_usage=True))


def test_a_text_of_an_event_is_replaced():
    event = answer(chat_stream(chunk({"content": "secret", "role": "assistant"}), chunk({}, "stop")))[0]
    changed = event.replace({0: 'x"y'})

    assert b"secret" not in changed.encode()
    assert 'x"y' == changed.texts[0].text
    assert {"role": "assistant", "content": 'x"y'} == orjson.loads(changed.encode()[6:])["choices"][0]["delta"]
    assert event is event.replace({0: "secret"})
    assert b"secret" in event.encode()


def test_held_back_text_goes_out_in_a_continuation():
    events = answer(STREAM)
    arguments = events[8].only(0, "held")
    content = events[2].only(0, "held").replace({0: "again"})

    def alone(delta):
        return {**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    assert alone({"tool_calls": [{"index": 0, "function": {"arguments": "held"}}]}) == orjson.loads(arguments.encode()[6:])
    assert events[8].texts[0].part == arguments.texts[0].part
    assert alone({"content": "again"}) == orjson.loads(content.encode()[6:])
    assert (None, False, (), False) == (content.usage, content.last, content.closes, content.whole)


def test_chunking_changes_no_event():
    whole = [event.encode() for event in answer(STREAM)]
    r = random.Random(1)
    for size in [1, *(r.randrange(2, 400) for _ in range(20))]:
        decoder = OPENAI.answer(CHAT, True, False)
        events = [e for at in range(0, len(STREAM), size) for e in decoder.feed(STREAM[at : at + size])]

        assert whole == [event.encode() for event in [*events, *decoder.end()]]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b": ping\n\n",
        chat_stream(chunk({"content": "a"}), done=False),
        chat_stream(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, index=1), done=False),
        chat_stream(chunk({"content": "a"}, "stop"), done=False) + b'data: {"x',
    ],
)
def test_a_stream_that_ends_early_is_truncated(raw):
    with pytest.raises(WireError) as caught:
        answer(raw)

    assert "truncated" == caught.value.code


@pytest.mark.parametrize("raw", [chat_stream(chunk({"content": "a"}, "stop"), done=False), chat_stream(chunk({"content": "a"}))])
def test_a_finished_stream_ends_with_done_even_where_the_provider_left_it_out(raw):
    last = answer(raw)[-1]

    assert (True, b"data: [DONE]\n\n") == (last.last, last.encode())


def test_done_closes_what_no_choice_closed():
    assert (("choices", 0, "delta", "content"),) == answer(chat_stream(chunk({"content": "a"})))[-1].closes


def test_what_follows_the_end_is_not_passed_on():
    events = answer(chat_stream(chunk({"content": "a"}, "stop")) + chat_stream(chunk({"content": "smuggled"})))

    assert not [event for event in events if b"smuggled" in event.encode()]


@pytest.mark.parametrize("data", ["{", "[]", '{"a":1,"a":2}', '{"choices":[{"delta":{}}]}', '{"choices":{}}', '{"choices":["x"]}'])
def test_chunks_that_are_none_make_no_answer(data):
    with pytest.raises(WireError, match=r"before its answer was complete|not strict JSON"):
        answer(f"data: {data}\n\n".encode())


def test_an_error_event_of_the_provider_ends_the_stream():
    raw = chat_stream(chunk({"content": "a"}), {"error": {"message": "overloaded", "type": "server_error"}}, done=False)
    events = answer(raw)

    assert [False, True] == [event.last for event in events]
    assert ("choices", 0, "delta", "content") in events[1].closes
    assert ["overloaded", "server_error"] == [text.text for text in events[1].texts]


def test_unknown_strings_of_a_delta_are_judged():
    events = answer(chat_stream(chunk({"novel": "te"}), chunk({"novel": "xt", "list": ["a"]}), chunk({}, "stop")))

    assert {("choices", 0, "delta", "novel"): "text", ("choices", 0, "delta", "list"): "a"} == joined(events)


def test_log_probabilities_are_judged_and_lose_their_bytes():
    other = {"token": "Hal", "bytes": [72], "logprob": -2}
    token = {"token": "Hel", "bytes": [72], "logprob": -1, "top_logprobs": [other]}
    choice = {"index": 0, "delta": {"content": "Hel"}, "logprobs": {"content": [token]}, "finish_reason": "stop"}
    [event, _] = answer(chat_stream({**CHUNK, "choices": [choice]}))

    assert ["Hel", "Hel", "Hal"] == [text.text for text in event.texts]
    assert b'"bytes":null' in event.encode()
    assert b"[72]" not in event.encode()


def test_an_error_event_has_no_terminator_after_it():
    raw = OPENAI.error_event(Denial(code="budget_exhausted", status=429, message="No budget."), "req1")

    assert raw.startswith(b'data: {"error":{')
    assert b"[DONE]" not in raw
