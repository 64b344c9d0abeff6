"""Unmodified SDKs through the gateway: Anthropic's asks a provider of OpenAI's API, and OpenAI's one of Anthropic's."""

import anthropic
import openai
import orjson
import pytest

from e2e.world import STAGES, World, anthropic_client, lines, openai_client
from support import anthropic_answers as messages
from support import behaviours as b
from support import openai_answers as chat

TARGETS = """
  models:
    there: [{provider: openai, model: gpt-4o}]
    here: [{provider: anthropic, model: claude-sonnet-4-5}]
    both: [{provider: openai, model: gpt-4o}, {provider: anthropic, model: claude-sonnet-4-5}]
"""
POLICY = STAGES.replace("model_map: {passthrough: true}", "model_map:" + TARGETS.rstrip()) + "prompt_guard: {}\n"
TOOL = {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
FUNCTION = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": TOOL["input_schema"]}}
CALLED = [
    chat.chunk({"role": "assistant", "content": "Let me see."}),
    chat.call_chunk(id="call_1", name="weather"),
    chat.call_chunk('{"at":'),
    chat.call_chunk('"Rome"}'),
    chat.chunk({}, "tool_calls"),
    chat.usage_chunk(chat.openai_usage((31, 7))),
]
CALLING = [
    messages.message_start(input_tokens=31, output_tokens=1),
    messages.block_start(0, type="text", text=""),
    messages.text_delta("Let me see."),
    messages.block_stop(0),
    messages.block_start(1, type="tool_use", id="toolu_1", name="weather", input={}),
    messages.input_delta('{"at":', 1),
    messages.input_delta('"Rome"}', 1),
    messages.block_stop(1),
    messages.message_delta("tool_use", output_tokens=7),
    messages.STOP,
]
TURNS = [
    {"role": "user", "content": "Rain in Rome?"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"at": "Rome"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "dry"}, {"type": "text", "text": "So?"}]},
]
ASKED = {"model": "there", "max_tokens": 99, "system": "Be kind.", "tools": [TOOL]}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("translated"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


@pytest.fixture(name="ours")
def _ours(gateway):
    with anthropic_client(gateway) as client:
        yield client.messages


@pytest.fixture(name="theirs")
def _theirs(gateway):
    with openai_client(gateway) as client:
        yield client.chat.completions


def sent(provider):
    """The only request that the provider got: its body, and its header fields."""
    (seen,) = provider.seen
    return orjson.loads(seen.body), seen


def test_a_message_is_answered_by_another_api(gateway, ours, providers):
    providers[0].script(b.answer_json(chat.chat_completion("No.", tokens=(31, 7))))
    message = ours.create(messages=TURNS, **ASKED)

    assert ("No.", "end_turn", 31, 7) == (
        message.content[0].text, message.stop_reason, message.usage.input_tokens, message.usage.output_tokens,
    )  # fmt: skip
    body, seen = sent(providers[0])
    assert ("/v1/chat/completions", None, "gpt-4o") == (seen.target, seen.header("anthropic-version"), body["model"])
    assert ["system", "user", "assistant", "tool", "user"] == [turn["role"] for turn in body["messages"]]
    assert ("t1", "dry") == (body["messages"][3]["tool_call_id"], body["messages"][3]["content"])
    assert "weather" == body["tools"][0]["function"]["name"]
    line = lines(gateway.world)[-1]
    assert ("answered", 31, 7) == (line["outcome"], line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"])


def test_a_streamed_message_with_a_call_comes_from_another_api(ours, providers):
    providers[0].script(b.sse([chat.chat_stream(each, done=False) for each in CALLED] + [chat.DONE]))
    with ours.stream(messages=TURNS[:1], **ASKED) as stream:
        message = stream.get_final_message()

    text, call = message.content
    assert ("Let me see.", "call_1", "weather", {"at": "Rome"}) == (text.text, call.id, call.name, call.input)
    assert ("tool_use", 31, 7) == (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens)


def ask(theirs, **more):
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Rain in Rome?"}]
    return theirs.create(**{"model": "here", "messages": turns, "tools": [FUNCTION], **more})


def test_a_completion_is_answered_by_messages(theirs, providers):
    providers[1].script(b.answer_json(messages.message("No.", tokens=(31, 7))))
    completion = ask(theirs)

    assert ("No.", "stop", 38) == (
        completion.choices[0].message.content, completion.choices[0].finish_reason, completion.usage.total_tokens,
    )  # fmt: skip
    body, seen = sent(providers[1])
    assert ("/v1/messages", "2023-06-01", None) == (seen.target, seen.header("anthropic-version"), seen.header("authorization"))
    assert ([{"type": "text", "text": "Be kind."}], [TOOL]) == (body["system"], body["tools"])
    assert body["max_tokens"] > 0


def test_a_streamed_completion_with_a_call_comes_from_messages(theirs, providers):
    providers[1].script(b.sse([messages.message_stream(each) for each in CALLING]))
    chunks = list(ask(theirs, stream=True))

    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert "Let me see." == "".join(delta.content or "" for delta in deltas)
    assert ("toolu_1", "weather", '{"at":"Rome"}') == (
        calls[0].id, calls[0].function.name, "".join(call.function.arguments or "" for call in calls),
    )  # fmt: skip
    assert "tool_calls" == [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1]


def test_an_error_is_raised_as_that_of_the_own_api(ours, theirs, providers):
    providers[0].script(b.refuse(400, value=chat.openai_error("bad", "too warm")))
    providers[1].script(b.refuse(400, value=messages.anthropic_error("invalid_request_error", "too warm")))

    with pytest.raises(anthropic.BadRequestError, match="too warm"):
        ours.create(messages=TURNS, **ASKED)
    with pytest.raises(openai.BadRequestError, match="too warm"):
        ask(theirs)


def test_a_call_that_breaks_off_is_no_answer(ours, providers):
    providers[0].script(b.sse([chat.chat_stream(each, done=False) for each in CALLED[:3]]))

    with pytest.raises(anthropic.APIError), ours.stream(messages=TURNS[:1], **ASKED) as stream:
        stream.get_final_message()


@pytest.mark.parametrize("stream", [False, True])
def test_where_one_api_fails_the_other_answers(ours, providers, stream):
    providers[0].script(*[b.refuse(500)] * 3)
    answer = ours.create(messages=TURNS[:1], **{**ASKED, "model": "both"}, stream=stream)

    assert {"message_start", "message_stop"} <= {event.type for event in answer} if stream else answer.content[0].text
    assert 1 == len(providers[1].seen)


def test_what_another_api_cannot_say_is_refused_by_name(ours, providers):
    with pytest.raises(anthropic.BadRequestError, match=r"translation\.drop"):
        ours.create(messages=TURNS[:1], **ASKED, extra_body={"top_k": 3})

    assert [] == providers[0].seen
