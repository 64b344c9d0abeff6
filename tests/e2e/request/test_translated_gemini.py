"""Unmodified SDKs through the gateway: Google's at its own API and at other providers, and the others at a provider of Gemini."""

import base64

import orjson
import pytest
from google.genai import errors, types

from e2e.world import GEMINI_KEY, STAGES, World, anthropic_client, google_client, lines, openai_client
from support import anthropic_answers as messages
from support import behaviours as b
from support import gemini_answers as g
from support import openai_answers as chat
from support.tool_calls import answering

TARGETS = """
  models:
    own: [{provider: gemini, model: gemini-2.5-flash}]
    newer: [{provider: gemini, model: gemini-3-flash}]
    chat: [{provider: openai, model: gpt-4o}]
    claude: [{provider: anthropic, model: claude-sonnet-4-5}]
"""
POLICY = STAGES.replace("model_map: {passthrough: true}", "model_map:" + TARGETS.rstrip()) + "prompt_guard: {}\n"
SCHEMA = {"type": "object", "properties": {"device": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "reset", "description": "d", "parameters": SCHEMA}}
DECLARED = types.FunctionDeclaration(name="reset", description="d", parameters_json_schema=SCHEMA)
CONFIG = types.GenerateContentConfig(
    system_instruction="Be kind.", tools=[types.Tool(function_declarations=[DECLARED])], temperature=0.5, max_output_tokens=9_999
)
SIGNATURE = base64.b64encode(b"a signature of the model " * 3).decode()
CALLED = {**g.call("reset", {"device": "router"}), "thoughtSignature": SIGNATURE}
CALLING = [
    g.chunk({"text": "Let me ", "thought": True}),
    g.chunk({"text": "think.", "thought": True}),
    g.chunk({"text": "I reset it."}),
    g.chunk(CALLED),
    g.last((31, 7)),
]


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("google"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


@pytest.fixture(name="google")
def _google(gateway):
    with google_client(gateway) as client:
        yield client


def body_of(provider, at=-1):
    return orjson.loads(provider.seen[at].body)


def calls_in(chunks):
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    return [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]


def test_its_own_api_is_answered_whole_and_streamed(google, providers):
    whole = google.models.generate_content(model="own", contents="Hi", config=CONFIG)
    pieces = list(google.models.generate_content_stream(model="own", contents="Hi", config=CONFIG))

    assert whole.text == "".join(piece.text or "" for piece in pieces)
    assert ("STOP", 5) == (whole.candidates[0].finish_reason, whole.usage_metadata.candidates_token_count)
    path = "/v1/models/gemini-2.5-flash"
    assert [f"{path}:generateContent", f"{path}:streamGenerateContent?alt=sse"] == [seen.target for seen in providers[2].seen]
    assert {GEMINI_KEY} == {seen.header("x-goog-api-key") for seen in providers[2].seen}


def test_its_own_api_calls_a_function(google, providers):
    """The SDK runs a function of the caller's by itself, and sends what it returned."""
    providers[2].script(b.answer_json(g.content(g.call("reset", {"device": "router"}))), b.answer_json(g.said("done")))
    ran = []

    def reset(device: str) -> str:
        """Reset a device."""
        ran.append(device)
        return "ok"

    answer = google.models.generate_content(model="own", contents="Hi", config={"tools": [reset]})

    assert (["router"], "done") == (ran, answer.text)
    assert {"name": "reset", "response": {"result": "ok"}} == body_of(providers[2])["contents"][-1]["parts"][0]["functionResponse"]


@pytest.mark.parametrize("model", ["own", "chat", "claude"])
def test_an_error_is_raised_as_googles(google, providers, model):
    error = {"error": {"code": 429, "message": "too warm", "status": "RESOURCE_EXHAUSTED"}}
    providers[2].script(b.answer_json(error, 429))
    providers[0].script(b.answer_json(chat.openai_error("rate_limit_error", "too warm"), 429))
    providers[1].script(b.answer_json(messages.anthropic_error("rate_limit_error", "too warm"), 429))

    with pytest.raises(errors.ClientError, match="too warm") as raised:
        google.models.generate_content(model=model, contents="Hi")
    assert (429, "RESOURCE_EXHAUSTED") == (raised.value.code, raised.value.status)


def test_a_refusal_of_the_gateway_is_raised_as_googles(google, providers):
    with pytest.raises(errors.ClientError, match=r"translation\.drop") as raised:
        google.models.generate_content(model="chat", contents="Hi", config={"top_k": 3})

    assert (400, "INVALID_ARGUMENT", []) == (raised.value.code, raised.value.status, providers[0].seen)


def test_a_chat_server_answers(gateway, google, providers):
    providers[0].script(b.answer_json(chat.chat_completion("No.", tokens=(31, 7))))
    answer = google.models.generate_content(model="chat", contents="Hi", config=CONFIG)

    assert ("No.", "STOP", 31, 7) == (
        answer.text, answer.candidates[0].finish_reason,
        answer.usage_metadata.prompt_token_count, answer.usage_metadata.candidates_token_count,
    )  # fmt: skip
    body = body_of(providers[0])
    assert ["Be kind.", "Hi"] == [message["content"] for message in body["messages"]]
    assert ([FUNCTION], 0.5, "gpt-4o") == (body["tools"], body["temperature"], body["model"])
    assert "x-goog-api-client" not in dict(providers[0].seen[0].fields)
    line = lines(gateway.world)[-1]
    assert ("answered", 31, 7) == (line["outcome"], line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"])


@pytest.mark.parametrize(("model", "at", "asked"), [("chat", 0, {}), ("claude", 1, {"max_tokens": 1})])
def test_another_server_s_streamed_call(google, providers, model, at, asked):
    providers[at].script(b.sse([answering({**asked, "stream": True})]))
    chunks = list(google.models.generate_content_stream(model=model, contents="Hi", config=CONFIG))

    assert [("reset", {"device": "router"})] == calls_in(chunks)
    assert "STOP" == chunks[-1].candidates[0].finish_reason


@pytest.mark.parametrize(("model", "at", "asked"), [("chat", 0, {}), ("claude", 1, {"max_tokens": 1})])
def test_a_function_that_the_sdk_runs_is_called_by_another_server(google, providers, model, at, asked):
    providers[at].script(b.answer_json(answering(asked)), b.answer_json(answering(asked, name="other")))
    ran = []

    def reset(device: str) -> str:
        """Reset a device."""
        ran.append(device)
        return "ok"

    answer = google.models.generate_content(
        model=model, contents="Hi", config={"tools": [reset], "automatic_function_calling": {"maximum_remote_calls": 2}}
    )

    assert (["router"], "other") == (ran, answer.function_calls[0].name)
    assert '{\\"result\\":\\"ok\\"}' in providers[at].seen[-1].body.decode()


def test_a_signed_thought_of_another_server_comes_back_to_it(google, providers):
    thinking = {"type": "thinking", "thinking": "hm", "signature": SIGNATURE}
    call = {"type": "tool_use", "id": "toolu_1", "name": "reset", "input": {"device": "router"}}
    providers[1].script(b.answer_json({**messages.message(), "content": [thinking, call], "stop_reason": "tool_use"}))
    talk = google.chats.create(model="claude", config={"tools": CONFIG.tools, "thinking_config": {"thinking_budget": 1024}})
    talk.send_message("Hi")
    talk.send_message(types.Part.from_function_response(name="reset", response={"output": "ok"}))

    _, said, result = body_of(providers[1])["messages"]
    assert [thinking, call] == said["content"]
    assert ("toolu_1", "ok") == (result["content"][0]["tool_use_id"], result["content"][0]["content"][0]["text"])


def test_a_broken_stream_of_another_server_is_not_whole(google, providers):
    providers[0].script(b.truncated(chat.chat_events(["he", "llo"], "m", (3, 4))[:2]))

    with pytest.raises(errors.APIError):
        list(google.models.generate_content_stream(model="chat", contents="Hi"))


@pytest.mark.parametrize("stream", [False, True])
def test_the_openai_sdk_at_gemini(gateway, providers, stream):
    parts = {"text": "I reset it."}, CALLED
    providers[2].script(b.sse([g.stream(each) for each in CALLING]) if stream else b.answer_json(g.content(*parts, tokens=(31, 7))))
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Reset it"}]
    asked = {"model": "own", "messages": turns, "tools": [FUNCTION]}
    with openai_client(gateway) as client:
        if stream:
            with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
                completion = events.get_final_completion()
        else:
            completion = client.chat.completions.create(**asked)

    [choice] = completion.choices
    [call] = choice.message.tool_calls
    assert ("I reset it.", "tool_calls", 38) == (choice.message.content, choice.finish_reason, completion.usage.total_tokens)
    assert ("reset", {"device": "router"}) == (call.function.name, orjson.loads(call.function.arguments))
    body = body_of(providers[2])
    assert {"parts": [{"text": "Be kind."}]} == body["systemInstruction"]
    assert SCHEMA == body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_anthropic_sdk_at_gemini(gateway, providers, stream):
    parts = {"text": "Let me think.", "thought": True}, {"text": "I reset it."}, CALLED
    providers[2].script(b.sse([g.stream(each) for each in CALLING]) if stream else b.answer_json(g.content(*parts, tokens=(31, 7))))
    tool = {"name": "reset", "description": "d", "input_schema": SCHEMA}
    asked = {"model": "own", "max_tokens": 99, "tools": [tool], "messages": [{"role": "user", "content": "Reset it"}]}
    with anthropic_client(gateway) as client:
        if stream:
            with client.messages.stream(**asked) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**asked)

    thought, text, call = message.content
    assert ("Let me think.", "I reset it.", "reset", {"device": "router"}) == (thought.thinking, text.text, call.name, call.input)
    assert ("tool_use", 31, 7) == (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens)
    assert 99 == body_of(providers[2])["generationConfig"]["maxOutputTokens"]


def test_the_responses_sdk_brings_the_signature_back(gateway, providers):
    providers[2].script(b.sse([g.stream(each) for each in CALLING]), b.answer_json(g.said("done")))
    tool = {"type": "function", "name": "reset", "parameters": SCHEMA, "strict": False}
    asked = {"model": "newer", "tools": [tool], "include": ["reasoning.encrypted_content"]}
    with openai_client(gateway) as client:
        with client.responses.stream(input="Reset it", **asked) as events:
            response = events.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        items = [{key: value for key, value in item.to_dict().items() if key != "status"} for item in response.output]
        result = {"type": "function_call_output", "call_id": calls[0].call_id, "output": "ok"}
        client.responses.create(input=[{"role": "user", "content": "Reset it"}, *items, result], **asked)

    _, said, returned = body_of(providers[2])["contents"]
    assert [SIGNATURE] == [part["thoughtSignature"] for part in said["parts"] if "thoughtSignature" in part]
    assert {"output": "ok"} == returned["parts"][0]["functionResponse"]["response"]
