"""Ollama, vLLM, SGLang and llama.cpp behind the real gateway: what each writes beside OpenAI's API harms no client."""

import openai
import orjson
import pytest

from e2e.world import PASSING_ALL, World, anthropic_client, lines, openai_client
from support import behaviours as b
from support.server_answers import ARGUMENTS, SERVERS, TEXT, THOUGHT
from support.waiting import until

MODELS = "model_map: {models: {local: [{provider: local, model: qwen3}]}}\ncount_tokens: {}\ntoken_budget: {limit: 100000}"
PROVIDER = """
local:
  host: llm.models.svc.cluster.local
  port: 8000
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: api.openai.com}}
  translation: {{apis: [openai]}}
"""
MESSAGES = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
every = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("servers"), *providers)
    more = PROVIDER.format(port=providers[0].port, ca=world.folder / "upstream-ca.pem")
    with world.inside(world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", MODELS), providers=more)) as gateway:
        yield gateway


@pytest.fixture(name="local")
def _local(providers):
    return providers[0]


def counted(gateway, count):
    assert until(lambda: len(lines(gateway.world)) >= count)
    return lines(gateway.world)[-1]


@every
def test_a_whole_answer_keeps_what_only_this_server_says(gateway, local, server):
    local.script(b.answer_json(server.whole))
    answer = openai_client(gateway).chat.completions.create(model="local", messages=MESSAGES)

    assert TEXT == answer.choices[0].message.content
    assert server.own == {name: answer.to_dict()[name] for name in server.own}
    assert not server.thinks or THOUGHT == answer.choices[0].message.model_extra[server.thinks]


@every
def test_a_stream_is_whole_for_the_openai_sdk(gateway, local, server):
    before = len(lines(gateway.world))
    local.script(b.sse(server.stream()))
    with openai_client(gateway).chat.completions.create(model="local", messages=MESSAGES, stream=True) as events:
        chunks = [chunk.choices[0].delta for chunk in events if chunk.choices]

    assert TEXT == "".join(chunk.content or "" for chunk in chunks)
    assert not server.thinks or THOUGHT == "".join((chunk.model_extra or {}).get(server.thinks) or "" for chunk in chunks)
    line = counted(gateway, before + 1)
    assert server.counted is not line["outgate.usage.estimated"]
    assert not server.counted or (9, 5) == (line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"])


@every
def test_a_streamed_call_is_whole_for_the_openai_sdk(gateway, local, server):
    local.script(b.sse(server.stream(calling=True)))
    with openai_client(gateway).chat.completions.stream(model="local", messages=MESSAGES, tools=TOOLS) as events:
        answer = events.get_final_completion()

    [call] = answer.choices[0].message.tool_calls
    assert ("weather", ARGUMENTS) == (call.function.name, call.function.arguments)


@every
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_anthropic_client_gets_words_and_thoughts(gateway, local, server, stream):
    local.script(b.sse(server.stream()) if stream else b.answer_json(server.whole))
    asked = {"model": "local", "max_tokens": 50, "messages": MESSAGES}
    if stream:
        with anthropic_client(gateway).messages.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = anthropic_client(gateway).messages.create(**asked)

    assert [TEXT] == [block.text for block in answer.content if block.type == "text"]
    assert [THOUGHT] * bool(server.thinks) == [block.thinking for block in answer.content if block.type == "thinking"]
    assert "end_turn" == answer.stop_reason


@every
def test_an_anthropic_client_gets_a_streamed_call(gateway, local, server):
    local.script(b.sse(server.stream(calling=True)))
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    with anthropic_client(gateway).messages.stream(model="local", max_tokens=50, messages=MESSAGES, tools=tools) as events:
        answer = events.get_final_message()

    [call] = [block for block in answer.content if block.type == "tool_use"]
    assert ("weather", orjson.loads(ARGUMENTS), "tool_use") == (call.name, call.input, answer.stop_reason)


@every
def test_an_error_says_what_the_server_said(gateway, local, server):
    status, body, told = server.error
    local.script(b.answer_json(body, status))
    with pytest.raises(openai.APIStatusError) as raised:
        openai_client(gateway).chat.completions.create(model="local", messages=MESSAGES)

    assert status == raised.value.status_code
    assert told in str(raised.value)


def test_two_calls_under_one_index_are_two_calls(gateway, local):
    """Ollama before 0.6.6 counted none of them."""
    server = SERVERS["ollama"]
    first, end = server.calls
    second = orjson.loads(orjson.dumps(first).replace(b"call_a", b"call_b"))
    local.script(b.sse(server._replace(calls=[first, second, end]).stream(calling=True)))
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    with anthropic_client(gateway).messages.stream(model="local", max_tokens=50, messages=MESSAGES, tools=tools) as events:
        answer = events.get_final_message()

    assert [orjson.loads(ARGUMENTS)] * 2 == [block.input for block in answer.content if block.type == "tool_use"]
