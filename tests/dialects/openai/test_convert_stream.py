"""Streamed chat completions as items of a conversation, and written from them."""

import orjson
from openai.types.chat import ChatCompletionChunk

from outgate.dialects.openai.convert import CONVERTER as CHAT
from outgate.dialects.sse import SseParser
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Conversation,
    Counted,
    Failure,
    Finished,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Spent,
    Text,
    Thought,
    Tool,
)
from outgate.inference.stream import Finish

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def chunk(delta, reason=None, **members):
    return {"id": "c", "model": "m", "created": 1, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **members}


def called(index, id_="", name="", arguments=""):
    told = {"name": name} if name else {}
    return chunk({"tool_calls": [{"index": index, "id": id_, "function": {**told, "arguments": arguments}}]})


def heard(*trees, done=True):
    reader = CHAT.reader()
    items = [item for tree in trees for item in reader.feed("", tree)]
    return [*items, *(reader.feed("", None) if done else ()), *reader.end()]


STREAM = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"content": "he"}),
    chunk({"content": "y"}),
    called(0, "c1", "f"),
    called(0, arguments='{"a":'),
    called(0, arguments="1}"),
    called(1, "c2", "g", "{}"),
    chunk({}, "tool_calls"),
    {"choices": [], "usage": USAGE},
)


def test_a_stream_as_items():
    assert [
        Begun("c", "m", 1),
        PartBegun(0, Thought()),
        Piece(0, "hm"),
        PartEnded(0),
        PartBegun(1, Text("")),
        Piece(1, "he"),
        Piece(1, "y"),
        PartEnded(1),
        PartBegun(2, Call("c1", "f", "")),
        Piece(2, '{"a":'),
        Piece(2, "1}"),
        PartEnded(2),
        PartBegun(3, Call("c2", "g", "")),
        Piece(3, "{}"),
        PartEnded(3),
        Finished(Finish.TOOL_CALLS),
        Counted(Spent(9, 4)),
        Over(),
    ] == heard(*STREAM)


def test_a_stream_without_its_terminator_is_over_where_it_is_whole():
    assert Over() == heard(*STREAM, done=False)[-1]
    assert Over() not in heard(*STREAM[:5], done=False)


def test_attack_of_pieces_for_a_call_that_has_ended():
    assert Failure in [type(item) for item in heard(called(0, "a", "f", "{}"), called(1, "b", "g"), called(0, arguments="x"))]


def test_an_error_ends_a_stream():
    items = heard(STREAM[0], {"error": {"message": "no"}})

    assert [Failure(502, "", "no")] == items[1:]


def test_a_stream_is_written_as_the_sdk_reads_it():
    writer = CHAT.writer(Conversation((), ()))
    raw = b"".join(map(writer.write, heard(*STREAM)))
    data = [event.data for event in SseParser().feed(raw)]
    chunks = [ChatCompletionChunk.model_validate(orjson.loads(each)) for each in data[:-1]]

    assert b"[DONE]" == data[-1]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert "hey" == "".join(delta.content or "" for delta in deltas)
    assert '{"a":1}{}' == "".join(call.function.arguments for call in calls)
    assert [0, 0, 0, 1, 1] == [call.index for call in calls]
    assert 13 == chunks[-1].usage.total_tokens


RUN = Conversation((), (), (Tool("run", custom=True),))


def test_a_call_of_free_text_is_told_when_its_text_is_whole():
    """Its provider knows the tool as a function of one string."""
    items = [
        Begun("c", "m"),
        PartBegun(0, Call("c1", "run", "")),
        Piece(0, '{"input":'),
        Piece(0, '"ls"}'),
        PartEnded(0),
        Finished(Finish.TOOL_CALLS),
        Over(),
    ]
    writer = CHAT.writer(RUN)
    raw = b"".join(map(writer.write, items))
    deltas = [
        each["delta"] for piece in SseParser().feed(raw) if piece.data[:1] == b"{" for each in orjson.loads(piece.data)["choices"]
    ]

    assert [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "run", "input": "ls"}}] == [
        call for delta in deltas for call in delta.get("tool_calls", ())
    ]


def test_citations_of_an_address_are_told():
    cited = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "title": "t", "url": "https://a.test"}}
    items = heard(chunk({"content": "hi"}), chunk({"annotations": [cited]}), chunk({}, "stop"))
    writer = CHAT.writer(RUN)
    raw = b"".join(map(writer.write, items))

    assert Cited(0, cited) in items
    assert orjson.dumps([cited]) in raw
