"""GitHub Copilot behind a login, in the shapes of its public clients: its API has no `/v1`, and is read and judged all the same.

The fields are those that VS Code's extension and clients written after it send (copilot-integration-id, editor-version …). A chunk
begins with filter results and no choice, as on Azure.
"""

import openai
import pytest

from e2e.world import World, http, lines
from support import behaviours as b
from support.anthropic_answers import message
from support.openai_answers import chat_completion, chat_events, embeddings, models
from support.responses_answers import response_events, said
from support.scripted_upstream import ScriptedUpstream
from support.sse import event

LOGIN = "tid=canary0c0ffee5e11ab;exp=1999999999;sku=pro;proxy-ep=proxy.individual.githubcopilot.com:c0ffee5e11abc0ffee5e11ab"
CLIENT = {
    "copilot-integration-id": "vscode-chat",
    "editor-version": "vscode/1.105.1",
    "editor-plugin-version": "copilot-chat/0.32.4",
    "openai-intent": "conversation-panel",
    "x-github-api-version": "2025-05-01",
    "x-initiator": "user",
}
HOST = "api.individual.githubcopilot.com"
COPILOT = """
copilot:
  host: {host}
  base_path: /
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  translation: {{apis: [openai, responses, anthropic]}}
  pass_through:
    - workloads: [app]
      methods: [GET, POST]
      paths: [/chat/completions, /responses, /embeddings, /v1/messages, /models]
      also: [copilot-integration-id, editor-version, editor-plugin-version, openai-intent, x-github-api-version, x-initiator]
"""
STAGES = """
authenticate: {}
authorize: {allow: [{}]}
prompt_guard: {phrases: [nightingale]}
redact: {}
output_phrases: {phrases: [kingfisher]}
model_map:
  passthrough: true
  models: {elsewhere: [{provider: copilot, model: gpt-4.1}]}
authorize_model: {allow: [{}]}
"""
FILTERED = {"choices": [], "created": 0, "id": "", "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}
ASKED = {"model": "gpt-4.1", "stream": True, "n": 1, "temperature": 0.1, "top_p": 1, "intent": True}


@pytest.fixture(name="copilot", scope="module")
def _copilot(providers):
    with ScriptedUpstream(HOST, ca=providers[0].ca) as copilot:
        yield copilot


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, copilot, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("copilot"), *providers)
    more = COPILOT.format(host=HOST, port=copilot.port, ca=world.folder / "upstream-ca.pem")
    with world.inside(world.policy(STAGES, providers=more)) as gateway:
        yield gateway


@pytest.fixture(name="client")
def _client(gateway, copilot):
    copilot.seen.clear()
    with http(gateway) as opened:
        yield openai.OpenAI(base_url=f"https://{HOST}", api_key=LOGIN, http_client=opened, max_retries=0, default_headers=CLIENT)


def say(text):
    return [{"role": "user", "content": text}]


def sent(copilot, path):
    [seen] = copilot.seen
    assert (path, f"Bearer {LOGIN}") == (seen.target, seen.header("authorization"))
    assert {name: seen.header(name) for name in CLIENT} == CLIENT
    return seen


def test_chat_is_read_redacted_and_sent_with_the_login(gateway, copilot, client):
    copilot.script(b.sse([event(FILTERED), *chat_events(["Hm", "."])]))
    heard = client.chat.completions.create(model="gpt-4.1", messages=say("mail ada@example.org"), stream=True, extra_body=ASKED)

    assert "Hm." == "".join(chunk.choices[0].delta.content or "" for chunk in heard if chunk.choices)
    assert b"ada@example.org" not in sent(copilot, "/chat/completions").body
    line = lines(gateway.world)[-1]
    assert ("chat", "workload") == (line["gen_ai.operation.name"], line["outgate.credential"])


def test_a_guard_refuses_a_prompt_and_an_answer(copilot, client):
    with pytest.raises(openai.APIStatusError, match="refused"):
        client.chat.completions.create(model="gpt-4.1", messages=say("sing of the nightingale"))
    assert [] == copilot.seen
    copilot.script(b.answer_json(chat_completion("a kingfisher")))
    with pytest.raises(openai.APIStatusError, match="refused"):
        client.chat.completions.create(model="gpt-4.1", messages=say("hi"))


def test_its_other_apis_are_read_too(copilot, client):
    copilot.script(b.sse(response_events([said("Hm.")])))
    assert list(client.responses.create(model="gpt-5", input="hi", stream=True, store=False))
    sent(copilot, "/responses")
    copilot.seen.clear()
    copilot.script(b.answer_json(embeddings(1, "text-embedding-3-small")))
    assert client.embeddings.create(model="text-embedding-3-small", input=["hi"], encoding_format="float").data
    sent(copilot, "/embeddings")


def test_claude_is_asked_in_its_own_api(gateway, copilot):
    copilot.seen.clear()
    copilot.script(b.answer_json(message("Hm.")))
    asked = {"model": "claude-sonnet-4.5", "max_tokens": 9, "messages": say("hi")}
    with http(gateway) as opened:
        reply = opened.post(f"https://{HOST}/v1/messages", json=asked, headers={**CLIENT, "authorization": f"Bearer {LOGIN}"})

    assert "Hm." == reply.json()["content"][0]["text"]
    sent(copilot, "/v1/messages")


def test_models_are_those_of_the_policy_or_its_own(copilot, client):
    copilot.script(b.answer_json(models(["gpt-4.1"])))

    assert client.models.list().data is not None


def test_another_destination_keeps_its_paths_and_gets_no_login(gateway, copilot, providers):
    copilot.seen.clear()
    with http(gateway) as opened:
        headers = {**CLIENT, "authorization": f"Bearer {LOGIN}"}
        asked = {"model": "elsewhere", "messages": say("hi")}
        opened.post("https://api.openai.com/v1/chat/completions", json=asked, headers=headers)
        opaque = opened.post("https://api.openai.com/chat/completions", json=asked, headers=headers)

    assert [("/chat/completions", None)] == [(seen.target, seen.header("authorization")) for seen in copilot.seen]
    assert (400, []) == (opaque.status_code, providers[0].seen)


def test_attack_another_spelling_is_refused(gateway, copilot):
    copilot.seen.clear()
    with http(gateway) as opened:
        replies = [opened.post(f"https://{HOST}{path}", json=ASKED) for path in ("/Chat/completions", "/chat/completions/")]

    assert ([400, 400], []) == ([reply.status_code for reply in replies], copilot.seen)
