"""Items of a conversation's stream are written as events that the SDK puts together."""

import pytest

from outgate.dialects.anthropic.convert_events import MessageWriter
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
from support.anthropic_answers import anthropic_error
from support.sse import frames

BEGUN = Begun("a1", "m")


def part(at, made_of, *pieces):
    return [PartBegun(at, made_of), *(Piece(at, piece) for piece in pieces), PartEnded(at)]


def end(finish=Finish.STOP, **more):
    return [Finished(finish, **more), Over()]


def written(*items):
    writer = MessageWriter()
    return frames(b"".join(writer.write(item) for item in items))


def kinds(*items):
    return [frame["type"].removeprefix("content_") for frame in written(*items)]


def test_a_text_is_one_block():
    events = written(BEGUN, *part(0, Text(""), "he", "llo"), Finished(Finish.STOP), Counted(Spent(9, 5, 3)), Over())

    assert [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ] == [event["type"] for event in events]  # fmt: skip
    assert {"stop_reason": "end_turn", "stop_sequence": None} == events[-2]["delta"]
    assert (6, 3, 5) == tuple(events[-2]["usage"][name] for name in ("input_tokens", "cache_read_input_tokens", "output_tokens"))


def test_a_block_ends_before_the_next_one_begins():
    calls = Call("a", "f", ""), Call("b", "g", "")
    events = written(
        BEGUN,
        PartBegun(0, calls[0]), PartBegun(1, calls[1]), Piece(1, '{"b":'), Piece(0, '{"a":1}'), Piece(1, "2}"), PartEnded(1),
        PartEnded(0),
        *part(2, Text(""), "hi"),
    )  # fmt: skip

    assert [0] * 3 + [1] * 4 + [2] * 3 == [event["index"] for event in events[1:]]
    assert ['{"a":1}', '{"b":', "2}"] == [
        event["delta"]["partial_json"] for event in events if "partial_json" in event.get("delta", {})
    ]


def test_parts_that_never_end_end_with_the_answer():
    events = kinds(
        BEGUN, PartBegun(0, Text("")), Piece(0, "a"), PartBegun(1, Call("b", "f", "")), Piece(1, "{}"), *end(Finish.TOOL_CALLS)
    )

    assert ["message_start", *["block_start", "block_delta", "block_stop"] * 2, "message_delta", "message_stop"] == events


@pytest.mark.parametrize(
    "made_of", [Text(""), Thought(provider="responses"), Thought(sealed="x", provider="responses"), Refused("")]
)
def test_a_part_without_words_is_left_out(made_of):
    assert ["message_start", "message_delta", "message_stop"] == kinds(BEGUN, *part(0, made_of, ""), *end())


def test_thoughts_keep_their_own_signature_alone():
    own, theirs = (
        written(BEGUN, PartBegun(0, Thought(provider=name)), Piece(0, "hm"), Sealed(0, "c2ln"), PartEnded(0), *end())
        for name in ("anthropic", "responses")
    )

    assert {"type": "signature_delta", "signature": "c2ln"} in [event.get("delta") for event in own]
    assert len(own) == len(theirs) + 1
    assert {"type": "thinking", "thinking": "", "signature": ""} == theirs[1]["content_block"]


def test_sealed_thoughts_are_blocks_of_their_own():
    block = written(BEGUN, *part(0, Thought(sealed="c2Vh", provider="anthropic")))[1]["content_block"]

    assert {"type": "redacted_thinking", "data": "c2Vh"} == block


def test_citations_of_the_web_are_said_in_the_forms_of_the_api():
    cited = Cited(0, {"type": "url_citation", "url": "https://x", "title": "T"}), Cited(0, {"type": "file_path"})
    events = written(BEGUN, PartBegun(0, Text("")), Piece(0, "hi"), *cited, PartEnded(0))

    assert ["https://x"] == [event["delta"]["citation"]["url"] for event in events if "citation" in event.get("delta", {})]


def test_a_refusal_is_the_reason():
    delta = written(BEGUN, *part(0, Refused(""), "no", " way"), *end())[-2]["delta"]

    assert ("refusal", "no way") == (delta["stop_reason"], delta["stop_details"]["explanation"])


def test_an_error_is_told_and_no_end():
    events = written(BEGUN, *part(0, Text(""), "hi"), Failure(429, "theirs", "slow down"))

    assert anthropic_error("rate_limit_error", "slow down") == events[-1]


def test_a_stream_that_breaks_off_has_no_end():
    assert "message_delta" not in kinds(BEGUN, *part(0, Text(""), "hi"), Finished(Finish.STOP))


def test_further_alternatives_are_left_out():
    other = [PartBegun(0, Text(""), 1), Piece(0, "no", 1), PartEnded(0, 1), Finished(Finish.LENGTH, alternative=1)]
    events = written(BEGUN, *other, *part(0, Text(""), "yes"), *end())

    assert ["yes"] == [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert "end_turn" == events[-2]["delta"]["stop_reason"]
