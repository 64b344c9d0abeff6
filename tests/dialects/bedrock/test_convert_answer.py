import orjson
import pytest

from outgate.dialects.bedrock.convert_answer import ConverseReader, read_answer, read_failure
from outgate.dialects.bedrock.event_stream import EventStreamParser
from outgate.errors import WireError
from outgate.inference.conversation import (
    Begun,
    Call,
    Counted,
    Failure,
    Finished,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Sealed,
    Spent,
    Text,
    Thought,
)
from outgate.inference.stream import Finish
from support import bedrock_answers as b

THOUGHT = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}
CALL = {"toolUse": {"toolUseId": "c1", "name": "reset", "input": {"x": 1}}}


def items(events):
    reader, parser = ConverseReader(named=lambda: "m1"), EventStreamParser()
    read = [
        item for raw in events for each in parser.feed(raw) for item in reader.feed(each.name.decode(), orjson.loads(each.data))
    ]
    return [*read, *reader.end()]


def test_a_whole_answer_has_thoughts_words_and_calls():
    told = b.usage((9, 5), cacheReadInputTokens=4, cacheWriteInputTokens=2)
    redacted = {"reasoningContent": {"redactedContent": "cmVk"}}
    quoted = {"citationsContent": {"content": [{"text": "so it is"}], "citations": []}}
    answer = read_answer(
        b.whole(THOUGHT, redacted, {"text": "hi"}, quoted, CALL, {"novelty": {}}, stop="tool_use", told=told), named=lambda: "m1"
    )

    [ended] = answer.alternatives
    assert ("m1", Spent(15, 5, 4, 2), Finish.TOOL_CALLS) == (answer.id, answer.usage, ended.finish)
    assert (
        Thought("t", "s", provider="anthropic"),
        Thought(sealed="cmVk", provider="anthropic"),
        Text("hi"),
        Text("so it is"),
        Call("c1", "reset", '{"x":1}'),
    ) == ended.parts


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP), ("stop_sequence", Finish.STOP), ("tool_use", Finish.TOOL_CALLS), ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH), ("guardrail_intervened", Finish.CONTENT_FILTER),
        ("content_filtered", Finish.CONTENT_FILTER), ("malformed_tool_use", Finish.OTHER),
    ],
)  # fmt: skip
def test_why_an_answer_ended(reason, finish):
    assert finish == read_answer(b.whole({"text": "hi"}, stop=reason)).alternatives[0].finish
    assert finish == next(item.finish for item in items(b.events(b.said(), stop=reason)) if isinstance(item, Finished))


def test_a_stream_begins_its_blocks_where_nothing_announces_them():
    thought = [b.delta(0, reasoningContent={"text": "t"}), b.delta(0, reasoningContent={"signature": "s"}), b.stopped(0)]
    told = b.usage((9, 5), cacheReadInputTokens=4)
    read = items(
        b.events(thought, b.said(["a", "b"], index=1), b.called("reset", ['{"x"', ":1}"], index=2), stop="tool_use", told=told)
    )

    assert [
        Begun("m1", ""),
        PartBegun(0, Thought(provider="anthropic")), Piece(0, "t"), Sealed(0, "s"), PartEnded(0),
        PartBegun(1, Text("")), Piece(1, "a"), Piece(1, "b"), PartEnded(1),
        PartBegun(2, Call("tooluse_1", "reset", "")), Piece(2, '{"x"'), Piece(2, ":1}"), PartEnded(2),
        Finished(Finish.TOOL_CALLS), Counted(Spent(13, 5, 4)), Over(),
    ] == read  # fmt: skip


def test_a_call_without_arguments_has_an_empty_object():
    assert Piece(0, "{}") in items(b.events(b.called("reset", []), stop="tool_use"))


def test_a_stream_without_metadata_is_whole_once_it_stopped():
    assert Over() == items(b.events(b.said())[:-1])[-1]
    assert Over() not in items(b.events(b.said())[:-2])


@pytest.mark.parametrize(
    ("name", "status"), [("throttlingException", 429), ("modelStreamErrorException", 502), ("internalServerException", 502)]
)
def test_an_exception_ends_the_stream(name, status):
    read = items([b.event("messageStart", role="assistant"), b.exception(name, "worn out"), *b.said()])

    assert Failure(status, name, "worn out") == read[-1]


@pytest.mark.parametrize("body", [{"message": "no"}, {"Message": "no"}])
def test_an_error_is_told_in_its_words(body):
    assert Failure(403, "", "no") == read_failure(403, body)


def test_an_error_without_words_is_not_this_apis():
    with pytest.raises(WireError):
        read_failure(500, {"id": "x"})
