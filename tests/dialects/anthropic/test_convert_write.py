"""Conversations are written as message requests that the API takes, and what it cannot say is told."""

from base64 import b64encode

import pytest

from outgate.dialects.anthropic.convert_write import closed, write_request
from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Format,
    Media,
    Refused,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)

OLD, NEW = "claude-sonnet-4-5", "claude-opus-4-8"
TOOL = Tool("f", "d", {"type": "object", "properties": {}})


def user(*parts, **more):
    return Turn(Role.USER, parts, **more)


def assistant(*parts):
    return Turn(Role.ASSISTANT, parts)


def system(text):
    return Turn(Role.SYSTEM, (Text(text),))


def written(*turns, model=OLD, most=None, **more):
    return write_request(Conversation(more.pop("system", ()), turns, **more), model, most)


def body(*turns, **more):
    return written(*turns, **more).body


def messages(*turns, **more):
    return [(message["role"], message["content"]) for message in body(*turns, **more)["messages"]]


def text(words):
    return {"type": "text", "text": words}


def losses(*turns, **more):
    return [loss.what for loss in written(*turns, **more).losses]


def test_a_request_is_written():
    sent = written(user(Text("hi")), system=(Text("be kind"),), stream=True, user="u1", most=77)

    assert ("/v1/messages", []) == (sent.path, list(sent.losses))
    assert {
        "model": OLD,
        "max_tokens": 77,
        "system": [text("be kind")],
        "messages": [{"role": "user", "content": [text("hi")]}],
        "metadata": {"user_id": "u1"},
        "stream": True,
    } == sent.body


@pytest.mark.parametrize(("said", "most", "expected"), [(5, 77, 5), (None, 77, 77), (None, None, 8_192)])
def test_there_is_always_a_maximum(said, most, expected):
    sent = body(user(Text("hi")), sampling=Sampling(max_tokens=said), most=most)

    assert expected == sent["max_tokens"]


def test_neighbours_become_one_message():
    assert [("user", [text("a"), text("b")]), ("assistant", [text("c"), text("d")])] == messages(
        user(Text("a")), user(Text("b")), assistant(Text("c")), assistant(Text("d"))
    )


def test_results_stand_first_after_their_calls():
    _, (_, calls), (_, answers) = messages(
        user(Text("go")),
        assistant(Call("a", "f", "{}"), Call("b", "f", '{"x":1}')),
        user(Text("meanwhile")),
        user(Result("a", (Text("1"),))),
        user(Result("b", (Media("image", "image/png", data="aGk="),), failed=True)),
    )

    assert [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {"x": 1}},
    ] == calls
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
    assert [
        {"type": "tool_result", "tool_use_id": "a", "content": [text("1")]},
        {"type": "tool_result", "tool_use_id": "b", "content": [image], "is_error": True},
        text("meanwhile"),
    ] == answers


def test_ids_are_unique_and_of_letters_that_the_api_admits():
    sent = messages(
        user(Text("go")),
        assistant(Call("call:0", "f", "{}"), Call("", "f", "{}")),
        user(Result("call:0", ()), Result("", ())),
        assistant(Call("call:0", "f", "{}"), Call("x", "f", "{}"), Call("x", "f", "{}")),
        user(Result("call:0", ()), Result("x", ()), Result("x", ())),
    )
    called = [block["id"] for role, blocks in sent if role == "assistant" for block in blocks]
    answered = [block["tool_use_id"] for role, blocks in sent[2:] if role == "user" for block in blocks]

    assert called == answered
    assert len(called) == len(set(called)) == 5
    assert all(each.replace("_", "a").isalnum() for each in called)
    assert "x" in called


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"a":1}', {"a": 1}), ("", {}), (" ", {}), ("[1]", {"arguments": "[1]"}), ('{"a":', {"arguments": '{"a":'})],
)
def test_arguments_become_an_object(arguments, expected):
    assert expected == messages(user(Text("go")), assistant(Call("a", "f", arguments)))[1][1][0]["input"]


def test_the_first_message_is_the_users_and_none_is_empty():
    opening = ("user", [text("Continue.")])

    assert [opening] == messages()
    assert [opening, ("assistant", [text("hi")])] == messages(user(Text(" ")), assistant(Text(""), Text("hi")))


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_systems_message_stands_where_the_model_takes_it(model):
    sent = body(system("first"), user(Text("a")), system("then"), assistant(Text("b")), system("late"), model=model)

    hoisted = [block["text"] for block in sent["system"]]
    roles = [message["role"] for message in sent["messages"]]
    assert (["first", "late"], ["user", "system", "assistant"]) == (hoisted, roles) if model == NEW else True
    assert (["first", "then", "late"], ["user", "assistant"]) == (hoisted, roles) if model == OLD else True


@pytest.mark.parametrize(
    ("media", "source"),
    [
        (Media("image", "image/png", data="aGk="), {"type": "base64", "media_type": "image/png", "data": "aGk="}),
        (Media("image", url="https://x/y"), {"type": "url", "url": "https://x/y"}),
        (Media("file", "application/pdf", data="aGk="), {"type": "base64", "media_type": "application/pdf", "data": "aGk="}),
        (Media("file", url="https://x/y"), {"type": "url", "url": "https://x/y"}),
        (Media("file", text="words"), {"type": "text", "media_type": "text/plain", "data": "words"}),
        (Media("file", "text/csv", data=b64encode(b"a,b").decode()), {"type": "text", "media_type": "text/plain", "data": "a,b"}),
    ],
)
def test_media_have_a_source(media, source):
    assert source == messages(user(media))[0][1][0]["source"]


def test_a_document_keeps_its_name():
    assert "T" == messages(user(Media("file", text="words", name="T")))[0][1][0]["title"]


@pytest.mark.parametrize(
    ("turn", "what"),
    [
        (user(Media("image", "image/bmp", data="aGk=")), "images"),
        (user(Media("audio", "audio/wav", data="aGk=")), "audio"),
        (user(Media("file", "application/zip", data="aGk=")), "files"),
        (user(Media("file", "text/plain", data="/w==")), "files"),
        (user(Text("hi"), name="bob"), "names"),
        (assistant(Media("image", url="https://x/y")), "images"),
        (assistant(Thought("hm", provider="responses")), "thoughts"),
        (assistant(Thought(signature="s", provider="responses")), "signatures"),
        (assistant(Text("x", citations=({"type": "url_citation"},))), "citations"),
        (system("")._replace(parts=(Media("image", url="https://x/y"),)), "images"),
    ],
)
def test_parts_that_the_api_does_not_have_are_told(turn, what):
    assert [what] == losses(user(Text("go")), turn)


def test_own_thoughts_and_citations_go_back():
    cited = {"type": "char_location", "cited_text": "x"}
    _, (_, blocks) = messages(
        user(Text("go")),
        assistant(
            Thought("hm", "c2ln", provider="anthropic"),
            Thought(sealed="c2Vh", provider="anthropic"),
            Text("x", (cited,)),
            Refused("no"),
        ),
    )

    assert [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2Vh"},
        {"type": "text", "text": "x", "citations": [cited]},
        text("no"),
    ] == blocks


def test_tools_have_a_schema_of_an_object():
    tools = body(user(Text("x")), tools=(TOOL, Tool("g", parameters=None), Tool("h", parameters={"properties": {}}, strict=True)))[
        "tools"
    ]

    assert [
        {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
        {"name": "h", "input_schema": {"type": "object", "properties": {}}, "strict": True},
    ] == tools


def test_a_tool_of_free_text_is_a_function_of_one_string_and_its_grammar_told():
    patch = Tool(
        "patch", "d", custom=True, rest={"format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "s: A"}}}
    )
    sent = written(user(Text("x")), assistant(Call("a", "patch", "diff", custom=True)), tools=(patch,))

    (tool,) = sent.body["tools"]
    assert (["input"], ["strict"]) == (tool["input_schema"]["required"], [loss.what for loss in sent.losses])
    assert "s: A" in tool["description"]
    assert {"input": "diff"} == sent.body["messages"][1]["content"][0]["input"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), None),
        (Choice("auto"), {"type": "auto"}),
        (Choice("none", parallel=False), {"type": "none"}),
        (Choice("any", parallel=True), {"type": "any"}),
        (Choice("tool", "f", parallel=False), {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (Choice(parallel=False), {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_the_choice_of_tools_is_written(choice, expected):
    assert expected == body(user(Text("x")), tools=(TOOL,), choice=choice).get("tool_choice")


@pytest.mark.parametrize(("mode", "expected"), [("auto", []), ("none", []), ("any", ["tool_choice"])])
def test_a_choice_among_no_tools_is_left_out(mode, expected):
    sent = written(user(Text("x")), choice=Choice(mode))

    assert ("tool_choice" not in sent.body, expected) == (True, [loss.what for loss in sent.losses])


@pytest.mark.parametrize(
    ("sampling", "model", "kept", "lost"),
    [
        (Sampling(temperature=0.2), OLD, {"temperature": 0.2}, []),
        (Sampling(temperature=1.0, top_p=1.0), NEW, {}, []),
        (Sampling(temperature=1.5), OLD, {}, ["sampling"]),
        (Sampling(temperature=0.2, top_p=0.5), OLD, {"temperature": 0.2}, ["sampling"]),
        (Sampling(temperature=0.2, top_p=0.5), "local", {"temperature": 0.2, "top_p": 0.5}, []),
        (Sampling(top_k=1), OLD, {"top_k": 1}, []),
        (Sampling(temperature=0.2, top_k=4), NEW, {}, ["sampling", "top_k"]),
        (Sampling(n=2, seed=1, presence=0.5, logprobs=0), OLD, {}, ["n", "seed", "penalties", "logprobs"]),
        (Sampling(n=1, presence=0.0, frequency=0.0), OLD, {}, []),
        (Sampling(stop=("END", " ")), OLD, {"stop_sequences": ["END"]}, ["stop"]),
    ],
)
def test_sampling_is_what_the_model_takes(sampling, model, kept, lost):
    sent = written(user(Text("x")), sampling=sampling, model=model)

    assert kept == {name: value for name, value in sent.body.items() if name not in {"model", "max_tokens", "messages"}}
    assert lost == [loss.what for loss in sent.losses]


def test_a_schema_is_closed():
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    sent = body(user(Text("x")), format=Format("schema", "n", {"type": "object", "properties": {"b": inner}}))

    expected = closed({"type": "object", "properties": {"b": inner}})
    assert {"format": {"type": "json_schema", "schema": expected}} == sent["output_config"]
    assert expected["additionalProperties"] is False is expected["properties"]["b"]["additionalProperties"]


def test_json_without_a_schema_is_told():
    assert ["format"] == losses(user(Text("x")), format=Format("json"))
    assert [] == losses(user(Text("x")), format=Format("text"))


def test_a_long_name_of_a_user_is_told():
    assert ["metadata"] == losses(user(Text("x")), user="u" * 257)
