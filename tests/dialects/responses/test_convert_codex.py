"""Turns of Codex at providers of other APIs: what it is told comes back with its next turn, as its provider wants it."""

import orjson
import pytest

from outgate.dialects import registry
from outgate.dialects.answer_forms import answer_in
from outgate.dialects.spec import Target
from outgate.dialects.translated import translated
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
from support.recorded_agents import codex
from support.sse import frames
from support.wire_bodies import RESPONSE, RESPONSES

SIGNATURE = "Erc" + "A" * 60
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches.",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}  # fmt: skip
THINKING = (
    block_start(0, type="thinking", thinking="", signature=""),
    block_delta(0, type="thinking_delta", thinking="Look first."),
    block_delta(0, type="signature_delta", signature=SIGNATURE),
    block_stop(0),
)


def sent(body, api="anthropic", model="claude-sonnet-4-5"):
    """The request at the provider, and what it was made from."""
    request = RESPONSES.decode(RESPONSE, orjson.dumps({**body, "reasoning": {"effort": "low", "summary": "auto"}}))
    made = translated(request, Target(model), api)
    return orjson.loads(made.sent.body), made


def told(made, raw, api="anthropic"):
    """The items of the answer, as the gateway passes it on."""
    decoder = registry.dialect("responses").answer(RESPONSE, True, True)
    reader = answer_in(RESPONSE, api, made.asked, decoder, stream=True, status=200)
    written = b"".join(event.encode() for event in [*reader.feed(raw), *reader.end()])
    return [frame["item"] for frame in frames(written) if frame["type"] == "response.output_item.done"]


def calling(name, arguments):
    call = (block_start(1, type="tool_use", id="toolu_1", name=name, input={}), input_delta(arguments, 1), block_stop(1))
    return message_stream(message_start(), *THINKING, *call, message_delta("tool_use"), STOP)


def next_turn(body, items, output="ok"):
    kind = items[-1]["type"]
    return {
        **body,
        "input": [*body["input"], *items, {"type": f"{kind}_output", "call_id": items[-1]["call_id"], "output": output}],
    }


def test_a_signed_thought_goes_back_to_its_provider():
    """Anthropic refuses the turn after a tool call where the thought before it is missing, or its signature."""
    _, made = sent(codex())
    items = told(made, calling("exec_command", '{"cmd": "ls"}'))
    body, again = sent(next_turn(codex(), items))

    assert ["reasoning", "function_call"] == [item["type"] for item in items]
    thought, call = body["messages"][-2]["content"]
    assert ("Look first.", SIGNATURE) == (thought["thinking"], thought["signature"])
    assert ("toolu_1", {"cmd": "ls"}) == (call["id"], call["input"])
    assert "toolu_1" == body["messages"][-1]["content"][0]["tool_use_id"]
    assert not {"reasoning", "thoughts", "signatures"} & {loss.what for loss in again.losses}


@pytest.mark.parametrize(("name", "told_as"), [("apply_patch", ("apply_patch", None)), ("agents__close", ("close", "agents"))])
def test_a_call_comes_back_as_codex_knows_the_tool(name, told_as):
    body = {**codex(), "tools": [*codex()["tools"], PATCH]}
    _, made = sent(body)
    arguments = '{"input": "*** Begin Patch"}' if name == "apply_patch" else "{}"
    items = told(made, calling(name, arguments))
    again, _ = sent(next_turn(body, items))

    assert told_as == (items[-1]["name"], items[-1].get("namespace"))
    assert items[-1].get("input", "*** Begin Patch") == "*** Begin Patch"
    call = again["messages"][-2]["content"][-1]
    assert (name, orjson.loads(arguments)) == (call["name"], call["input"])


@pytest.mark.parametrize(("api", "model"), [("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-4o"), ("openai", "local")])
def test_codex_loses_nothing_but_what_is_harmless_or_hosted(api, model):
    _, made = sent(codex("call_1", '{"cmd":"ls"}', "ok"), api, model)

    assert {loss.what for loss in made.losses} <= {
        "metadata",
        "cache_control",
        "hosted_tools",
        "thoughts",
        "signatures",
        "reasoning",
    }
