"""Answers of servers that speak nearly the API: words in parts, arguments as objects, names that come late or never."""

import pytest

from outgate.dialects.openai.convert_answer import read_answer
from outgate.dialects.openai.convert_stream import ChatReader
from outgate.errors import WireError
from outgate.inference.conversation import Call, Failure, PartBegun, Piece, Text, Thought
from support.openai_answers import chat_completion, chunk


def whole(**message):
    tree = chat_completion("x")
    tree["choices"][0]["message"] = {"role": "assistant", "content": None, **message}
    return read_answer(tree).alternatives[0].parts


def streamed(*deltas):
    reader = ChatReader()
    return [item for delta in deltas for item in reader.feed("", chunk(delta))] + list(reader.feed("", chunk({}, finish="stop")))


def call(**members):
    return {"tool_calls": [{"index": 0, **members}]}


MISTRAL = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "so"}]


def test_words_in_parts_are_text_and_thoughts():
    assert (Thought("hm"), Text("so")) == whole(content=MISTRAL)
    assert [Piece(0, "hm"), Piece(1, "so")] == [item for item in streamed({"content": MISTRAL}) if isinstance(item, Piece)]


@pytest.mark.parametrize("content", [7, {"a": 1}, [7], [{"type": "text", "text": 7}]])
def test_attack_words_of_another_type_are_refused(content):
    with pytest.raises(WireError):
        whole(content=content)
    with pytest.raises(WireError):
        streamed({"content": content})


def test_arguments_may_be_an_object():
    function = {"name": "read", "arguments": {"path": "a"}}

    assert (Call("c", "read", '{"path":"a"}'),) == whole(tool_calls=[{"id": "c", "function": function}])
    assert Piece(0, '{"path":"a"}') in streamed(call(id="c", function=function))


@pytest.mark.parametrize("arguments", [7, ["a"]])
def test_attack_arguments_of_another_type_are_refused(arguments):
    function = {"name": "read", "arguments": arguments}
    with pytest.raises(WireError):
        whole(tool_calls=[{"id": "c", "function": function}])
    with pytest.raises(WireError):
        streamed(call(id="c", function=function))


def test_a_name_that_comes_after_id_and_arguments_is_waited_for():
    items = streamed(
        call(id="c", function={"arguments": '{"path"'}),
        call(function={"name": "read", "arguments": ':"a'}),
        call(function={"arguments": '"}'}),
    )

    assert [PartBegun(0, Call("c", "read", ""))] == [item for item in items if isinstance(item, PartBegun)]
    assert '{"path":"a"}' == "".join(item.text for item in items if isinstance(item, Piece))


@pytest.mark.parametrize("name", [None, ""])
def test_attack_a_call_of_no_tool_is_an_error(name):
    with pytest.raises(WireError):
        whole(tool_calls=[{"id": "c", "function": {"name": name, "arguments": "{}"}}])

    assert [item for item in streamed(call(id="c", function={"name": name, "arguments": "{}"})) if isinstance(item, Failure)]
