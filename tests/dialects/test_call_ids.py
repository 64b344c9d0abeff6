import orjson
import pytest

from outgate.dialects import registry
from outgate.dialects.answer_forms import answer_in
from outgate.dialects.call_ids import CallIds
from outgate.dialects.spec import Target
from outgate.dialects.translated import translated
from outgate.inference.conversation import Alternative, Answer, Call, Conversation, Finished, PartBegun, Role, Text, Turn
from outgate.inference.stream import Finish
from support.openai_answers import call_chunk, chunk
from support.wire_bodies import ANTHROPIC, MESSAGES

ASKED = Conversation((), (Turn(Role.ASSISTANT, (Call("call_1", "read", "{}"), Call("call_1_2", "read", "{}"))),))


def event(told):
    return b"data: " + (told.encode() if isinstance(told, str) else orjson.dumps(told)) + b"\n\n"


def ids(answer):
    return [part.id for one in answer.alternatives for part in one.parts if isinstance(part, Call)]


def answer(*names):
    return Answer("a", "m", (Alternative((Text("so"), *(Call(name, "read", "{}") for name in names)), Finish.TOOL_CALLS),))


def test_an_id_of_its_own_stays():
    assert ["call_9", "x"] == ids(CallIds(ASKED).answer(answer("call_9", "x")))


def test_an_id_that_an_earlier_turn_or_call_has_becomes_another_one():
    assert ["call_1_3", "call_1_4", "call_1_2_2"] == ids(CallIds(ASKED).answer(answer("call_1", "call_1", "call_1_2")))


def test_parts_of_a_stream_are_told_apart_alike():
    own = CallIds(ASKED)
    items = [own.item(PartBegun(at, Call("call_1", "read", ""))) for at in range(2)]

    assert ["call_1_3", "call_1_4"] == [item.part.id for item in items]


def test_a_call_without_an_id_gets_one():
    assert ["call_1_3", "call_1_4"] == ids(CallIds(ASKED).answer(answer("", "")))


def test_an_answer_that_calls_tools_ends_for_them_whatever_its_server_says():
    own, stopped = CallIds(ASKED), answer("a")
    stopped = stopped._replace(alternatives=tuple(one._replace(finish=Finish.STOP) for one in stopped.alternatives))
    own.item(PartBegun(0, Call("b", "read", "")))

    assert Finish.TOOL_CALLS is CallIds(ASKED).answer(stopped).alternatives[0].finish
    assert [Finish.TOOL_CALLS, Finish.LENGTH] == [own.item(Finished(each)).finish for each in (Finish.STOP, Finish.LENGTH)]
    assert Finish.STOP is CallIds(ASKED).item(Finished(Finish.STOP)).finish


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_counts_its_calls_from_one_in_each_answer(stream):
    """llama.cpp's and others: Claude Code took the second `call_1` for an interrupted first one, and never ended."""
    used = {"type": "tool_use", "id": "call_1", "name": "read", "input": {}}
    messages = [
        {"role": "user", "content": "read both"},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "one"}]},
    ]
    request = ANTHROPIC.decode(MESSAGES, orjson.dumps({"model": "m", "max_tokens": 9, "messages": messages}))
    asked = translated(request, Target("m"), "openai").asked
    decoder = registry.dialect("anthropic").answer(MESSAGES, stream, True, 200)
    reading = answer_in(MESSAGES, "openai", asked, decoder, stream=stream, status=200)
    call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    whole = {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    raw = (
        b"".join(map(event, (call_chunk(id="call_1", name="read"), chunk({}, finish="tool_calls"), "[DONE]")))
        if stream
        else orjson.dumps(whole)
    )

    told = b"".join(event.encode() for event in [*reading.feed(raw), *reading.end()])

    assert b'"call_1_2"' in told
    assert b'"call_1"' not in told
