"""Amazon Bedrock behind the real gateway: clients of other APIs are answered by Converse, under a signature of its keys."""

import re

import openai
import orjson
import pytest

from e2e.world import PASSING_ALL, World, anthropic_client, http, lines, openai_client
from support import bedrock_answers as bedrock
from support import behaviours as b
from support.bedrock_answers import MODEL
from support.sse import TEXT
from support.tool_calls import ARGUMENTS
from support.waiting import until

KEYS = "AKIAE2EBEDROCK:bedrock-canary-secret-9a31c0ffee"
MODELS = f"""
model_map:
  models:
    claude: [{{provider: bedrock, model: "{MODEL}"}}]
    keyed: [{{provider: bedrock-key, model: "{MODEL}"}}]
prompt_guard: {{}}
output_phrases: {{phrases: [nightingale]}}
"""
PROVIDER = """
{name}:
  host: bedrock-runtime.eu-west-1.amazonaws.com
  dialect: bedrock
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: api.openai.com}}
  credential: {credential}
"""
PATH = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"
MESSAGES = [{"role": "user", "content": "reset it"}]
TOOLS = [{"type": "function", "function": {"name": "reset", "parameters": {"type": "object"}}}]
OWN_TOOLS = [{"name": "reset", "input_schema": {"type": "object"}}]
THOUGHT = [bedrock.delta(0, reasoningContent={"text": "They ask."}), bedrock.delta(0, reasoningContent={"signature": "c2ln"})]
STREAM = bedrock.events(
    [*THOUGHT, bedrock.stopped(0)],
    bedrock.said(["One ", "moment."], index=1),
    bedrock.called("reset", [ARGUMENTS[:5], ARGUMENTS[5:]], index=2),
    stop="tool_use",
    told=bedrock.usage((9, 5), cacheReadInputTokens=20, cacheWriteInputTokens=3),
)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("bedrock"), *providers)
    (world.folder / "keys").write_text(KEYS)
    own = {"port": providers[0].port, "ca": world.folder / "upstream-ca.pem"}
    signed = f"{{file: {world.folder / 'keys'}, sigv4: {{service: bedrock, region: eu-west-1}}}}"
    more = PROVIDER.format(name="bedrock", credential=signed, **own)
    more += PROVIDER.format(name="bedrock-key", credential="{env: E2E_OPENAI_KEY}", **own)
    with world.inside(world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", MODELS), providers=more)) as gateway:
        yield gateway


@pytest.fixture(name="provider")
def _provider(providers):
    return providers[0]


def closed(gateway, before):
    assert until(lambda: len(lines(gateway.world)) > before)
    return lines(gateway.world)[-1]


def test_a_request_is_signed_and_the_keys_stay(gateway, provider):
    openai_client(gateway).chat.completions.create(model="claude", messages=MESSAGES)

    [seen] = provider.seen
    assert PATH == seen.target
    scope = r"AWS4-HMAC-SHA256 Credential=AKIAE2EBEDROCK/\d{8}/eu-west-1/bedrock/aws4_request, .* Signature=[0-9a-f]{64}"
    assert re.fullmatch(scope, seen.header("authorization"))
    assert seen.header("x-amz-date")
    assert "bedrock-canary-secret" not in str(seen.fields)


def test_a_key_of_bedrocks_own_travels_as_a_bearer(gateway, provider):
    openai_client(gateway).chat.completions.create(model="keyed", messages=MESSAGES)

    assert provider.seen[0].header("authorization").startswith("Bearer sk-canary-openai")


def test_the_openai_sdk_gets_a_streamed_call(gateway, provider):
    before = len(lines(gateway.world))
    provider.script(b.sse(STREAM))
    with openai_client(gateway).chat.completions.stream(model="claude", messages=MESSAGES, tools=TOOLS) as events:
        answer = events.get_final_completion()

    message = answer.choices[0].message
    assert ("One moment.", "reset", ARGUMENTS) == (
        message.content,
        message.tool_calls[0].function.name,
        message.tool_calls[0].function.arguments,
    )
    assert (MODEL, "tool_calls") == (answer.model, answer.choices[0].finish_reason)
    assert answer.id.startswith("msg_")
    line = closed(gateway, before)
    told = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_creation.input_tokens")
    assert [32, 5, 20, 3] == [line[f"gen_ai.usage.{name}"] for name in told]


def test_the_anthropic_sdk_gets_thoughts_with_their_signature_and_a_streamed_call(gateway, provider):
    provider.script(b.sse(STREAM))
    with anthropic_client(gateway).messages.stream(model="claude", max_tokens=99, messages=MESSAGES, tools=OWN_TOOLS) as events:
        answer = events.get_final_message()

    thought, said, call = answer.content
    assert ("They ask.", "c2ln", "One moment.") == (thought.thinking, thought.signature, said.text)
    assert ("reset", orjson.loads(ARGUMENTS), "tool_use") == (call.name, call.input, answer.stop_reason)
    assert (9, 20, 3) == (
        answer.usage.input_tokens,
        answer.usage.cache_read_input_tokens,
        answer.usage.cache_creation_input_tokens,
    )


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_both_sdks_get_a_whole_answer_with_a_call(gateway, provider, sdk):
    call = {"toolUse": {"toolUseId": "tooluse_1", "name": "reset", "input": orjson.loads(ARGUMENTS)}}
    provider.script(b.answer_json(bedrock.whole({"text": TEXT}, call, stop="tool_use")))
    if sdk == "openai":
        message = openai_client(gateway).chat.completions.create(model="claude", messages=MESSAGES, tools=TOOLS).choices[0].message
        assert (TEXT, orjson.loads(ARGUMENTS)) == (message.content, orjson.loads(message.tool_calls[0].function.arguments))
    else:
        answer = anthropic_client(gateway).messages.create(model="claude", max_tokens=99, messages=MESSAGES, tools=OWN_TOOLS)
        assert (TEXT, orjson.loads(ARGUMENTS)) == (answer.content[0].text, answer.content[1].input)


def test_frames_cut_anywhere_are_the_same_stream(gateway, provider):
    raw = b"".join(STREAM)
    provider.script(b.sse([raw[at : at + 7] for at in range(0, len(raw), 7)], headers=[b.FRAMES]))
    with openai_client(gateway).chat.completions.stream(model="claude", messages=MESSAGES, tools=TOOLS) as events:
        assert ARGUMENTS == events.get_final_completion().choices[0].message.tool_calls[0].function.arguments


BROKEN = {"torn": b"".join(STREAM)[:-9], "cut": b"".join(STREAM[:4]), "corrupt": b"".join(STREAM[:3]) + b"\0" * 40}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_a_broken_stream_is_never_taken_for_whole(gateway, provider, raw):
    provider.script(b.sse([raw]))
    with (
        pytest.raises(openai.APIError),
        openai_client(gateway).chat.completions.create(model="claude", messages=MESSAGES, stream=True) as events,
    ):
        assert [] == [chunk for chunk in events if chunk.choices and chunk.choices[0].finish_reason]


def test_an_exception_in_the_stream_is_the_sdks_error(gateway, provider):
    provider.script(b.sse([*STREAM[:4], bedrock.exception("throttlingException", "Too many tokens")]))
    with (
        pytest.raises(openai.APIError, match="Too many tokens"),
        openai_client(gateway).chat.completions.create(model="claude", messages=MESSAGES, stream=True) as events,
    ):
        list(events)


@pytest.mark.parametrize(("status", "error"), [(403, openai.PermissionDeniedError), (429, openai.RateLimitError)])
def test_an_error_is_the_sdks_typed_error(gateway, provider, status, error):
    provider.script(b.answer_json({"message": "the security token is expired"}, status))
    with pytest.raises(error, match="token is expired"):
        openai_client(gateway).chat.completions.create(model="claude", messages=MESSAGES)


def test_guards_judge_what_comes_back(gateway, provider):
    provider.script(b.sse(bedrock.events(bedrock.said(["a night", "ingale sings"]))))
    with http(gateway) as client:
        asked = {"model": "claude", "stream": True, "messages": MESSAGES}
        reply = client.post("https://api.openai.com/v1/chat/completions", json=asked)

    assert "nightingale" not in reply.text
    assert "ingale sings" not in reply.text
