"""Streams are written for clients of the Gemini API: calls whole, reason and tokens at the end, signatures where they belong."""

from outgate.dialects.gemini.convert_stream_write import GeminiWriter
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
from support import gemini_answers as g
from support.sse import frames

BEGUN = Begun("r", "m")
END = Finished(Finish.STOP), Counted(Spent(9, 5)), Over()


def events(*items):
    writer = GeminiWriter()
    return [*frames(b"".join(map(writer.write, items)))]


def parts(*items):
    return [part for event in events(BEGUN, *items) for part in g.parts_in(event)]


def test_a_stream_is_written():
    first, second, last = events(BEGUN, PartBegun(0, Text("")), Piece(0, "He"), Piece(0, "llo"), PartEnded(0), *END)

    assert {
        "candidates": [{"content": {"parts": [{"text": "He"}], "role": "model"}, "index": 0}],
        "modelVersion": "m",
        "responseId": "r",
    } == first
    assert [{"text": "llo"}] == g.parts_in(second)
    assert ("STOP", g.counts((9, 5))) == (last["candidates"][0]["finishReason"], last["usageMetadata"])


def test_a_call_is_told_when_it_is_whole():
    told = PartBegun(0, Call("a", "f", "")), Piece(0, '{"x"'), Piece(0, ":1}")

    assert [] == parts(*told)
    assert [g.call("f", {"x": 1}, id="a")] == parts(*told, PartEnded(0))


def test_a_call_that_no_end_was_told_of_is_whole_at_the_end():
    assert [g.call("f", {}, id="a")] == parts(PartBegun(0, Call("a", "f", "")), *END)


def test_calls_that_come_side_by_side():
    told = PartBegun(0, Call("a", "f", "")), PartBegun(1, Call("b", "g", "")), Piece(1, "{}"), Piece(0, '{"x":1}')

    assert [g.call("f", {"x": 1}, id="a"), g.call("g", {}, id="b")] == parts(*told, PartEnded(0), PartEnded(1))


def test_a_signature_waits_for_what_it_led_to():
    thought = PartBegun(0, Thought(provider="gemini")), Piece(0, "hm"), Sealed(0, "c2ln"), PartEnded(0)

    assert [{"text": "hm", "thought": True}, {"text": "a", "thoughtSignature": "c2ln"}, {"text": "b"}] == parts(
        *thought, PartBegun(1, Text("")), Piece(1, "a"), Piece(1, "b")
    )
    assert {"text": "", "thoughtSignature": "c2ln"} == parts(*thought, *END)[-1]
    assert {"text": "", "thought": True, "thoughtSignature": "c2ln"} == parts(*thought, PartBegun(1, Thought()))[-1]


def test_a_refusal_is_no_success():
    *_, last = events(BEGUN, PartBegun(0, Refused("")), Piece(0, "no"), PartEnded(0), *END)

    assert "SAFETY" == last["candidates"][0]["finishReason"]


def test_citations_stand_in_the_last_event():
    cited = Cited(0, {"type": "url_citation", "url": "https://a.test", "title": "A"})
    *_, last = events(BEGUN, PartBegun(0, Text("")), Piece(0, "a"), cited, PartEnded(0), *END)

    assert [{"uri": "https://a.test", "title": "A"}] == last["candidates"][0]["citationMetadata"]["citationSources"]


def test_several_candidates():
    told = PartBegun(0, Text(""), 1), Piece(0, "b", 1), Finished(Finish.LENGTH, alternative=1)
    first, last = events(BEGUN, *told, *END)

    assert 1 == first["candidates"][0]["index"]
    assert [(1, "MAX_TOKENS"), (0, "STOP")] == [(each["index"], each["finishReason"]) for each in last["candidates"]]


def test_what_breaks_off_has_no_reason():
    assert all("finishReason" not in each["candidates"][0] for each in events(BEGUN, PartBegun(0, Text("")), Piece(0, "a"), END[0]))


def test_an_error():
    [event] = events(BEGUN, Failure(503, "x", "busy"))

    assert (503, "UNAVAILABLE", "busy") == (event["error"]["code"], event["error"]["status"], event["error"]["message"])
