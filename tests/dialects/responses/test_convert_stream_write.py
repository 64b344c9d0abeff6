"""Streams for clients: events in the documented order, every text in pieces, with its item and with the response."""

import orjson
import pytest

from outgate.inference.conversation import Begun, Call, Cited, Failure, Over, PartBegun, PartEnded, Piece, Refused, Text, Thought
from outgate.inference.stream import Finish
from support.responses_answers import response_events, said
from support.responses_spoken import asked, streamed, told
from support.sse import frames
from support.wire_bodies import RESPONSE, RESPONSES, joined

SIGNATURE = "Erc" + "A" * 60
PARTS = [
    Thought("hm hm", SIGNATURE, "", "anthropic"),
    Text("hello "),
    Text("world"),
    Call("c1", "f", '{"a":1}'),
    Call("c2", "g", ""),
]
CUSTOM = {"type": "custom", "name": "run"}


def events(items, conversation=None):
    return frames(streamed(items, conversation))


def test_events_come_in_the_documented_order():
    written = [event["type"] for event in events(told([Text("hi")], size=9))]
    expected = [event["type"] for event in frames(b"".join(response_events([said("hi")])))]

    assert expected == written


def test_events_are_numbered_and_named():
    raw = streamed(told(PARTS))
    found = frames(raw)

    assert [*range(len(found))] == [event["sequence_number"] for event in found]
    assert [event["type"] for event in found] == [
        line.partition(": ")[2] for line in raw.decode().splitlines() if line[:6] == "event:"
    ]


def test_neighbouring_texts_are_contents_of_one_message():
    whole = events(told(PARTS))[-1]["response"]

    assert ["reasoning", "message", "function_call", "function_call"] == [item["type"] for item in whole["output"]]
    assert ["hello ", "world"] == [part["text"] for part in whole["output"][1]["content"]]


def test_items_of_the_response_are_those_that_were_told():
    found = events(told(PARTS))
    done = {event["output_index"]: event["item"] for event in found if event["type"] == "response.output_item.done"}

    assert [done[at] for at in sorted(done)] == found[-1]["response"]["output"]
    assert all(item.get("status", "completed") == "completed" for item in done.values())


def test_pieces_and_ends_name_their_item():
    found = events(told(PARTS))
    items = found[-1]["response"]["output"]

    assert all(items[event["output_index"]]["id"] == event["item_id"] for event in found if "item_id" in event)


def test_calls_side_by_side_stay_apart():
    begun = [PartBegun(0, Call("c1", "f", "")), PartBegun(1, Call("c2", "g", ""))]
    pieces = [Piece(0, '{"a"'), Piece(1, "{"), Piece(0, ":1}"), Piece(1, "}"), PartEnded(1), PartEnded(0), Over()]

    assert ['{"a":1}', "{}"] == [item["arguments"] for item in events([*begun, *pieces])[-1]["response"]["output"]]


def test_a_text_that_goes_on_beside_a_call_stays_its_own():
    items = [
        PartBegun(0, Text("")),
        Piece(0, "a"),
        PartBegun(1, Call("c1", "f", "")),
        Piece(0, "b"),
        PartEnded(0),
        PartEnded(1),
        Over(),
    ]
    message, call = events(items)[-1]["response"]["output"]

    assert ("ab", "completed", "function_call") == (message["content"][0]["text"], message["status"], call["type"])


def test_free_text_leaves_its_function():
    found = events(told([Call("c1", "run", '{"input":"ls -l"}')]), asked(tools=[CUSTOM]))
    pieces = [event["delta"] for event in found if event["type"] == "response.custom_tool_call_input.delta"]

    assert (["ls -l"], "ls -l") == (pieces, found[-1]["response"]["output"][0]["input"])
    assert not [event for event in found if "function_call" in event["type"]]


def test_free_text_that_comes_as_such_is_streamed():
    found = events(told([Call("c1", "run", "ls -l", custom=True)]), asked(tools=[CUSTOM]))

    assert ["ls ", "-l"] == [event["delta"] for event in found if event["type"] == "response.custom_tool_call_input.delta"]


def test_a_call_of_a_namespace_has_its_name_there():
    space = {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "close"}]}
    [item] = events(told([Call("c1", "agents__close", "{}")]), asked(tools=[space]))[-1]["response"]["output"]

    assert ("agents", "close") == (item["namespace"], item["name"])


def test_a_thought_of_another_provider_is_sealed():
    found = events(told([Thought("hm", SIGNATURE, "", "anthropic")]))
    [item] = found[-1]["response"]["output"]

    assert (True, "hm") == (item["encrypted_content"].startswith("outgate_"), item["summary"][0]["text"])


def test_a_thought_without_words_has_no_summary():
    [item] = events(told([Thought("", SIGNATURE, "", "anthropic")]))[-1]["response"]["output"]

    assert [] == item["summary"]


def test_refusals_are_told_apart():
    found = events(told([Refused("I will not.")]))

    assert "I will not." == "".join(event["delta"] for event in found if event["type"] == "response.refusal.delta")
    assert [{"type": "refusal", "refusal": "I will not."}] == found[-1]["response"]["output"][0]["content"]


def test_citations_stand_with_their_text():
    note = {"type": "web_search_result_location", "url": "https://x.test", "title": "X"}
    found = events(
        [PartBegun(0, Text("")), Piece(0, "abc"), Cited(0, note), Cited(0, {"type": "page_location"}), PartEnded(0), Over()]
    )
    known = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 3}

    assert [known] == [event["annotation"] for event in found if "annotation" in event]
    assert [known] == found[-1]["response"]["output"][0]["content"][0]["annotations"]


@pytest.mark.parametrize(
    ("finish", "kind", "reason"),
    [
        (Finish.STOP, "response.completed", None),
        (Finish.OTHER, "response.incomplete", None),
        (Finish.LENGTH, "response.incomplete", "max_output_tokens"),
        (Finish.CONTENT_FILTER, "response.incomplete", "content_filter"),
        (Finish.ERROR, "response.failed", None),
    ],
)
def test_ends_are_written(finish, kind, reason):
    last = events(told([Text("hi")], finish))[-1]

    assert (kind, reason) == (last["type"], (last["response"]["incomplete_details"] or {}).get("reason"))


def test_a_failure_is_told_in_both_forms():
    error, failed = events([Begun("1", "m"), Failure(429, "overloaded_error", "slow")])[-2:]

    assert ("error", "rate_limit_exceeded", "slow") == (error["type"], error["code"], error["message"])
    assert ("response.failed", "rate_limit_exceeded") == (failed["type"], failed["response"]["error"]["code"])


def test_only_the_first_alternative_is_written():
    items = [PartBegun(0, Text(""), 1), Piece(0, "second", 1), PartEnded(0, 1), *told([Text("first")])]

    assert b"second" not in streamed(items)


def test_the_gateway_s_own_decoder_reads_it():
    raw = streamed(told(PARTS, Finish.TOOL_CALLS))
    read = RESPONSES.read(RESPONSE, raw)

    assert {"hm hm", "hello ", "world", '{"a":1}', "{}"} <= set(joined(read).values())
    assert (True, Finish.TOOL_CALLS, 5) == (read[-1].last, read[-1].finish, read[-1].usage.output_tokens)


def test_a_stream_without_a_beginning_gets_one():
    assert "response.created" == events([PartBegun(0, Text("")), PartEnded(0), Over()])[0]["type"]
    assert ["response.created", "response.in_progress", "error", "response.failed"] == [
        event["type"] for event in events([Failure(500, "", "")])
    ]
    assert orjson.loads(streamed([Over()]).split(b"data: ")[-1])["response"]["status"] == "completed"
