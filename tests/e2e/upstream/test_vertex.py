"""Vertex AI through the real gateway: Gemini and Claude as providers of any client, and as the API of SDKs that point there."""

import ssl

import anthropic
import httpx2
import orjson
import pytest
from google import genai
from google.oauth2.credentials import Credentials

from e2e.world import GEMINI_KEY, PASSING_ALL, TOKEN, World, anthropic_client, google_client, http, openai_client
from support import anthropic_answers as messages
from support import behaviours as b
from support.sse import TEXT
from support.tool_calls import ARGUMENTS, answering

HOST = "us-central1-aiplatform.googleapis.com"
PLACE = "/v1/projects/acme-1/locations/us-central1/publishers"
GEMINI, CLAUDE = "gemini-2.5-flash", "claude-sonnet-4-5@20250929"
MODELS = """
model_map:
  models:
    gemini: [{provider: vertex, model: gemini-2.5-flash}]
    claude: [{provider: vertex-claude, model: claude-sonnet-4-5@20250929}]
    own: [{provider: gemini, model: gemini-2.5-flash}]
"""
PROVIDER = """
{name}:
  host: {host}
  dialect: {dialect}
  vertex: {{project: acme-1, location: us-central1}}
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: {sni}}}
  credential: {{env: E2E_GEMINI_KEY}}
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("vertex"), *providers)
    ca = world.folder / "upstream-ca.pem"
    more = PROVIDER.format(
        name="vertex", host=HOST, dialect="gemini", port=providers[2].port, ca=ca, sni="generativelanguage.googleapis.com"
    ) + PROVIDER.format(
        name="vertex-claude", host=f"claude.{HOST}", dialect="anthropic", port=providers[1].port, ca=ca, sni="api.anthropic.com"
    )
    with world.inside(world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", MODELS), providers=more)) as gateway:
        yield gateway


def vertex_client(gateway):
    token = Credentials(token="ya29.workload-own")
    return genai.Client(
        vertexai=True, project="theirs", location="us-central1", credentials=token, http_options={"httpx_client": http(gateway)}
    )


def message_of(*, stream):
    """An answer of Claude, at a path that the scripted provider does not know."""
    events = messages.message_events([TEXT], "claude-sonnet-4-5", (9, 5))
    return b.sse(events) if stream else b.answer_json(messages.message(TEXT))


def checked(seen, target):
    """The request that a provider got, on Vertex AI and under the gateway's own credential."""
    assert (target, f"Bearer {GEMINI_KEY}") == (seen.target, seen.header("authorization"))
    assert seen.header("host").endswith(HOST)
    assert "workload-own" not in f"{seen.fields} {seen.body}"
    return orjson.loads(seen.body)


@pytest.mark.parametrize("stream", [False, True])
def test_googles_sdk_is_answered_on_vertex(gateway, providers, stream):
    with google_client(gateway) as client:
        if stream:
            text = "".join(each.text or "" for each in client.models.generate_content_stream(model="gemini", contents="Hi"))
        else:
            text = client.models.generate_content(model="gemini", contents="Hi").text

    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert TEXT == text
    checked(providers[2].seen[0], f"{PLACE}/google/models/{GEMINI}:{verb}")


@pytest.mark.parametrize("stream", [False, True])
def test_the_anthropic_sdk_is_answered_on_vertex(gateway, providers, stream):
    providers[1].script(message_of(stream=stream))
    asked = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with anthropic_client(gateway) as client:
        if stream:
            with client.messages.stream(**asked) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**asked)

    assert TEXT == message.content[0].text
    body = checked(providers[1].seen[0], f"{PLACE}/anthropic/models/{CLAUDE}:{'streamRawPredict' if stream else 'rawPredict'}")
    assert ("vertex-2023-10-16", False) == (body["anthropic_version"], "model" in body)


@pytest.mark.parametrize(("model", "at", "asked"), [("gemini", 2, {"contents": []}), ("claude", 1, {"max_tokens": 1})])
def test_the_openai_sdk_calls_a_tool_of_a_model_on_vertex(gateway, providers, model, at, asked):
    providers[at].script(b.sse([answering({**asked, "stream": True}, stream=True)]))
    tools = [{"type": "function", "function": {"name": "reset", "parameters": {"type": "object"}}}]
    turns = [{"role": "user", "content": "Reset it"}]
    with openai_client(gateway) as client, client.chat.completions.stream(model=model, messages=turns, tools=tools) as events:
        [call] = events.get_final_completion().choices[0].message.tool_calls

    assert ("reset", orjson.loads(ARGUMENTS)) == (call.function.name, orjson.loads(call.function.arguments))
    assert providers[at].seen[0].target.startswith(PLACE)


@pytest.mark.parametrize("model", ["gemini", "own"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_sdk_that_is_pointed_at_vertex(gateway, providers, model, stream):
    """Project and region of the caller stay behind: those of the policy are asked, or Gemini's own API."""
    with vertex_client(gateway) as client:
        if stream:
            text = "".join(each.text or "" for each in client.models.generate_content_stream(model=model, contents="Hi"))
        else:
            text = client.models.generate_content(model=model, contents="Hi").text

    [seen] = providers[2].seen
    assert TEXT == text
    assert ("theirs" not in seen.target, model == "gemini") == (True, seen.target.startswith(PLACE))


@pytest.mark.parametrize("stream", [False, True])
def test_claude_s_sdk_that_is_pointed_at_vertex(gateway, providers, stream):
    providers[1].script(message_of(stream=stream))
    transport = httpx2.Client(
        proxy=gateway.proxy_url("app", TOKEN), verify=ssl.create_default_context(cafile=str(gateway.ca)), trust_env=False
    )
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with anthropic.AnthropicVertex(
        project_id="theirs", region="us-central1", access_token="ya29.workload-own", http_client=transport, max_retries=0
    ) as client:
        if stream:
            with client.messages.stream(model="claude", **asked) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(model="claude", **asked)

    assert TEXT == message.content[0].text
    verb, streamed = ("streamRawPredict", {"stream": True}) if stream else ("rawPredict", {})
    sent = checked(providers[1].seen[0], f"{PLACE}/anthropic/models/{CLAUDE}:{verb}")
    assert {"anthropic_version": "vertex-2023-10-16", **asked, **streamed} == sent


def test_an_error_of_vertex_is_that_of_the_client(gateway, providers):
    error = {"error": {"code": 429, "message": "too warm", "status": "RESOURCE_EXHAUSTED"}}
    providers[2].script(b.answer_json(error, 429))
    with http(gateway) as client:
        asked = {"contents": [{"parts": [{"text": "Hi"}]}]}
        reply = client.post(f"https://{HOST}{PLACE}/google/models/gemini:generateContent", json=asked)

    assert (429, "too warm") == (reply.status_code, reply.json()["error"]["message"])
