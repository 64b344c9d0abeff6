"""Streamed messages are read as items of a conversation's stream."""

import pytest

from outgate.dialects.anthropic.convert_stream import MessageReader
from outgate.errors import WireError
from outgate.inference.conversation import (
    Begun,
    Call,
    Cited,
    Counted,
    Failure,
    Finished,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Refused,
    Sealed,
    Spent,
    Text,
    Thought,
)
from outgate.inference.stream import Finish
from support.anthropic_answers import (
    STOP,
    anthropic_error,
    block_delta,
    block_start,
    block_stop,
    input_delta,
    message_delta,
    message_start,
    text_delta,
)

START = message_start("m", input_tokens=4, output_tokens=1)
BEGUN = Begun("msg_1", "m", usage=Spent(4, 1))
CITATION = {"type": "char_location", "cited_text": "x"}


def read(*events, ended=True):
    reader = MessageReader()
    items = [item for event in events for item in reader.feed("", event)]
    return items + list(reader.end() if ended else ())


def test_every_part_is_read():
    items = read(
        START,
        {"type": "ping"},
        block_start(0, type="thinking", thinking="", signature=""),
        block_delta(0, type="thinking_delta", thinking="hm"),
        block_delta(0, type="signature_delta", signature="c2ln"),
        block_stop(0),
        block_start(1, type="text", text=""),
        text_delta("hi", 1),
        block_delta(1, type="citations_delta", citation=CITATION),
        block_stop(1),
        block_start(2, type="tool_use", id="t", name="f", input={}),
        input_delta("", 2),
        input_delta('{"a":', 2),
        input_delta("1}", 2),
        block_stop(2),
        message_delta("tool_use", output_tokens=9),
        STOP,
    )

    assert [
        BEGUN,
        PartBegun(0, Thought(provider="anthropic")), Piece(0, "hm"), Sealed(0, "c2ln"), PartEnded(0),
        PartBegun(1, Text("")), Piece(1, "hi"), Cited(1, CITATION), PartEnded(1),
        PartBegun(2, Call("t", "f", "")), Piece(2, '{"a":'), Piece(2, "1}"), PartEnded(2),
        Finished(Finish.TOOL_CALLS), Counted(Spent(4, 9)), Over(),
    ] == items  # fmt: skip


def test_blocks_of_the_providers_own_tools_are_left_out():
    items = read(
        block_start(0, type="server_tool_use", id="s", name="web_search", input={}),
        input_delta('{"q":1}', 0),
        block_stop(0),
        block_start(1, type="web_search_tool_result", tool_use_id="s", content=[]),
        block_stop(1),
        block_start(2, type="text", text="found"),
        block_stop(2),
    )

    assert [PartBegun(0, Text("")), Piece(0, "found"), PartEnded(0)] == items


@pytest.mark.parametrize(("told", "pieces"), [({}, ["{}"]), ({"a": 1}, ['{"a":1}'])])
def test_arguments_that_are_told_at_once_are_pieces(told, pieces):
    items = read(block_start(0, type="tool_use", id="t", name="f", input=told), block_stop(0))

    assert [PartBegun(0, Call("t", "f", "")), *(Piece(0, piece) for piece in pieces), PartEnded(0)] == items


def test_events_without_an_index_are_about_the_last_block():
    bare = [
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop"},
    ]

    assert [PartBegun(0, Text("")), Piece(0, "hi"), PartEnded(0)] == read(*bare)


def test_parts_that_are_open_end_with_the_message():
    items = read(block_start(0, type="text", text="hi"), message_delta(), ended=False)

    assert [PartEnded(0), Finished(Finish.STOP)] == items[2:4]


@pytest.mark.parametrize("last", [[STOP], [None], []])
def test_the_end_is_told_once_where_the_reason_was(last):
    ends = [item for item in read(START, message_delta(), *last) if isinstance(item, Over)]

    assert [Over()] == ends


@pytest.mark.parametrize("last", [[], [None]])
def test_a_stream_that_breaks_off_has_no_end(last):
    assert [BEGUN, PartBegun(0, Text("")), Piece(0, "hi")] == read(START, block_start(0, type="text", text="hi"), *last)


def test_a_refusal_is_told_with_its_words():
    delta = {"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "no"}}
    items = read({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}})

    assert [PartBegun(0, Refused("")), Piece(0, "no"), PartEnded(0), Finished(Finish.CONTENT_FILTER)] == items[:4]


@pytest.mark.parametrize(
    "event", [anthropic_error("overloaded_error", "busy"), {"error": {"type": "overloaded_error", "message": "busy"}}]
)
def test_an_error_ends_the_stream(event):
    assert [BEGUN, Failure(529, "overloaded_error", "busy")] == read(START, event, STOP)


def test_what_nobody_knows_is_nothing():
    assert [] == read({"type": "of_next_year"}, {}, block_start(0, type="of_next_year"), text_delta("x"), block_stop(0))


@pytest.mark.parametrize("event", [message_start() | {"message": 1}, block_start(0, type="text", text=1), {"type": 1}])
def test_what_has_not_the_form_of_the_api_is_refused(event):
    with pytest.raises(WireError):
        read(event)
