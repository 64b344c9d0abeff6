"""Names of tools that no API admits, or that cannot be told from their server: calls of them have a fault, and pass nowhere."""

import orjson
import pytest

from outgate.inference.calls import Call
from support import anthropic_answers as a
from support import responses_answers as r
from support.told_calls import CHATS, WORDS, Decider, answered, streamed, whole

OFF_CHARSET = ["functions.wipe", " wipe", "wipe\n", "wi\u200bpe", "w\u0456pe", "ns/wipe", "default_api:wipe", "wipe()", "w" * 129]


@pytest.mark.parametrize("tool", OFF_CHARSET)
@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_name_that_no_api_admits_has_a_fault(name, tool, stream):
    decide, call = Decider(), Call(tool, "{}")
    raw = streamed(name, call) if stream else orjson.dumps(whole(name, call))
    passed = answered(name, raw, decide, stream=stream)

    assert {"name"} == {each.fault for each in decide.shown}
    assert WORDS.encode() in passed


PLACES = [
    ("responses", {"type": "mcp_call", "server_label": "a/b", "name": "push", "arguments": "{}"}, "name"),
    ("responses", {"type": "mcp_call", "server_label": "", "name": "push", "arguments": "{}"}, "name"),
    ("responses", {"type": "mcp_call", "server_label": "hub", "name": "a/push", "arguments": "{}"}, "name"),
    ("responses", {"type": "mcp_call", "server_label": "My hub", "name": "push.all", "arguments": "{}"}, ""),
    ("anthropic", {"type": "mcp_tool_use", "name": "push", "server_name": "h\u200bub", "input": {}}, "name"),
    ("anthropic", {"type": "mcp_tool_use", "name": "push", "input": {}}, "name"),
    ("anthropic", {"type": "mcp_tool_use", "name": "push", "server_name": 7, "input": {}}, "name"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "told", "fault"), PLACES)
def test_a_server_that_cannot_be_told_from_its_tool_is_a_fault(name, told, fault):
    decide, told = Decider(), {"id": "s", **told}
    if name == "responses":
        answered(name, b"".join(r.response_events([told])), decide)
    else:
        blocks = [a.block_start(0, **told), a.block_stop(0)]
        answered(name, a.message_stream(a.message_start(), *blocks, a.message_delta(), a.STOP), decide)

    assert {fault} == {call.fault for call in decide.shown}


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_a_tool_of_a_namespace_is_told_with_it(kind):
    item = {
        "id": "f",
        "type": kind,
        "call_id": "c",
        "namespace": "crm",
        "name": "wipe",
        "arguments": "{}",
        "input": "x",
        "status": "completed",
    }
    decide = Decider()
    answered("responses", b"".join(r.response_events([item])), decide)

    assert {("crm/wipe", "")} == {(call.name, call.fault) for call in decide.shown}
