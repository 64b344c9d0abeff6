import orjson
import pytest

from outgate.dialects.registry import operation_for
from outgate.errors import WireError
from outgate.inference.prompt import Channel
from support.wire_bodies import ANTHROPIC, MESSAGES

USER = [{"role": "user", "content": "hi"}]


def decode(**extra):
    return ANTHROPIC.decode(MESSAGES, orjson.dumps({"model": "claude", "messages": USER, **extra}))


def test_params_are_read():
    params = decode(stream=True, max_tokens=7, temperature=0.5).params

    assert (True, 7, 1, 0.5) == (params.stream, params.max_tokens, params.n, params.temperature)


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": 1},
        {"max_tokens": "5"},
        {"max_tokens": -1},
        {"temperature": []},
        {"model": 1},
        {"messages": {}},
        {"messages": [1]},
    ],
)
def test_parameters_of_a_wrong_type_are_refused(extra):
    with pytest.raises(WireError):
        decode(**extra)


@pytest.mark.parametrize(
    "extra",
    [
        {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
        {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
        {"tools": [{"type": "mcp_toolset", "mcp_server_name": "x"}]},
        {"mcp_servers": [{"type": "url", "url": "https://evil.example", "authorization_token": "k"}]},
    ],
)
def test_what_the_provider_runs_announces_itself(extra):
    assert {"hosted_tool"} == decode(**extra).prompt.unjudged


def test_tools_that_the_caller_runs_are_text():
    tools = [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}, {"type": "bash_20250124", "name": "bash"}]

    assert not decode(tools=tools).prompt.unjudged


@pytest.mark.parametrize(("extra", "expected"), [({}, 50), ({"max_tokens": 5}, 5)])
def test_model_and_maximum_of_the_gateway(extra, expected):
    request = decode(**extra)
    sent = orjson.loads(ANTHROPIC.encode(MESSAGES, request.prompt, "routed", request.params, 50))

    assert ("routed", expected) == (sent["model"], sent["max_tokens"])


def test_tokens_are_counted_of_a_judged_message_without_maximum():
    operation = operation_for("POST", "/v1/messages/count_tokens")
    request = ANTHROPIC.decode(operation, orjson.dumps({"model": "claude", "messages": USER}))

    assert (frozenset(), None) == (request.prompt.unjudged, request.params.max_tokens)
    assert ["hi"] == [leaf.text for leaf in request.prompt.leaves]
    assert {"model", "messages"} == set(orjson.loads(ANTHROPIC.encode(operation, request.prompt, "m", request.params, 99)))


@pytest.mark.parametrize("role", ["user", "system", "tool"])
def test_what_claims_to_be_ciphertext_outside_of_an_assistants_turn_is_judged(role):
    text = "4111111111111111" * 5
    thoughts = [{"type": "thinking", "thinking": "", "signature": text}, {"type": "redacted_thinking", "data": text}]
    said = [{"type": "tool_result", "tool_use_id": "t", "content": thoughts}] if role == "tool" else thoughts
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi" if role == "system" else said}]}
    if role == "system":
        body["system"] = said

    read = ANTHROPIC.decode(MESSAGES, orjson.dumps(body)).prompt.leaves
    channel = {"tool": Channel.TOOL_RESULT, "system": Channel.SYSTEM}.get(role, Channel.USER)
    assert [channel] * 2 == [leaf.channel for leaf in read if leaf.text == text]
