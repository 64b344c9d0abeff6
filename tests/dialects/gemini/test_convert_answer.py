"""Answers of the Gemini API are read and written: blocked prompts, ids of calls, citations by characters, and errors."""

import base64

import pytest

from outgate.dialects.gemini.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.errors import WireError
from outgate.inference.conversation import Alternative, Answer, Call, Failure, Refused, Spent, Text, Thought
from outgate.inference.stream import Finish
from support import gemini_answers as g

SIGNATURE = "Erc" + "A" * 60 + "=="


def parts(*written):
    return write_answer(Answer("r", "m", (Alternative(written, Finish.STOP),)))["candidates"][0]["content"]["parts"]


def finish(ended, *said):
    return write_answer(Answer("r", "m", (Alternative(said, ended),)))["candidates"][0]["finishReason"]


def test_an_answer_is_read():
    answer = read_answer(g.content({"text": "hm", "thought": True}, {"text": "Hi"}, tokens=(9, 5)))

    assert Answer("r_1", g.MODEL, (Alternative((Thought("hm"), Text("Hi")), Finish.STOP),), Spent(9, 5)) == answer


def test_calls_without_ids_get_some_that_no_other_answer_has():
    told = g.content(g.call("f", {"a": 1}), g.call("f", {}), g.call("g", {}, id="own"))
    [ended] = read_answer(told).alternatives

    assert Finish.TOOL_CALLS is ended.finish
    assert (Call("call_r_1_0", "f", '{"a":1}'), Call("call_r_1_1", "f", "{}"), Call("own", "g", "{}")) == ended.parts


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("MAX_TOKENS", Finish.LENGTH),
        ("SAFETY", Finish.CONTENT_FILTER),
        ("LANGUAGE", Finish.OTHER),
        ("FUNCTION_CALL", Finish.TOOL_CALLS),
    ],
)
def test_why_it_ended(reason, expected):
    assert expected is read_answer(g.said(finish=reason)).alternatives[0].finish


def test_a_blocked_prompt_is_an_answer_that_says_nothing():
    answer = read_answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": g.counts((9, 0)), "responseId": "r"})

    assert ((Alternative((), Finish.CONTENT_FILTER),), 9) == (answer.alternatives, answer.usage.input)


@pytest.mark.parametrize("tree", [{}, {"candidates": []}, {"candidates": 3}])
def test_attack_of_an_answer_without_candidates(tree):
    with pytest.raises(WireError):
        read_answer(tree)


def test_thoughts_and_what_the_cache_held_are_counted_apart():
    usage = {"promptTokenCount": 50, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "cachedContentTokenCount": 40}
    spent = read_answer({**g.said(), "usageMetadata": usage}).usage

    assert Spent(50, 12, 40, reasoning=7) == spent
    assert {**usage, "totalTokenCount": 62} == write_answer(Answer("r", "m", (), spent))["usageMetadata"]


def test_citations_count_bytes_there_and_characters_elsewhere():
    cited = {"citationSources": [{"startIndex": 3, "endIndex": 10, "uri": "https://a.test", "title": "A"}, {"license": "mit"}]}
    told = g.content({"text": "é, Grüße"})
    told["candidates"][0]["citationMetadata"] = cited
    answer = read_answer(told)

    known = {"type": "url_citation", "url": "https://a.test", "title": "A", "start_index": 2, "end_index": 7}
    assert (Text("é, Grüße", (known,)),) == answer.alternatives[0].parts
    assert cited["citationSources"][:1] == write_answer(answer)["candidates"][0]["citationMetadata"]["citationSources"]


def test_citations_of_other_apis_are_sources():
    chat = {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A"}}
    own = {"type": "char_location", "document_index": 0}
    told = write_answer(Answer("r", "m", (Alternative((Text("a", (chat, own)),), Finish.STOP),)))

    assert [{"uri": "https://a.test", "title": "A"}] == told["candidates"][0]["citationMetadata"]["citationSources"]


def test_a_signature_stands_beside_what_its_thought_led_to():
    first, second = Thought("hm", "c2ln", provider="gemini"), Thought("", "aGkh", provider="gemini")

    assert [
        {"text": "hm", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "aGkh"},
    ] == parts(first, second, Call("a", "f", ""))
    assert [{"text": "a"}, {"text": "", "thoughtSignature": "aGkh"}] == parts(Text("a"), second)


@pytest.mark.parametrize(
    "thought", [Thought("", SIGNATURE, provider="anthropic"), Thought("", sealed=SIGNATURE, provider="anthropic")]
)
def test_a_signature_of_another_api_comes_back_to_it(thought):
    [written] = parts(thought, Text("a"))
    held = base64.urlsafe_b64decode(written["thoughtSignature"])
    told = {**written, "thoughtSignature": base64.urlsafe_b64encode(held).decode()}

    assert (thought, Text("a")) == read_answer(g.content(told)).alternatives[0].parts


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (Finish.STOP, "STOP"),
        (Finish.TOOL_CALLS, "STOP"),
        (Finish.LENGTH, "MAX_TOKENS"),
        (Finish.CONTENT_FILTER, "SAFETY"),
        (Finish.OTHER, "OTHER"),
        (Finish.ERROR, "OTHER"),
    ],
)
def test_how_an_answer_ends(ended, reason):
    assert reason == finish(ended)
    assert finish(Finish.STOP, Refused("no")) == "SAFETY"


def test_errors():
    failure = read_failure(429, {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}})

    assert Failure(429, "RESOURCE_EXHAUSTED", "slow") == failure
    assert 503 == read_failure(0, {"error": {"code": 503, "message": "a", "status": "UNAVAILABLE"}}).status
    assert {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": []} == write_failure(failure)["error"]
