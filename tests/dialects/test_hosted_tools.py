"""Tools and links that the provider would run or fetch: announced wherever they stand, taken out whole where policy says so."""

import orjson
import pytest

from outgate.dialects.hosted_tools import without
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

FUNCTION = {"type": "function", "function": {"name": "f"}}
FLAT = {"type": "function", "name": "f"}
OWN = {"name": "f", "input_schema": {"type": "object"}}
MCP = {"type": "mcp", "server_label": "m", "server_url": "https://evil.example/sse"}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
SERVERS = [{"type": "url", "url": "https://evil.example/sse", "name": "m", "authorization_token": "k"}]
CHOSEN = {"type": "tool", "name": "f"}
SAID = [{"role": "user", "content": "hi"}]


def decoded(spoken, operation, **body):
    first = {"model": "m", "input": "hi"} if operation is RESPONSE else {"model": "m", "messages": SAID, "max_tokens": 9}
    return spoken.decode(operation, orjson.dumps({**first, **body}))


def left(spoken, operation, **body):
    """What leaves of these members without hosted tools, and the names of the tools that are left."""
    request = decoded(spoken, operation, **body)
    assert "hosted_tool" in request.prompt.unjudged
    prompt, tools = without(request.prompt, request.tools)
    assert "hosted_tool" not in {*prompt.unjudged, *(part.kind for part in prompt.parts)}
    assert not [leaf for leaf in prompt.leaves if "evil" in leaf.text]
    sent = orjson.loads(spoken.encode(operation, prompt, "m", request.params))
    assert b"evil" not in orjson.dumps(sent)
    return {name: sent[name] for name in body if name in sent}, tools.names


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"tools": [FUNCTION, MCP]}, {"tools": [FUNCTION]}),
        ({"tools": [MCP], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
        ({"tools": [MCP, MCP, FUNCTION], "tool_choice": "required"}, {"tools": [FUNCTION], "tool_choice": "required"}),
        ({"web_search_options": {"user_location": {"city": "evil"}}, "tools": [FUNCTION]}, {"tools": [FUNCTION]}),
        ({"search_parameters": {"mode": "on"}}, {}),
        ({"plugins": [{"id": "web"}]}, {}),
    ],
)
def test_hosted_tools_are_taken_out_of_a_chat(given, rest):
    assert rest == left(OPENAI, CHAT, **given)[0]


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"tools": [MCP, FLAT], "tool_choice": {"type": "mcp", "server_label": "m"}}, {"tools": [FLAT]}),
        (
            {"tools": [MCP, FLAT], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [MCP | {"a": "evil"}, FLAT]}},
            {"tools": [FLAT], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FLAT]}},
        ),
        ({"tools": [{"type": "web_search"}], "tool_choice": "auto"}, {}),
        (
            {"tools": [{"type": "namespace", "name": "n", "tools": [MCP, FLAT]}]},
            {"tools": [{"type": "namespace", "name": "n", "tools": [FLAT]}]},
        ),
        (
            {"input": [{"role": "user", "content": "hi"}, {"type": "additional_tools", "tools": [FLAT, MCP]}]},
            {"input": [{"role": "user", "content": "hi"}, {"type": "additional_tools", "tools": [FLAT]}]},
        ),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}, FLAT]}, {"tools": [FLAT]}),
    ],
)
def test_hosted_tools_are_taken_out_of_a_response(given, rest):
    assert rest == left(RESPONSES, RESPONSE, **given)[0]


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"mcp_servers": SERVERS, "tools": [{"type": "mcp_toolset", "mcp_server_name": "m"}, OWN]}, {"tools": [OWN]}),
        ({"mcp_servers": SERVERS}, {}),
        ({"tools": [SEARCH, OWN], "tool_choice": {"type": "tool", "name": "web_search"}}, {"tools": [OWN]}),
        ({"tools": [SEARCH, OWN], "tool_choice": CHOSEN}, {"tools": [OWN], "tool_choice": CHOSEN}),
        ({"tools": [{"type": "browser_toolset_20990101", "name": "b"}, OWN]}, {"tools": [OWN]}),
    ],
)  # fmt: skip
def test_hosted_tools_are_taken_out_of_messages(given, rest):
    assert rest == left(ANTHROPIC, MESSAGES, **given)[0]


def test_the_tools_that_are_left_are_what_is_counted():
    _, names = left(ANTHROPIC, MESSAGES, tools=[SEARCH, OWN])

    assert ("f",) == names


def test_edits_made_before_and_after_meet_in_what_leaves():
    request = decoded(OPENAI, CHAT, tools=[MCP, {"type": "function", "function": {"name": "f", "description": "secret"}}])
    hello = next(i for i, leaf in enumerate(request.prompt.leaves) if leaf.text == "hi")
    prompt, _ = without(request.prompt.replace({hello: "<1>"}), request.tools)
    secret = next(i for i, leaf in enumerate(prompt.leaves) if leaf.text == "secret")
    sent = orjson.loads(OPENAI.encode(CHAT, prompt.replace({secret: "<2>"}), "m", request.params))

    assert ("<1>", "<2>") == (sent["messages"][0]["content"], sent["tools"][0]["function"]["description"])


def test_what_holds_no_hosted_tool_is_returned_as_it_is():
    request = decoded(OPENAI, CHAT, tools=[FUNCTION], mcp_servers=[], web_search_options=None, plugins=False)

    assert not request.prompt.unjudged
    assert without(request.prompt, request.tools) == (request.prompt, request.tools)


@pytest.mark.parametrize(
    "tool",
    [
        *({"type": name} for name in ("local_shell", "apply_patch", "computer", "computer_use_preview", "tool_search")),
        {"type": "shell", "environment": {"type": "local"}},
    ],
)
def test_tools_of_openai_that_the_caller_runs_are_not_hosted(tool):
    assert not decoded(RESPONSES, RESPONSE, tools=[tool]).prompt.unjudged


@pytest.mark.parametrize("name", ["bash_20250124", "text_editor_20250728", "memory_20250818", "tool_search_tool_bm25_20251119"])
def test_tools_of_anthropic_that_the_caller_runs_are_not_hosted(name):
    assert not decoded(ANTHROPIC, MESSAGES, tools=[{"type": name, "name": "x"}]).prompt.unjudged


def picture(url):
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


def source(**given):
    return [{"role": "user", "content": [{"type": "document", "source": given}]}]


def in_result(**given):
    block = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": given}]}
    return [{"role": "user", "content": [block]}]


def item(part):
    return [{"role": "user", "content": [part]}]


@pytest.mark.parametrize(
    ("spoken", "operation", "body"),
    [
        (OPENAI, CHAT, {"messages": picture("https://evil.example/a.png?q=prompt")}),
        (OPENAI, CHAT, {"messages": picture("//evil.example/a.png")}),
        (OPENAI, CHAT, {"messages": picture("gs://bucket/a.png")}),
        (OPENAI, CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "http://evil.example"}]}]}),
        (ANTHROPIC, MESSAGES, {"messages": source(type="url", url="https://evil.example/a.pdf")}),
        (ANTHROPIC, MESSAGES, {"messages": in_result(type="url", url="https://evil.example/a.png")}),
        (RESPONSES, RESPONSE, {"input": item({"type": "input_image", "image_url": "https://evil.example/a.png"})}),
        (RESPONSES, RESPONSE, {"input": item({"type": "input_file", "file_url": "https://evil.example/a.pdf"})}),
    ],
)
def test_an_address_that_the_provider_fetches_announces_itself(spoken, operation, body):
    assert "remote_url" in decoded(spoken, operation, **body).prompt.unjudged


def test_data_within_the_body_is_no_address():
    assert {"image"} == decoded(OPENAI, CHAT, messages=picture("data:image/png;base64,AAAA")).prompt.unjudged
    inside = source(type="base64", media_type="application/pdf", data="AAAA")
    assert {"file"} == decoded(ANTHROPIC, MESSAGES, messages=inside).prompt.unjudged


@pytest.mark.parametrize(("spoken", "operation"), [(OPENAI, CHAT), (RESPONSES, RESPONSE), (ANTHROPIC, MESSAGES)])
@pytest.mark.parametrize(
    "member",
    [
        {"data_sources": [{"type": "azure_search", "parameters": {"endpoint": "https://evil.example"}}]},
        {"dataSources": [{"type": "AzureCognitiveSearch", "parameters": {"endpoint": "https://evil.example"}}]},
        {"search_parameters": {"sources": [{"type": "rss", "links": ["https://evil.example"]}]}},
        {"plugins": [{"id": "web"}]},
        {"web_search_options": {}},
        {"mcp_servers": SERVERS},
    ],
    ids=lambda member: next(iter(member)),
)
def test_a_member_of_another_api_that_makes_the_provider_call_out_is_announced(spoken, operation, member):
    assert {"hosted_tool"} == decoded(spoken, operation, **member).prompt.unjudged
