"""Tool calls in answers: shown whole to who decides, held until then, and taken out, in every dialect that has conversations."""

import orjson
import pytest

from outgate.dialects.registry import dialect, spec
from outgate.inference.calls import Call, CallKind
from outgate.inference.operation import Kind, Operation
from support import anthropic_answers as a
from support import openai_answers as o
from support import responses_answers as r
from support.sse import event, frames
from support.told_calls import ARGUMENTS, CHATS, READ, RESET, WORDS, Decider, answered, streamed, whole


def told(call):
    """A call, whose arguments some APIs tell as an object and not as text."""
    return call.name, orjson.dumps(orjson.loads(call.arguments)), call.kind, call.fault


def test_every_dialect_with_conversations_reads_calls():
    assert all(spec(name).calls is not None for name in CHATS)


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_streamed_call_is_shown_whole_however_it_is_cut(name, size):
    decide = Decider()
    raw = answered(name, streamed(name, READ, RESET, size=size), decide)

    assert {told(READ), told(RESET)} == set(map(told, decide.shown))
    assert (True, False) == (WORDS.encode() in raw, b"reset" in raw)
    assert b"/x" in raw
    assert b"device" not in raw


@pytest.mark.parametrize("name", CHATS)
def test_a_whole_call_is_shown_and_taken_out(name):
    decide = Decider()
    raw = answered(name, orjson.dumps(whole(name, READ, RESET)), decide, stream=False)

    assert ["read", "reset"] == [call.name for call in decide.shown]
    assert orjson.loads(ARGUMENTS) == orjson.loads(decide.shown[1].arguments)
    assert (True, True, False) == (WORDS.encode() in raw, b"/x" in raw, b"reset" in raw)


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_without_refused_calls_says_the_same(name, stream):
    raw = streamed(name, READ, READ) if stream else orjson.dumps(whole(name, READ))
    passed = answered(name, raw, Decider(), stream=stream)

    if not stream:
        assert orjson.loads(raw) == orjson.loads(passed)
    else:
        assert len(frames(passed)) <= len(frames(raw))
        assert frames(raw)[-1] == frames(passed)[-1]


@pytest.mark.parametrize("name", CHATS)
def test_text_before_a_call_is_not_held(name):
    decoder = dialect(name).answer(Operation(name, Kind.CHAT), True, True)
    events = decoder.feed(streamed(name, RESET))
    first = next(at for at, each in enumerate(events) if each.calls_tool)
    reader = spec(name).calls(Decider())

    assert [1] * first == [len(reader.feed(each)) for each in events[:first]]
    assert (name == "gemini") == len(reader.feed(events[first]))  # where a call is whole in its event


@pytest.mark.parametrize("name", [name for name in CHATS if name != "gemini"])
def test_a_call_that_is_broken_off_is_shown_as_it_is(name):
    decide = Decider(lambda call: call.arguments != ARGUMENTS)
    raw = b"".join(part + b"\n\n" for part in streamed(name, RESET).split(b"\n\n")[:-6])
    decoder = dialect(name).answer(Operation(name, Kind.CHAT), True, True)
    reader = spec(name).calls(decide)
    passed = [out for each in decoder.feed(raw) for out in reader.feed(each)] + list(reader.rest())

    assert decide.shown
    assert WORDS.encode() in b"".join(each.encode() for each in passed) or decide.shown[-1] == RESET


@pytest.mark.parametrize("name", CHATS)
def test_the_reason_for_the_end_follows_what_is_left(name):
    ends = {"openai": (b'"stop"', b'"tool_calls"'), "anthropic": (b'"end_turn"', b'"tool_use"')}.get(name)
    if ends is None:  # `completed` and `STOP` say neither
        end = {"responses": b"response.completed", "gemini": b'"STOP"'}[name]
        assert end in answered(name, streamed(name, RESET), Decider())
        return
    for raw, stream in ((streamed(name, RESET), True), (orjson.dumps(whole(name, RESET)), False)):
        said = answered(name, raw, Decider(), stream=stream)
        assert (True, False) == (ends[0] in said, ends[1] in said)
    assert ends[1] in answered(name, streamed(name, READ, RESET), Decider())


def test_the_calls_that_are_left_are_numbered_anew():
    raw = answered("openai", streamed("openai", RESET, READ), Decider())
    calls = [call for frame in frames(raw) for choice in frame["choices"] for call in choice["delta"].get("tool_calls", ())]

    assert {0} == {call["index"] for call in calls}
    assert '{"path":"/x"}' == "".join(call["function"]["arguments"] for call in calls)


def test_the_old_function_call_is_a_call():
    old = [o.chunk({"function_call": {"name": "reset", "arguments": ""}}), o.chunk({"function_call": {"arguments": "{}"}})]
    decide = Decider()
    raw = answered("openai", o.chat_stream(*old, o.chunk({}, "function_call")), decide)

    assert [Call("reset", "{}")] == decide.shown
    assert (False, True) == (b"function_call" in raw, WORDS.encode() in raw)


def test_custom_tools_give_their_input_as_text():
    pieces = [
        o.chunk({"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "reset", "input": "rm "}}]}),
        o.chunk({"tool_calls": [{"index": 0, "custom": {"input": "-rf"}}]}),
    ]
    decide = Decider()
    answered("openai", o.chat_stream(*pieces, o.chunk({}, "tool_calls")), decide)
    item = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "c", "name": "reset", "input": "rm -rf", "status": "completed"}
    answered("responses", b"".join(r.response_events([item])), decide)

    assert {Call("reset", "rm -rf", CallKind.CUSTOM)} == set(decide.shown)


HOSTED = [
    ("responses", {"type": "web_search_call", "action": {"type": "search", "query": "q"}}, "web_search", CallKind.HOSTED),
    ("responses", {"type": "mcp_call", "server_label": "hub", "name": "push", "arguments": "{}"}, "hub/push", CallKind.MCP),
    ("responses", {"type": "brand_new_call", "what": "ever"}, "brand_new", CallKind.HOSTED),
    ("anthropic", {"type": "server_tool_use", "name": "web_search", "input": {"query": "q"}}, "web_search", CallKind.HOSTED),
    ("anthropic", {"type": "mcp_tool_use", "name": "push", "server_name": "hub", "input": {}}, "hub/push", CallKind.MCP),
    ("anthropic", {"type": "brand_new", "what": "ever"}, "brand_new", CallKind.HOSTED),
]  # fmt: skip


@pytest.mark.parametrize(("name", "told", "tool", "kind"), HOSTED)
def test_what_the_provider_runs_is_a_call_and_its_result_goes_with_it(name, told, tool, kind):
    decide, told = Decider(lambda call: True), {"id": "s", **told}
    if name == "responses":
        raw = answered(name, b"".join(r.response_events([told])), decide)
    else:
        result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "x", "text": "found"}]}
        blocks = [a.block_start(0, **told), a.block_stop(0), a.block_start(1, **result), a.block_stop(1)]
        raw = answered(name, a.message_stream(a.message_start(), *blocks, a.message_delta(), a.STOP), decide)

    assert {(tool, kind)} == {(call.name, call.kind) for call in decide.shown}
    assert told["type"].encode() not in raw
    assert WORDS.encode() in raw
    assert b"found" not in raw


FAULTS = [
    o.chunk({"tool_calls": [{"index": 0, "id": "c", "type": "nonsense", "function": {"name": "read", "arguments": "{}"}}]}),
    o.chunk({"tool_calls": ["read"]}),
    o.chunk({"tool_calls": {"index": 0, "function": "read"}}),
    o.chunk({"tool_calls": [{"index": 0, "function": {"name": 7, "arguments": "{}"}}]}),
    o.chunk({"tool_calls": [{"index": 0, "function": {"name": "read", "arguments": {"a": 1}}}]}),
    o.chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
]


@pytest.mark.parametrize("piece", FAULTS)
def test_what_is_no_call_of_the_dialect_has_a_fault(piece):
    decide = Decider()
    raw = answered("openai", o.chat_stream(piece, o.chunk({}, "tool_calls")), decide)

    assert all(call.fault for call in decide.shown)
    assert (True, False) == (WORDS.encode() in raw, b'"tool_calls"' in raw)


def test_two_names_of_one_call_are_a_fault():
    pieces = [o.call_chunk("", id="c", name="read"), o.call_chunk("{}", id="c", name="reset")]
    decide = Decider()
    answered("openai", o.chat_stream(*pieces, o.chunk({}, "tool_calls")), decide)

    assert ["name"] == [call.fault for call in decide.shown]


def test_arguments_that_are_told_in_two_ways_are_shown_in_both():
    events = r.response_events([r.called("read", '{"path":"/a"}')])
    events = [each.replace(b"/a", b"/b") if b"output_item.done" in each else each for each in events]
    decide = Decider(lambda call: "/b" in call.arguments)
    raw = answered("responses", b"".join(events), decide)

    assert {'{"path":"/a"}', '{"path":"/b"}'} == {call.arguments for call in decide.shown}
    assert WORDS.encode() in raw
    assert b"/b" not in raw


def test_a_code_interpreter_that_is_told_other_code_has_a_fault():
    item = {
        "id": "ci",
        "type": "code_interpreter_call",
        "code": "print(1)",
        "container_id": "c",
        "outputs": None,
        "status": "completed",
    }
    at = {"output_index": 0, "item_id": "ci"}
    for code, fault in (("print(1)", ""), ("print(2)", "arguments")):
        events = [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "code": "", "status": "in_progress"}},
            {"type": "response.code_interpreter_call_code.delta", **at, "delta": code},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
        ]
        decide = Decider()
        answered("responses", b"".join(map(event, events)), decide)
        assert [fault] == [call.fault for call in decide.shown]


def test_a_piece_of_arguments_without_a_call_has_a_fault():
    decide = Decider()
    raw = a.message_stream(a.message_start(), a.block_start(0, type="text", text=""), a.input_delta("{}"), a.block_stop(0))
    answered("anthropic", raw, decide)

    assert [True] == [bool(call.fault) for call in decide.shown]


def test_two_choices_are_judged_apart():
    chunks = [
        o.chunk(
            {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": "{}"}}]}, index=at
        )
        for at, name in enumerate(("read", "reset"))
    ]
    raw = answered("openai", o.chat_stream(*chunks, o.chunk({}, "tool_calls", 0), o.chunk({}, "tool_calls", 1)), Decider())
    finishes = {
        choice["index"]: choice["finish_reason"] for frame in frames(raw) for choice in frame["choices"] if choice["finish_reason"]
    }

    assert {0: "tool_calls", 1: "stop"} == finishes
    assert (True, False) == (b'"read"' in raw, b'"reset"' in raw)
