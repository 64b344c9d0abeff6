"""Streams of the Gemini API are read: parts go on over events, calls are whole, and what breaks off is not completed."""

import pytest

from outgate.dialects.gemini.convert_stream_read import GeminiReader
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
    Sealed,
    Spent,
    Text,
    Thought,
)
from outgate.inference.stream import Finish
from support import gemini_answers as g

BEGUN = Begun("r_1", g.MODEL)


def read(*chunks):
    reader = GeminiReader()
    return [*(item for chunk in chunks for item in reader.feed("", chunk)), *reader.end()]


def test_a_stream_is_read():
    items = read(
        g.chunk({"text": "h", "thought": True}),
        g.chunk({"text": "m", "thought": True}),
        g.chunk({"text": "He"}),
        g.chunk({"text": "llo"}),
        g.chunk(g.call("f", {"a": 1}), g.call("g", {})),
        g.last((9, 5)),
    )

    assert [
        BEGUN,
        PartBegun(0, Thought(provider="gemini")), Piece(0, "h"), Piece(0, "m"), PartEnded(0),
        PartBegun(1, Text("")), Piece(1, "He"), Piece(1, "llo"), PartEnded(1),
        PartBegun(2, Call("call_r_1_0", "f", "")), Piece(2, '{"a":1}'), PartEnded(2),
        PartBegun(3, Call("call_r_1_1", "g", "")), Piece(3, "{}"), PartEnded(3),
        Finished(Finish.TOOL_CALLS), Counted(Spent(9, 5)), Over(),
    ] == items  # fmt: skip


def test_a_signature_belongs_to_the_thought_before():
    call = {**g.call("f", {}, id="a"), "thoughtSignature": "c2ln"}
    items = read(g.chunk({"text": "hm", "thought": True}), g.chunk(call), g.last())

    assert [Piece(0, "hm"), Sealed(0, "c2ln"), PartEnded(0), PartBegun(1, Call("a", "f", ""))] == items[2:6]


def test_a_signature_behind_the_words_is_a_thought_of_its_own():
    items = read(g.chunk({"text": "Hi"}), g.chunk({"text": "", "thoughtSignature": "c2ln"}, finish="STOP"))

    assert [PartEnded(0), PartBegun(1, Thought(provider="gemini")), Sealed(1, "c2ln"), PartEnded(1)] == items[3:7]


def test_citations_come_with_the_end_of_the_words():
    cited = {
        **g.last(),
        "candidates": [{"finishReason": "STOP", "citationMetadata": {"citationSources": [{"uri": "https://a.test"}]}}],
    }
    items = read(g.chunk({"text": "Hi"}), cited)

    assert [Piece(0, "Hi"), Cited, PartEnded(0)] == [items[2], type(items[3]), items[4]]


def test_several_candidates():
    items = read(g.chunk({"text": "a"}), g.chunk({"text": "b"}, index=1), g.chunk(finish="STOP"), g.chunk(finish="STOP", index=1))

    assert [Piece(0, "a"), Piece(0, "b", 1)] == [item for item in items if isinstance(item, Piece)]
    assert Over() == items[-1]


def test_a_blocked_prompt_ends_at_once():
    items = read({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r_1", "modelVersion": g.MODEL})

    assert [BEGUN, Finished(Finish.CONTENT_FILTER), Over()] == items


@pytest.mark.parametrize(
    "chunks", [(), (g.chunk({"text": "Hi"}),), (g.chunk({"text": "a"}, finish="STOP"), g.chunk({"text": "b"}, index=1))]
)
def test_what_breaks_off_is_not_completed(chunks):
    assert Over() not in read(*chunks)


def test_an_error_ends_the_stream():
    error = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}

    assert Failure(503, "UNAVAILABLE", "busy") == read(g.chunk({"text": "Hi"}), error, g.last())[-1]


@pytest.mark.parametrize("more", [{"willContinue": True}, {"partialArgs": [{"jsonPath": "$.a"}]}, {"partial_args": [{}]}])
def test_attack_of_a_call_in_pieces(more):
    items = read(g.chunk(g.call("f", {}, **more)), g.last())

    assert [Failure] == [type(item) for item in items]
