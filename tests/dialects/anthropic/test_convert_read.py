"""Message requests are read as conversations, and what no other dialect can say is told."""

import pytest

from outgate.dialects.anthropic.convert_read import read_request
from outgate.errors import WireError
from outgate.inference.conversation import (
    Call,
    Choice,
    Format,
    Loss,
    Media,
    Reasoning,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)

CACHED = {"cache_control": {"type": "ephemeral"}}


def asked(**members):
    return read_request({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **members})


def parts(*blocks, role="user"):
    conversation, losses = asked(messages=[{"role": role, "content": list(blocks)}])
    return conversation.turns[0].parts, list(losses)


def test_texts_roles_and_parameters_are_read():
    conversation, losses = asked(
        system=[{"type": "text", "text": "be kind"}],
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "now shout"},
            {"role": "assistant", "content": "HI"},
        ],
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["END"],
        stream=True,
        metadata={"user_id": "u1"},
    )

    assert (Text("be kind"),) == conversation.system
    assert [(Role.USER, "hi"), (Role.SYSTEM, "now shout"), (Role.ASSISTANT, "HI")] == [
        (turn.role, turn.parts[0].text) for turn in conversation.turns
    ]
    assert Sampling(temperature=0.5, top_p=0.9, top_k=3, max_tokens=9, stop=("END",)) == conversation.sampling
    assert (True, "u1", []) == (conversation.stream, conversation.user, list(losses))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            [Media("image", "image/png", data="aGk=")],
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://x/y"}}, [Media("image", url="https://x/y")]),
        (
            {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}},
            [Media("file", "application/pdf", data="aGk=", name="T")],
        ),
        (
            {"type": "document", "context": "c", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
            [Text("c"), Media("file", "text/plain", text="words")],
        ),
        ({"type": "document", "source": {"type": "url", "url": "https://x/y"}}, [Media("file", url="https://x/y")]),
        (
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            },
            [Media("file", "text/plain", text="a\n\nb")],
        ),
        (
            {"type": "search_result", "source": "https://x", "title": "T", "content": [{"type": "text", "text": "found"}]},
            [Text("T\nhttps://x\n\nfound")],
        ),
    ],
)
def test_images_and_documents_are_media(block, expected):
    assert (tuple(expected), []) == parts(block)


def test_images_inside_a_document_stand_beside_its_text():
    image = {"type": "image", "source": {"type": "url", "url": "https://x/y"}}
    source = {"type": "content", "content": [{"type": "text", "text": "a"}, image]}

    assert ((Text("T"), Text("a"), Media("image", url="https://x/y")), []) == parts(
        {"type": "document", "title": "T", "source": source}
    )


def test_calls_results_and_thoughts_are_read():
    conversation, losses = asked(
        messages=[
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "c2VhbGVk"},
                    {"type": "tool_use", "id": "t1", "name": "send", "input": {"to": "bob"}, "caller": {"type": "direct"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sent", "is_error": True}]},
        ]
    )

    assert (
        Turn(
            Role.ASSISTANT,
            (
                Thought("hm", "c2ln", provider="anthropic"),
                Thought(sealed="c2VhbGVk", provider="anthropic"),
                Call("t1", "send", '{"to":"bob"}'),
            ),
        ),
        Turn(Role.USER, (Result("t1", (Text("sent"),), failed=True, name="send"),)),
    ) == conversation.turns
    assert not losses


def test_tools_and_their_choice_are_read():
    schema = {"type": "object", "properties": {}}
    conversation, losses = asked(
        tools=[{"name": "f", "description": "d", "input_schema": schema, "strict": True, "eager_input_streaming": True}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    )

    assert ((Tool("f", "d", schema, strict=True),), Choice("tool", "f", parallel=False)) == (
        conversation.tools,
        conversation.choice,
    )
    assert not losses


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, Reasoning("none", 0, shown=False)),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning("", 2048)),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, Reasoning("", -1, shown=False)),
        ({"output_config": {"effort": "max"}}, Reasoning("xhigh")),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, Reasoning("low", -1)),
    ],
)
def test_thinking_and_effort_are_reasoning(members, expected):
    assert expected == asked(**members)[0].reasoning


def test_a_schema_is_the_form_of_the_answer():
    config = {"format": {"type": "json_schema", "schema": {"type": "object"}}}

    assert Format("schema", schema={"type": "object"}, strict=True) == asked(output_config=config)[0].format


@pytest.mark.parametrize(
    ("members", "losses"),
    [
        ({"service_tier": "auto"}, [Loss("service_tier", "service_tier")]),
        ({"mcp_servers": [{"url": "https://x"}]}, [Loss("hosted_tools", "mcp_servers")]),
        ({"container": "c"}, [Loss("members", "body.container")]),
        ({"My Secret 1": 1}, [Loss("members", "body")]),
        ({"cache_control": CACHED["cache_control"]}, [Loss("cache_control", "body")]),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, [Loss("hosted_tools", "tools[0]")]),
        ({"tools": [{"name": "f", "input_schema": {}, **CACHED}]}, [Loss("cache_control", "tools[0]")]),
        ({"system": [{"type": "text", "text": "x", **CACHED}]}, [Loss("cache_control", "system[0]")]),
        ({"tools": [{"name": "f", "input_schema": {}, "defer_loading": True}]}, [Loss("members", "tools[0].defer_loading")]),
    ],
)
def test_what_no_other_dialect_says_is_told(members, losses):
    assert losses == list(asked(**members)[1])


@pytest.mark.parametrize(
    ("block", "what"),
    [
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "images"),
        ({"type": "document", "source": {"type": "file", "file_id": "f"}}, "files"),
        ({"type": "document", "citations": {"enabled": True}, "source": {"type": "url", "url": "u"}}, "citations"),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "hosted_tools"),
        ({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, "hosted_tools"),
        ({"type": "of_next_year"}, "members"),
        ({"type": "text", "text": "x", "of_next_year": 1}, "members"),
        ({"type": "text", "text": "x", **CACHED}, "cache_control"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "thinking", "thinking": "x"}]}, "members"),
    ],
)
def test_blocks_that_no_other_dialect_has_are_told(block, what):
    assert {what} == {loss.what for loss in parts(block)[1]}


@pytest.mark.parametrize(
    "members",
    [
        {"messages": [1]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": "x"}]}]},
        {"tools": {}},
        {"tool_choice": {"type": "perhaps"}},
        {"output_config": {"format": {"type": "xml"}}},
        {"stop_sequences": "END"},
        {"stop_sequences": [1]},
        {"system": 5},
        {"thinking": []},
    ],
)
def test_what_has_not_the_form_of_the_api_is_refused(members):
    with pytest.raises(WireError):
        asked(**members)
