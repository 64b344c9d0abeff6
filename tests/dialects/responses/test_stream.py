"""Answers of the Responses API: pieces, the wholes that repeat them, endings, and what an answer says of itself."""

from functools import partial

import orjson
import pytest

from outgate.errors import WireError
from outgate.inference.prompt import Channel
from outgate.inference.stream import Finish
from outgate.inference.usage import Usage
from support.responses_answers import called, response, response_events, said, thought
from support.sse import event, named
from support.wire_bodies import RESPONSE, RESPONSES, joined

ARGUMENTS = '{"to": "bob", "n": 1}'
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "run", "input": "ls -l"}
OUTPUT = [thought("let me see"), said("Hello é, there."), called("send", ARGUMENTS), CUSTOM]
STREAM = b"".join(response_events(OUTPUT))


answer = partial(RESPONSES.read, RESPONSE)


def data(each):
    return orjson.loads(each.encode().partition(b"\ndata: ")[2])


def one(kind, **fields):
    return answer(named(kind, fields) + named("response.completed", {"response": response()}))[0]


def test_streamed_texts_continue_each_other_by_part():
    texts = joined(answer(STREAM))

    assert {
        ("response.reasoning_summary_text", 0, 0, "delta"): "let me see",
        ("response.output_text", 1, 0, "delta"): "Hello é, there.",
        ("response.function_call_arguments", 2, None, "delta"): ARGUMENTS,
        ("response.custom_tool_call_input", 3, None, "delta"): "ls -l",
    }.items() <= texts.items()
    assert {"send", "run"} == {text for part, text in texts.items() if part[-1] == "name"}


def test_every_text_is_told_again_and_marked_as_told_before():
    again = list(joined(answer(STREAM), repeated=True).values())

    for text, times in (("let me see", 4), ("Hello é, there.", 4), (ARGUMENTS, 3), ("ls -l", 3)):
        assert times == again.count(text), text


def test_what_repeats_the_request_is_no_output():
    events = answer(b"".join(response_events(instructions="be kind", tools=[{"type": "function", "name": "f"}], user="u", size=99)))
    channels = {text.text: text.channel for each in events for text in each.texts}

    assert (Channel.SYSTEM, Channel.TOOL_DEFINITION, Channel.PARAMETER) == (channels["be kind"], channels["f"], channels["u"])
    assert {"Hello from the provider."} == set(joined(events).values()) - {""}


def test_pieces_are_closed_before_they_are_told_again():
    for each in answer(STREAM):
        whole = [text.part for text in each.texts if not data(each)["type"].endswith(".delta")]
        assert set(whole) <= set(each.closes)
    closed = {
        data(each)["type"]: [part for part in each.closes if part[0] + ".done" == data(each)["type"]] for each in answer(STREAM)
    }

    assert [("response.output_text", 1, 0, "delta")] == closed["response.output_text.done"]
    assert [("response.function_call_arguments", 2, None, "delta")] == closed["response.function_call_arguments.done"]


def test_an_item_and_the_end_close_what_no_event_closed():
    piece = named("response.output_text.delta", {"output_index": 0, "content_index": 0, "delta": "a", "item_id": "m"})
    done = named("response.output_item.done", {"output_index": 0, "item": said("a")})
    end = named("response.completed", {"response": response()})

    for raw in (piece + done + end, piece + end, piece + named("error", {"message": "m"})):
        assert ("response.output_text", 0, 0, "delta") in answer(raw)[1].closes


def test_events_are_written_from_what_was_judged():
    assert STREAM == b"".join(each.encode() for each in answer(STREAM))


def test_held_back_text_goes_out_in_a_continuation():
    events = [each for each in answer(STREAM) if data(each)["type"].endswith(".delta")]
    for each in events:
        out = each.only(0, "held").replace({0: "again"})
        kept = {name: value for name, value in data(each).items() if name != "obfuscation"}

        assert {**kept, "delta": "again"} == data(out)
        assert each.texts[0].part == out.texts[0].part
        assert (None, False, (), False) == (out.usage, out.last, out.closes, out.whole)


def test_a_text_that_comes_whole_is_not_torn():
    for each in answer(STREAM):
        if each.texts and not data(each)["type"].endswith(".delta"):
            with pytest.raises(TypeError):
                each.only(0, "x")


def test_log_probabilities_are_judged_lose_their_bytes_and_can_be_held_back():
    token = {"token": "Hel", "logprob": -1.5, "bytes": [72], "top_logprobs": [{"token": "Hal", "logprob": -2.5, "bytes": [72]}]}
    piece = one("response.output_text.delta", output_index=0, content_index=0, item_id="m", delta="Hel", logprobs=[token])

    assert ["Hel", "Hel", "Hal"] == [text.text for text in piece.texts]
    assert b"[72]" not in piece.encode()
    assert 3 == len({text.part for text in piece.texts})
    held = data(piece.only(1, "x"))
    assert ("", [{"logprob": -1.5, "token": "x"}]) == (held["delta"], held["logprobs"])


def test_pieces_inside_an_object_continue_by_name():
    piece = one("response.shell_call_output_content.delta", output_index=0, command_index=2, delta={"stdout": "a", "stderr": "b"})

    assert [("response.shell_call_output_content", 0, 2, "delta", name) for name in ("stdout", "stderr")] == [
        text.part for text in piece.texts
    ]
    assert {"stdout": "x"} == data(piece.only(0, "x"))["delta"]
    assert {Channel.TOOL_RESULT} == {text.channel for text in piece.texts}


def test_an_event_nobody_knows_passes_and_its_strings_are_judged():
    novel = one("response.novel_thing.delta", output_index=0, delta="te", item_id="i")
    other = one("response.novel.thing", words=["a"], deep={"b": "c"})

    assert [(("response.novel_thing", 0, None, "delta"), "te")] == [(text.part, text.text) for text in novel.texts]
    assert ["a", "c"] == [text.text for text in other.texts]
    assert {"words": ["a"], "deep": {"b": "c"}}.items() <= data(other).items()


def test_sound_and_images_are_not_text():
    assert () == tuple(one("response.audio.delta", delta="UklGRg==").texts)
    assert () == tuple(one("response.image_generation_call.partial_image", partial_image_b64="iVBO", output_index=0).texts)


@pytest.mark.parametrize("size", [1, 3, 17, 64, 1000])
def test_chunking_changes_no_event(size):
    whole = [(each.encode(), each.texts, each.closes) for each in answer(STREAM)]
    decoder = RESPONSES.answer(RESPONSE, True, False)
    events = [each for at in range(0, len(STREAM), size) for each in decoder.feed(STREAM[at : at + size])]

    assert whole == [(each.encode(), each.texts, each.closes) for each in [*events, *decoder.end()]]


def test_every_single_cut_gives_the_same_events():
    raw = b"".join(response_events([called("f", ARGUMENTS)], size=4))
    whole = [each.encode() for each in answer(raw)]
    for at in range(len(raw) + 1):
        decoder = RESPONSES.answer(RESPONSE, True, False)
        assert whole == [each.encode() for each in [*decoder.feed(raw[:at]), *decoder.feed(raw[at:]), *decoder.end()]]


@pytest.mark.parametrize("raw", [b"", b": ping\n\n", STREAM[:-3], STREAM.rpartition(b"event:")[0], b"data: [DONE]\n\n"])
def test_a_stream_that_ends_early_is_truncated(raw):
    with pytest.raises(WireError) as caught:
        answer(raw)

    assert "truncated" == caught.value.code


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", named("response.output_text.delta", {"delta": "smuggled"})])
def test_what_follows_the_end_is_not_passed_on(end):
    assert STREAM == b"".join(each.encode() for each in answer(STREAM + end))


@pytest.mark.parametrize(
    "raw",
    ["{", "[]", '{"a":1,"a":2}', "{}", '{"type":5}', '{"type":"x\\ny"}', '{"type":"response.x.delta","output_index":"0"}'],
)
def test_events_that_are_none_make_no_answer(raw):
    with pytest.raises(WireError, match=r"before its answer was complete|not strict JSON"):
        answer(f"data: {raw}\n\n".encode())


STATUSES = [
    ({"status": "completed"}, Finish.STOP),
    ({"status": "completed", "output": [called("f", "{}")]}, Finish.TOOL_CALLS),
    ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Finish.LENGTH),
    ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Finish.CONTENT_FILTER),
    ({"status": "incomplete", "incomplete_details": {"reason": ["?"]}}, Finish.OTHER),
    ({"status": "incomplete", "incomplete_details": None}, Finish.LENGTH),
    ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, Finish.ERROR),
    ({"status": "queued"}, Finish.OTHER),
]


@pytest.mark.parametrize(("fields", "finish"), STATUSES)
def test_an_answer_says_why_it_ended(fields, finish):
    [whole] = answer(orjson.dumps({**response(), **fields}), stream=False)

    assert finish is whole.finish
    if finish is not Finish.OTHER or fields["status"] == "incomplete":
        assert finish is answer(named(f"response.{fields['status']}", {"response": {**response(), **fields}}))[-1].finish


def test_usage_is_that_of_the_last_event():
    usage = Usage(input_tokens=9, output_tokens=5, cached_tokens=4, cache_write_tokens=0, reasoning_tokens=2)

    assert [usage] == [each.usage for each in answer(STREAM) if each.usage is not None]
    assert usage == answer(orjson.dumps(response()), stream=False)[0].usage
    for odd in (None, [], {}, {"input_tokens": "9", "output_tokens": -1, "input_tokens_details": 5}):
        assert answer(orjson.dumps({**response(), "usage": odd}), stream=False)[0].usage in (None, Usage())


def test_calls_of_tools_are_told_from_text():
    calls = {data(each)["type"] for each in answer(STREAM) if each.calls_tool}

    assert {"response.output_item.added", "response.function_call_arguments.delta", "response.completed"} <= calls
    assert not any(each.calls_tool for each in answer(b"".join(response_events([thought("hm"), said("hi")]))))
    for item, expected in (
        (said("x"), False),
        (thought("x"), False),
        (called("f", "{}"), True),
        ({"type": "novel"}, True),
        (5, True),
    ):
        assert expected is answer(orjson.dumps(response([item])), stream=False)[0].calls_tool


def test_a_value_restored_into_whole_arguments_is_quoted():
    [whole] = answer(orjson.dumps(response([called("f", '{"to": "<P1>"}')])), stream=False)
    [index] = [at for at, text in enumerate(whole.texts) if text.text == "<P1>"]
    sent = orjson.loads(whole.replace({index: 'a "b"'}).encode())

    assert {"to": 'a "b"'} == orjson.loads(sent["output"][0]["arguments"])


def test_encrypted_reasoning_of_an_answer_is_not_judged():
    texts = {text.text for each in answer(STREAM) for text in each.texts}

    assert not {text for text in texts if text.startswith("gAAAA")}


def test_an_error_event_ends_the_stream():
    raw = event({"type": "response.created", "response": {}}) + named("error", {"code": "server_error", "message": "overloaded"})
    last = answer(raw)[-1]

    assert (True, Finish.ERROR, ["server_error", "overloaded"]) == (last.last, last.finish, [text.text for text in last.texts])


def test_arguments_are_pieces_of_json_and_nothing_else_is():
    texts = [text for each in answer(STREAM) for text in each.texts]

    assert 3 + -(-len(ARGUMENTS) // 7) == len([text for text in texts if text.escaped and text.text])
    assert {ARGUMENTS} == {text.text for text in texts if text.escaped and text.text and text.part[-1] == "arguments"}
    assert not [text for text in texts if text.escaped and text.channel is not Channel.TOOL_ARGUMENTS]


@pytest.mark.parametrize("arguments", ['{"a name":4111111111111111}', {"a name": 4111111111111111}])
def test_names_and_numbers_of_whole_arguments_are_judged(arguments):
    [whole] = answer(orjson.dumps(response([called("reset", arguments)])), stream=False)
    texts = {(text.channel, text.text) for text in whole.texts}

    assert {(Channel.KEY, "a name"), (Channel.TOOL_ARGUMENTS, "4111111111111111")} <= texts
