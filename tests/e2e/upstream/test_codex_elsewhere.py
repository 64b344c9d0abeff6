"""Codex at a provider of messages, through the real gateway: two turns, with a patch tool and a signed thought."""

import openai
import orjson
import pytest

from e2e.world import PASSING_ALL, World, openai_client
from support import behaviours as b
from support.anthropic_answers import (
    STOP,
    block_delta,
    block_start,
    block_stop,
    input_delta,
    message_delta,
    message_start,
    message_stream,
)

SIGNATURE = "Erc" + "A" * 60
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches.", "format": {"type": "text"}}
ASKED = {"model": "claude-sonnet-4-5", "tools": [PATCH], "reasoning": {"effort": "low"}, "store": False}
CALLED = message_stream(
    message_start(),
    block_start(0, type="thinking", thinking="", signature=""),
    block_delta(0, type="thinking_delta", thinking="Look first."),
    block_delta(0, type="signature_delta", signature=SIGNATURE),
    block_stop(0),
    block_start(1, type="tool_use", id="toolu_1", name="apply_patch", input={}),
    input_delta('{"input": "*** Begin', 1),
    input_delta(' Patch"}', 1),
    block_stop(1),
    message_delta("tool_use"),
    STOP,
)
MAP = "model_map: {models: {claude-sonnet-4-5: [{provider: anthropic, model: claude-sonnet-4-5}]}}"


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("codex"), *providers)
    with world.inside(world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", MAP))) as gateway:
        yield gateway


def turn(gateway, *items) -> openai.types.responses.Response:
    given = [{"role": "user", "content": "mend it"}, *items]
    with openai_client(gateway).responses.stream(input=given, **ASKED) as stream:
        return stream.get_final_response()


def test_codex_patches_a_file_and_goes_on(gateway, providers):
    providers[1].script(b.sse([CALLED]))
    thought, call = turn(gateway).output
    kept = {"type": "reasoning", "id": thought.id, "summary": [{"type": "summary_text", "text": thought.summary[0].text}]}
    sealed = {**kept, "encrypted_content": thought.encrypted_content}
    patched = {"type": "custom_tool_call", "call_id": call.call_id, "name": call.name, "input": call.input}
    output = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "done"}
    answer = turn(gateway, sealed, patched, output)

    assert ("custom_tool_call", "apply_patch", "*** Begin Patch") == (call.type, call.name, call.input)
    assert answer.output_text
    again = orjson.loads(providers[1].seen[-1].body)["messages"]
    assert [("thinking", SIGNATURE), ("tool_use", None)] == [(each["type"], each.get("signature")) for each in again[1]["content"]]
    assert "toolu_1" == again[2]["content"][0]["tool_use_id"]
