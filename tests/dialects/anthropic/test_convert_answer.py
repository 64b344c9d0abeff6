"""Whole messages, errors and usage, from and to answers in no dialect; the SDK parses what is written."""

import pytest
from anthropic.types import Message

from outgate.dialects.anthropic.convert_answer import (
    counts,
    failure_of,
    read_answer,
    read_failure,
    spent_of,
    write_answer,
    write_failure,
)
from outgate.errors import WireError
from outgate.inference.conversation import Alternative, Answer, Call, Failure, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish
from support.anthropic_answers import anthropic_error, message

CITED = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}


def answer(*parts, finish=Finish.STOP, stopped_by="", usage=None):
    return Answer("a1", "m", (Alternative(parts, finish, stopped_by),), usage)


def test_a_message_is_read():
    tree = message() | {
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "text", "text": "hi", "citations": [CITED]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1]}},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 4},
        },
    }  # fmt: skip

    parts = (Thought("hm", "c2ln", provider="anthropic"), Text("hi", (CITED,)), Call("t", "f", '{"a":[1]}'))
    expected = Answer("msg_1", tree["model"], (Alternative(parts, Finish.TOOL_CALLS),), Spent(10, 7, 3, 2, 4))
    assert expected == read_answer(tree)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.CONTENT_FILTER),
        ("pause_turn", Finish.OTHER),
        (None, Finish.STOP),
    ],
)
def test_the_reason_is_read(reason, finish):
    assert finish is read_answer(message() | {"stop_reason": reason}).alternatives[0].finish


def test_what_a_provider_says_of_its_refusal_is_read():
    refused = {"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "not this"}, "content": []}

    assert (Refused("not this"),) == read_answer(message() | refused).alternatives[0].parts


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.STOP, "end_turn"),
        (Finish.TOOL_CALLS, "tool_use"),
        (Finish.LENGTH, "max_tokens"),
        (Finish.CONTENT_FILTER, "refusal"),
        (Finish.OTHER, "max_tokens"),
        (Finish.ERROR, "max_tokens"),
    ],
)
def test_the_sdk_reads_why_it_ended(finish, reason):
    written = Message.model_validate(write_answer(answer(Text("hi"), finish=finish)), strict=True)

    assert reason == written.stop_reason


def test_the_sdk_reads_every_part():
    written = write_answer(
        answer(
            Thought("hm", "theirs", provider="responses"),
            Thought(sealed="theirs", provider="responses"),
            Thought(sealed="c2Vh", provider="anthropic"),
            Text(""),
            Text("hi", (CITED, {"type": "url_citation", "url": "https://x", "title": "T"}, {"type": "file_path"})),
            Call("t", "f", '{"a":1}'),
            finish=Finish.TOOL_CALLS,
            usage=Spent(10, 7, 3, 2, 4),
        )
    )
    read = Message.model_validate(written, strict=True)

    assert ["thinking", "redacted_thinking", "text", "tool_use"] == [block.type for block in read.content]
    assert ("hm", "") == (read.content[0].thinking, read.content[0].signature)
    assert ["char_location", "web_search_result_location"] == [citation.type for citation in read.content[2].citations]
    assert ("t", "f", {"a": 1}) == (read.content[3].id, read.content[3].name, read.content[3].input)
    usage = read.usage
    assert (5, 3, 2, 7, 4) == (
        usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.output_tokens,
        usage.output_tokens_details.thinking_tokens,
    )  # fmt: skip


def test_a_refusal_is_the_reason_and_the_text():
    read = Message.model_validate(write_answer(answer(Refused("no"))), strict=True)

    assert ("refusal", "no", "no") == (read.stop_reason, read.content[0].text, read.stop_details.explanation)


def test_the_sequence_that_stopped_it_is_told():
    read = Message.model_validate(write_answer(answer(Text("hi"), stopped_by="END")), strict=True)

    assert ("stop_sequence", "END") == (read.stop_reason, read.stop_sequence)


@pytest.mark.parametrize("spent", [Spent(10, 7, 3, 2, 4), Spent(), Spent(1, 2)])
def test_usage_comes_back(spent):
    assert spent == spent_of(counts(spent))


def test_usage_that_is_none_is_none():
    assert spent_of(None) is None


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [(429, "rate_limit_error", 429), (0, "overloaded_error", 529), (0, "invalid_request_error", 400), (0, "of_next_year", 500)],
)
def test_an_error_is_read(status, kind, expected):
    assert Failure(expected, kind, "m") == failure_of(anthropic_error(kind, "m"), status)


def test_an_error_of_the_api_has_its_status():
    assert Failure(503, "api_error", "m") == read_failure(503, anthropic_error("api_error", "m"))


@pytest.mark.parametrize("tree", [{}, {"error": None}, {"error": {}}, {"detail": "busy"}, {"error": {"message": "busy"}}])
def test_an_error_of_another_shape_is_left_to_be_told_as_it_came(tree):
    with pytest.raises(WireError):
        read_failure(500, tree)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
def test_an_error_keeps_its_words_and_the_kind_of_its_status(status):
    written = write_failure(Failure(status, "theirs", "why"))

    assert ("error", "why") == (written["type"], written["error"]["message"])
    assert Failure(500 if status == 503 else status, written["error"]["type"], "why") == failure_of(written)
