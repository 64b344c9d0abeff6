"""Official SDKs at an independent mock of every provider's API, through the real gateway: each client at each provider, in words,
thoughts, parallel calls and errors, streamed and not.
"""

import itertools
from typing import NamedTuple

import anthropic
import openai
import orjson
import pytest
from google import genai
from google.genai import errors, types

from e2e.world import PASSING_ALL, World, anthropic_client, http, openai_client
from support.independent_mock import IndependentMock, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it is installed")
WORDS = 'Hello from elsewhere: füße, "quotes" and\nlines.'
THOUGHT = "Three and four."
AT = [{"at": "Rome"}, {"at": "Oslo"}]
CALLS = [{"name": "weather", "arguments": orjson.dumps(at).decode()} for at in AT]
USAGE = (9, 5)
_USAGE = {"usage": {"prompt_tokens": 9, "completion_tokens": 5}}
SCRIPT = {
    "think": {"content": WORDS, "reasoning": THOUGHT, **_USAGE},
    "both": {"content": WORDS, "toolCalls": CALLS, **_USAGE},
    "call": {"toolCalls": CALLS[:1], **_USAGE},
    "busy": {"error": {"message": "too warm", "type": "rate_limit_error", "code": "rate_limit_exceeded"}, "status": 429},
    "long": {"content": WORDS, "finishReason": "length"},
}
PROVIDERS = {
    "openai": ("openai", "qwen3", "translation: {apis: [openai]}"),
    "responses": ("openai", "gpt-5", "translation: {apis: [responses]}"),
    "anthropic": ("anthropic", "claude-sonnet-4-5", ""),
    "gemini": ("gemini", "gemini-2.5-flash", ""),
    "bedrock": ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", ""),
    "azure": ("openai", "our-gpt-4o", "azure_api_version: '2024-10-21'"),
    "vertex": ("gemini", "gemini-2.5-flash", "vertex: {project: example-project, location: us-central1}"),
}
"""By name: the dialect, the model that is asked, and further settings."""
PROVIDER = """
mock-{name}:
  host: {name}.test
  port: {port}
  tls: {{enabled: false}}
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  credential: {{env: E2E_OPENAI_KEY}}
  dialect: {dialect}
  {more}
"""
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
TOOL = {"name": "weather", "description": "d"}
DECLARED = types.FunctionDeclaration(**TOOL, parameters_json_schema=SCHEMA)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("independent")
    world = World(folder, *providers)
    with IndependentMock(folder, SCRIPT) as mock:
        more = "".join(
            PROVIDER.format(name=name, port=mock.port, dialect=dialect, more=more) for name, (dialect, _, more) in PROVIDERS.items()
        )
        targets = "\n".join(
            f'    {name}: [{{provider: mock-{name}, model: "{model}"}}]' for name, (_, model, _) in PROVIDERS.items()
        )
        stages = PASSING_ALL.replace("model_map: {passthrough: true}", f"model_map:\n  models:\n{targets}")
        with world.inside(world.policy(stages, providers=more)) as gateway:
            yield gateway


@pytest.fixture(name="sdk", scope="module")
def _sdk(gateway):
    """The clients, made once: each reads the certificates that it trusts."""
    options = {"httpx_client": http(gateway), "api_version": "v1beta"}
    with genai.Client(api_key="AIza-workload-own", http_options=options) as google:
        yield SDKs(openai_client(gateway), anthropic_client(gateway), google)


def chat(sdk, model, text, *, stream):
    asked = {"model": model, "messages": [{"role": "user", "content": text}]}
    asked["tools"] = [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]
    completions = sdk.openai.chat.completions
    if stream:
        with completions.stream(**asked, stream_options={"include_usage": True}) as events:
            answer = events.get_final_completion()
    else:
        answer = completions.create(**asked)
    [choice] = answer.choices
    said = choice.message
    calls = [(call.function.name, orjson.loads(call.function.arguments)) for call in said.tool_calls or ()]
    thought = (said.model_extra or {}).get("reasoning_content") or ""
    usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return Told(said.content or "", choice.finish_reason, tuple(calls), thought, usage)


def responses(sdk, model, text, *, stream):
    asked = {"model": model, "input": text, "tools": [{"type": "function", **TOOL, "parameters": SCHEMA, "strict": False}]}
    resource = sdk.openai.responses
    if stream:
        with resource.stream(**asked) as events:
            answer = events.get_final_response()
    else:
        answer = resource.create(**asked)
    calls = [(item.name, orjson.loads(item.arguments)) for item in answer.output if item.type == "function_call"]
    thoughts = [part.text for item in answer.output if item.type == "reasoning" for part in item.summary]
    end = answer.incomplete_details.reason if answer.incomplete_details else answer.status
    usage = (answer.usage.input_tokens, answer.usage.output_tokens)
    return Told(answer.output_text, end, tuple(calls), "".join(thoughts), usage)


def messages(sdk, model, text, *, stream):
    asked = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": text}]}
    asked["tools"] = [{**TOOL, "input_schema": SCHEMA}]
    resource = sdk.anthropic.messages
    if stream:
        with resource.stream(**asked) as events:
            answer = events.get_final_message()
    else:
        answer = resource.create(**asked)
    said = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    thought = "".join(block.thinking for block in answer.content if block.type == "thinking")
    return Told(said, answer.stop_reason, tuple(calls), thought, (answer.usage.input_tokens, answer.usage.output_tokens))


def google(sdk, model, text, *, stream):
    asked = {"model": model, "contents": text, "config": {"tools": [types.Tool(function_declarations=[DECLARED])]}}
    models = sdk.google.models
    answers = list(models.generate_content_stream(**asked)) if stream else [models.generate_content(**asked)]
    parts = [part for answer in answers for each in answer.candidates for part in (each.content and each.content.parts) or ()]
    said = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    thought = "".join(part.text for part in parts if part.text and part.thought)
    usage = answers[-1].usage_metadata
    end = answers[-1].candidates[0].finish_reason.name
    return Told(said, end, tuple(calls), thought, (usage.prompt_token_count, usage.candidates_token_count))


class Told(NamedTuple):
    """What a client makes of an answer; `usage` are tokens in and out."""

    said: str
    end: str
    calls: tuple[tuple[str, dict[str, str]], ...]
    thought: str
    usage: tuple[int, int]


class SDKs(NamedTuple):
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    google: genai.Client


CLIENTS = {"openai": chat, "responses": responses, "anthropic": messages, "gemini": google}
BUSY = {
    "openai": openai.RateLimitError,
    "responses": openai.RateLimitError,
    "anthropic": anthropic.RateLimitError,
    "gemini": errors.ClientError,
}
ENDS = {
    "openai": ("stop", "tool_calls", "length"),
    "responses": ("completed", "completed", "max_output_tokens"),
    "anthropic": ("end_turn", "tool_use", "max_tokens"),
    "gemini": ("STOP", "STOP", "MAX_TOKENS"),
}
"""By client: how an answer ends that is whole, that calls, and that was cut."""
PAIRS = [pytest.param(*pair, id="-to-".join(pair)) for pair in itertools.product(CLIENTS, PROVIDERS)]
every_pair = pytest.mark.parametrize(("client", "provider"), PAIRS)
either_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def ending(client, provider):
    """How an answer that calls ends. In its own dialect it goes on as it came, and the mock has a word that Google has not."""
    return "FUNCTION_CALL" if client == "gemini" and provider in ("gemini", "vertex") else ENDS[client][1]


@every_pair
@either_way
def test_words_and_parallel_calls_come_whole(sdk, client, provider, stream):
    told = CLIENTS[client](sdk, provider, "both", stream=stream)

    calls = tuple(("weather", at) for at in AT)
    assert Told(WORDS, ending(client, provider), calls, "", USAGE) == told


@every_pair
@either_way
def test_a_call_alone_comes_whole(sdk, client, provider, stream):
    told = CLIENTS[client](sdk, provider, "call", stream=stream)

    assert Told("", ending(client, provider), (("weather", AT[0]),), "", USAGE) == told


@every_pair
@either_way
def test_thoughts_come_apart_from_words(sdk, client, provider, stream):
    told = CLIENTS[client](sdk, provider, "think", stream=stream)

    assert Told(WORDS, ENDS[client][0], (), THOUGHT, USAGE) == told


@every_pair
@either_way
def test_an_answer_that_was_cut_says_so(sdk, client, provider, stream):
    if stream and client in ("openai", "responses"):
        pytest.skip("the SDK raises where a stream that it puts together was cut")
    told = CLIENTS[client](sdk, provider, "long", stream=stream)

    end = "incomplete" if client == "responses" and provider in ("responses", "azure") else ENDS[client][2]  # as it came
    assert (WORDS, end) == (told.said, told.end)


@every_pair
@either_way
def test_an_error_is_raised_as_the_clients_own(sdk, client, provider, stream):
    with pytest.raises(BUSY[client], match="too warm"):
        CLIENTS[client](sdk, provider, "busy", stream=stream)
