"""Tools: functions, free text, namespaces and those of the provider; and which of them may be called."""

import pytest

from outgate.dialects.responses.convert_tools import called, write_choice, write_tools
from outgate.errors import WireError
from outgate.inference.conversation import Call, Choice, Tool
from support.responses_spoken import CONVERTER, answer, asked, lost, written

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
SEND = {"type": "function", "name": "send", "description": "Sends.", "parameters": SCHEMA, "strict": True}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches.",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}  # fmt: skip
AGENTS = {"type": "namespace", "name": "agents", "description": "Agents.", "tools": [{"type": "function", "name": "close"}, PATCH]}
TOOLS = [SEND, PATCH, AGENTS]


def test_a_function_is_read_and_written_alike():
    [tool] = asked(tools=[SEND]).tools

    assert ("send", "Sends.", SCHEMA, True) == tool[:4]
    assert [SEND] == write_tools([tool])


def test_a_function_that_says_nothing_of_strictness_is_not_strict():
    assert [False, {"type": "object", "properties": {}}] == [write_tools([Tool("f")])[0][name] for name in ("strict", "parameters")]


def test_a_tool_of_free_text_is_a_function_of_one_string():
    [tool] = asked(tools=[PATCH]).tools

    assert (False, ["input"], True) == (tool.custom, tool.parameters["required"], "start: x" in tool.description)
    assert [("strict", "tools[0].format")] == lost(tools=[PATCH])
    assert [] == lost(tools=[{"type": "custom", "name": "run", "format": {"type": "text"}}])


@pytest.mark.parametrize("form", [PATCH["format"], {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}}])
def test_a_grammar_is_written_in_the_form_of_the_api(form):
    assert [PATCH] == write_tools([Tool("apply_patch", "Patches.", custom=True, rest={"format": form})])


def test_a_tool_of_a_namespace_has_both_names():
    assert ["send", "apply_patch", "agents__close", "agents__apply_patch"] == [tool.name for tool in asked(tools=TOOLS).tools]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call("c", "send", '{"to":"x"}'), ("send", "", False, '{"to":"x"}')),
        (Call("c", "apply_patch", '{"input":"*** Begin"}'), ("apply_patch", "", True, "*** Begin")),
        (Call("c", "agents__close", "{}"), ("close", "agents", False, "{}")),
        (Call("c", "agents__apply_patch", '{"input":"x"}'), ("apply_patch", "agents", True, "x")),
        (Call("c", "unknown", "{}"), ("unknown", "", False, "{}")),
        (Call("c", "native", "text", custom=True), ("native", "", True, "text")),
    ],
)
def test_a_call_is_told_as_the_client_knows_its_tool(call, expected):
    assert expected == called(call, asked(tools=TOOLS))


@pytest.mark.parametrize("kind", ["web_search", "mcp", "code_interpreter", "computer", "local_shell", "shell", "brand_new"])
def test_tools_of_the_provider_are_told_as_lost(kind):
    assert ((), [("hosted_tools", "tools[0]")]) == (asked(tools=[{"type": kind}]).tools, lost(tools=[{"type": kind}]))


def test_a_whole_answer_calls_every_tool():
    conversation, losses = CONVERTER.read_request("", {"model": "m", "input": "hi", "tools": TOOLS})
    called = [Call("c1", "apply_patch", '{"input":"x"}'), Call("c2", "agents__close", "{}")]

    assert ["strict", "strict"] == [loss.what for loss in losses]
    assert [("custom_tool_call", "apply_patch", None), ("function_call", "close", "agents")] == [
        (item["type"], item["name"], item.get("namespace")) for item in written(answer(*called), conversation)["output"]
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", Choice("auto")),
        ("none", Choice("none")),
        ("required", Choice("any")),
        ({"type": "function", "name": "send"}, Choice("tool", "send")),
        ({"type": "custom", "name": "apply_patch"}, Choice("tool", "apply_patch")),
        ({"type": "function", "name": "close"}, Choice("tool", "agents__close")),
    ],
)
def test_choices_are_read(choice, expected):
    assert expected == asked(tools=TOOLS, tool_choice=choice).choice


def test_choices_are_written():
    tools = [Tool("send"), Tool("run", custom=True)]
    written = [write_choice(choice, tools) for choice in (Choice(), Choice("any"), Choice("tool", "send"), Choice("tool", "run"))]

    assert [None, "required", {"type": "function", "name": "send"}, {"type": "custom", "name": "run"}] == written


def test_only_the_tools_that_are_allowed_are_left():
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "send"}]}
    conversation = asked(tools=TOOLS, tool_choice=choice, parallel_tool_calls=False)

    assert (["send"], Choice("any", parallel=False)) == ([tool.name for tool in conversation.tools], conversation.choice)


def test_the_choice_of_a_tool_of_the_provider_is_lost():
    assert [("tool_choice", "tool_choice")] == lost(tool_choice={"type": "web_search"})


@pytest.mark.parametrize(
    "members",
    [{"tool_choice": 5}, {"tool_choice": "sometimes"}, {"tools": 5}, {"tools": [5]}, {"tools": [{"type": "function"}]},
     {"tools": [{"type": "function", "name": "f", "parameters": []}]}, {"parallel_tool_calls": "no"}],
)  # fmt: skip
def test_tools_of_another_form_are_refused(members):
    with pytest.raises(WireError):
        asked(**members)
