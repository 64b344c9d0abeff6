"""Whole answers and errors, read and written."""

import pytest

from outgate.inference.conversation import Alternative, Answer, Call, Failure, Media, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish
from support.responses_answers import called, response, said, thought
from support.responses_spoken import CONVERTER, SPENT, answer, asked, written
from support.sse import TEXT

SIGNATURE = "Erc" + "A" * 60


def test_an_answer_is_read():
    read = CONVERTER.read_answer(response([thought("hm"), said("ok"), called("f", "{}")]))
    kept, text, call = read.alternatives[0].parts

    assert ("hm", "gAAAA" + "Q" * 80, "responses") == (kept.text, kept.signature, kept.provider)
    assert (Text("ok"), Call("call_1", "f", "{}"), Finish.TOOL_CALLS) == (text, call, read.alternatives[0].finish)
    assert ("resp_1", "gpt-5", 1, SPENT) == (read.id, read.model, read.created, read.usage)


@pytest.mark.parametrize(
    ("members", "finish"),
    [
        ({}, Finish.STOP),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Finish.LENGTH),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Finish.CONTENT_FILTER),
        ({"status": "incomplete", "incomplete_details": None}, Finish.LENGTH),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, Finish.ERROR),
        ({"status": None}, Finish.STOP),
        ({"status": "cancelled"}, Finish.OTHER),
    ],
)
def test_ends_are_read(members, finish):
    assert finish is CONVERTER.read_answer(response(**members)).alternatives[0].finish


def test_an_answer_is_written_with_what_it_says():
    parts = (Thought("hm", SIGNATURE, "", "anthropic"), Text("a"), Refused("b"), Call("c1", "f", ""))
    tree = written(answer(*parts, finish=Finish.TOOL_CALLS))

    assert ["reasoning", "message", "function_call"] == [item["type"] for item in tree["output"]]
    assert ["output_text", "refusal"] == [part["type"] for part in tree["output"][1]["content"]]
    assert ("completed", "c1", "{}") == (tree["status"], tree["output"][2]["call_id"], tree["output"][2]["arguments"])
    assert 3 == len({item["id"] for item in tree["output"]})


def test_reasoning_that_nobody_sealed_is_no_reference_when_it_comes_back():
    [item] = written(answer(Thought("hm", provider="gemini")))["output"]

    assert ([{"type": "reasoning_text", "text": "hm"}], None) == (item["content"], item["encrypted_content"])


@pytest.mark.parametrize(
    "parts",
    [
        (Text("ok"),),
        (Thought("hm", SIGNATURE, "", "anthropic"), Text("ok"), Call("c1", "f", "{}"), Call("c2", "g", '{"a":1}')),
        (Refused("no"),),
        (Call("c1", "run", "ls", custom=True),),
        (),
    ],
)
@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER, Finish.ERROR])
def test_an_answer_is_read_as_it_was_written(parts, finish):
    if finish is Finish.STOP and any(isinstance(part, Call) for part in parts):
        finish = Finish.TOOL_CALLS
    whole = Answer("resp_1", "m", (Alternative(parts, finish),), SPENT, 7)
    read = CONVERTER.read_answer(written(whole))
    [alternative] = read.alternatives

    assert parts == tuple(part._replace(rest={}) if isinstance(part, Thought) else part for part in alternative.parts)
    assert (finish, whole[:2], whole[3:]) == (alternative.finish, read[:2], read[3:])


def test_media_of_an_answer_have_no_item():
    assert [] == written(answer(Media("image", "image/png", "iVBO")))["output"]


def test_a_call_is_told_as_the_client_knows_its_tool():
    conversation = asked(tools=[{"type": "custom", "name": "run"}])
    [item] = written(answer(Call("c1", "run", '{"input":"ls"}')), conversation)["output"]

    assert ("custom_tool_call", "ls") == (item["type"], item["input"])


def test_usage_may_be_missing_or_broken():
    assert None is CONVERTER.read_answer(response(usage=None)).usage
    assert Spent(3) == CONVERTER.read_answer(response(usage={"input_tokens": 3, "output_tokens": "many"})).usage
    assert None is written(answer()._replace(usage=None))["usage"]


def test_items_of_hosted_tools_are_none_of_the_answer():
    assert (Text(TEXT),) == CONVERTER.read_answer(response([{"type": "web_search_call"}, said(TEXT)])).alternatives[0].parts


@pytest.mark.parametrize(
    ("tree", "failure"),
    [
        ({"error": {"message": "m", "type": "rate_limit_error", "code": None}}, Failure(429, "rate_limit_error", "m")),
        ({"error": {"message": "m", "type": "t", "code": "context_length_exceeded"}}, Failure(429, "context_length_exceeded", "m")),
        ({"error": "broken"}, Failure(429, "", "broken")),
        ({}, Failure(429, "", "")),
    ],
)
def test_errors_are_read(tree, failure):
    assert failure == CONVERTER.read_failure(429, tree)


def test_errors_of_other_apis_are_told_by_their_status():
    error = CONVERTER.write_failure(Failure(529, "overloaded_error", "Overloaded"))["error"]

    assert {"message": "Overloaded", "type": "server_error", "param": None, "code": None} == error
    assert "context_length_exceeded" == CONVERTER.write_failure(Failure(400, "context_length_exceeded", "m"))["error"]["code"]
