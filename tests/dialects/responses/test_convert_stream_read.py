"""Streams of providers: pieces are read once, and wholes where there were no pieces."""

import pytest

from outgate.errors import WireError
from outgate.inference.conversation import Call, Cited, Failure, Over, Refused, Text
from outgate.inference.stream import Finish
from support.responses_answers import called, response, response_events, said, thought
from support.responses_spoken import CONVERTER, items_of
from support.spoken import folded
from support.sse import named

OUTPUT = [thought("hm hm"), said("hello world"), called("f", '{"a":1}', "c1"), called("g", "{}", "c2")]
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "c3", "name": "run", "input": "ls -l"}


def event(kind, **members):
    return named(kind, members)


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("output", [OUTPUT, [said("")], [thought("")], [CUSTOM], [called("f", "")]])
def test_a_stream_tells_what_the_whole_answer_says(output, size):
    read = CONVERTER.read_answer(response(output))
    parts = list(folded(items_of(response_events(output, size=size))).alternatives[0].parts)

    assert list(read.alternatives[0].parts) == parts


def test_a_stream_begins_and_ends_with_what_the_response_tells():
    items = items_of(response_events(OUTPUT))
    told, whole = folded(items), CONVERTER.read_answer(response(OUTPUT))

    assert (whole.id, whole.model, whole.created, whole.usage) == (told.id, told.model, told.created, told.usage)
    assert (Finish.TOOL_CALLS, Over()) == (told.alternatives[0].finish, items[-1])
    assert [0, 1, 2, 3] == [item.at for item in items if type(item).__name__ == "PartEnded"]


@pytest.mark.parametrize(("reason", "finish"), [("max_output_tokens", Finish.LENGTH), ("content_filter", Finish.CONTENT_FILTER)])
def test_a_stream_that_is_incomplete(reason, finish):
    items = items_of(response_events(status="incomplete", incomplete_details={"reason": reason}))

    assert finish is folded(items).alternatives[0].finish


def test_items_that_are_only_told_as_wholes():
    events = [event("response.output_item.done", output_index=at, item=item) for at, item in enumerate([*OUTPUT, CUSTOM])]

    assert ["hm hm", "hello world"] == [part.text for part in folded(items_of(events)).alternatives[0].parts[:2]]
    assert Call("c3", "run", "ls -l", custom=True) == folded(items_of(events)).alternatives[0].parts[-1]


def test_texts_that_are_only_told_as_wholes():
    at = {"output_index": 0, "content_index": 0}
    events = [event("response.output_text.done", **at, text="hi"), event("response.refusal.done", output_index=1, refusal="no")]

    assert (Text("hi"), Refused("no")) == folded(items_of(events)).alternatives[0].parts


def test_summaries_of_one_thought_are_paragraphs():
    def piece(index, text):
        return event("response.reasoning_summary_text.delta", output_index=0, summary_index=index, delta=text)

    [part] = folded(items_of([piece(0, "a"), piece(0, "b"), piece(1, "c")])).alternatives[0].parts

    assert "ab\n\nc" == part.text


def test_citations_are_read():
    note = {"type": "url_citation", "url": "https://x.test"}
    events = [event("response.output_text.annotation.added", output_index=0, content_index=0, annotation=note)]

    assert Cited(0, note) in items_of(events)


@pytest.mark.parametrize(
    ("tree", "failure"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, Failure(429, "rate_limit_exceeded", "slow")),
        ({"type": "error", "error": {"type": "t", "code": None, "message": "m"}}, Failure(500, "t", "m")),
        (
            {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}},
            Failure(500, "server_error", "m"),
        ),
    ],
)
def test_a_stream_that_fails(tree, failure):
    reader = CONVERTER.reader()

    assert [failure] == reader.feed("", tree)
    assert [] == reader.feed("", {"type": "response.completed", "response": {}})


def test_a_stream_that_breaks_off_ends_in_nothing():
    reader = CONVERTER.reader()

    assert [[], [], []] == [reader.feed("", None), reader.feed("brand.new", {}), reader.end()]


def test_a_piece_that_is_no_text_is_refused():
    with pytest.raises(WireError):
        CONVERTER.reader().feed("", {"type": "response.output_text.delta", "output_index": 0, "delta": 5})
