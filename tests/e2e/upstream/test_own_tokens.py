"""Own tokens of workloads, in the shapes in which Claude Code and Codex send those of a subscription: they reach the provider that
the policy binds them to, and nobody else.
"""

import pytest

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, OTHER_TOKEN, World, http, lines
from support import behaviours as b
from support.anthropic_answers import message
from support.recorded_agents import codex
from support.responses_answers import response_events, said
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

OAUTH = "sk-ant-oat01-canary-9d1Rr0c0ffee5e11abCdEfGh-AA"
LOGIN = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJjb2RleCJ9.c0ffee5e11abc0ffee5e11abc0ffee5e11ab"
ACCOUNT = "5f0c0ffe-e5e1-41ab-9c0f-fee5e11ab012"
CLAUDE_CODE = {
    "authorization": f"Bearer {OAUTH}",
    "anthropic-beta": "claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14",
    "anthropic-version": "2023-06-01",
    "anthropic-dangerous-direct-browser-access": "true",
    "x-app": "cli",
    "user-agent": "claude-cli/2.1.14 (external, cli)",
    "x-stainless-lang": "js",
}
CODEX = {
    "authorization": f"Bearer {LOGIN}",
    "chatgpt-account-id": ACCOUNT,
    "openai-beta": "responses=experimental",
    "originator": "codex_cli_rs",
    "session_id": "01a228bd-9deb-79f2-a005-595cacedf327",
    "version": "0.171.0",
    "accept": "text/event-stream",
    "user-agent": "codex_cli_rs/0.171.0 (Linux; x86_64)",
}
CHATGPT = """
chatgpt:
  host: chatgpt.com
  dialect: openai
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  pass_through:
    - workloads: [app]
      methods: [POST]
      paths: [/backend-api/codex/responses]
      also: [chatgpt-account-id, session_id]
"""
CLAUDE = "    pass_through: [{workloads: [app], methods: [POST], paths: [/v1/messages], prefixes: [sk-ant-oat]}]\n"
STAGES = """
authenticate: {}
authorize: {allow: [{}]}
prompt_guard: {}
redact: {}
cache: {when: always}
model_map:
  passthrough: true
  models:
    claude-elsewhere: [{provider: openai, model: gpt-4o-mini}]
    claude-either:
      targets: [{provider: anthropic, model: claude-sonnet-4-5}, {provider: openai, model: gpt-4o-mini}]
authorize_model: {allow: [{}]}
count_tokens: {}
"""
ROUTES = "- {name: all, retry: {attempts: 3, on: [server_error, connect_failed, rate_limited]}}"


@pytest.fixture(name="chatgpt", scope="module")
def _chatgpt(providers):
    with ScriptedUpstream("chatgpt.com", ca=providers[0].ca) as chatgpt:
        yield chatgpt


@pytest.fixture(name="served", scope="module")
def _served(providers, chatgpt, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("own"), *providers)
    policy = world.policy(STAGES, ROUTES, providers=CHATGPT.format(port=chatgpt.port, ca=world.folder / "upstream-ca.pem"))
    own = "    credential: {env: E2E_ANTHROPIC_KEY}\n"
    policy.write_text(policy.read_text().replace(own, own + CLAUDE))
    with world.gateway(policy) as gateway:
        yield world, gateway


def ask(gateway, *, model="claude-sonnet-4-5", text="hi", client=None, **fields):
    body = {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": text}]}
    headers = {name: value for name, value in (CLAUDE_CODE | fields).items() if value}
    with client or http(gateway) as opened:
        return opened.post("https://api.anthropic.com/v1/messages?beta=true", json=body, headers=headers)


def test_claude_code_keeps_its_subscription(served, providers):
    world, gateway = served
    providers[1].script(b.answer_json(message()))

    assert 200 == ask(gateway, text="mail ada@example.org").status_code

    (seen,) = providers[1].seen
    assert (f"Bearer {OAUTH}", None) == (seen.header("authorization"), seen.header("x-api-key"))
    assert CLAUDE_CODE["anthropic-beta"] == seen.header("anthropic-beta")
    assert b"ada@example.org" not in seen.body, "it is judged as ever"
    line = lines(world)[-1]
    assert "workload" == line["outgate.credential"]
    assert line["outgate.cost.usd"] is None


def test_codex_keeps_its_login(served, chatgpt):
    world, gateway = served
    chatgpt.script(b.sse(response_events([said("Hm.")])))

    with http(gateway) as client:
        reply = client.post("https://chatgpt.com/backend-api/codex/responses", json=codex(), headers=CODEX)

    assert (200, True) == (reply.status_code, "Hm." in reply.text)
    (seen,) = chatgpt.seen
    sent = {name: seen.header(name) for name in ("authorization", "chatgpt-account-id", "session_id", "openai-beta")}
    assert sent == {name: CODEX[name] for name in sent}
    assert "workload" == lines(world)[-1]["outgate.credential"]


def test_a_refused_token_is_the_workloads_to_renew(served, providers):
    _, gateway = served
    providers[1].script(b.answer_json({"type": "error", "error": {"type": "authentication_error", "message": "expired"}}, 401))

    reply = ask(gateway, text="renew")

    assert (401, "expired") == (reply.status_code, reply.json()["error"]["message"])
    assert 1 == len(providers[1].seen)


def test_another_workload_gets_the_gateways_credential_or_none(served, providers):
    _, gateway = served
    providers[1].script(b.answer_json(message()))

    ask(gateway, text="other", client=http(gateway, OTHER_TOKEN, "other"))

    (seen,) = providers[1].seen
    assert (None, ANTHROPIC_KEY) == (seen.header("authorization"), seen.header("x-api-key"))


@pytest.mark.parametrize(
    "fields",
    [{"authorization": "Bearer sk-ant-api03-own"}, {"authorization": "", "x-api-key": OAUTH}, {"authorization": "Basic eDp5"}],
)
def test_no_other_token_goes_on(served, providers, fields):
    _, gateway = served
    providers[1].script(b.answer_json(message()))

    ask(gateway, text=f"token {sorted(fields.values())}", **fields)

    (seen,) = providers[1].seen
    assert (None, ANTHROPIC_KEY) == (seen.header("authorization"), seen.header("x-api-key"))


def test_it_does_not_follow_a_request_to_another_provider(served, providers):
    _, gateway = served

    assert 200 == ask(gateway, model="claude-elsewhere", text="elsewhere").status_code

    (seen,) = providers[0].seen
    assert f"Bearer {OPENAI_KEY}" == seen.header("authorization")
    assert OAUTH not in str((seen.fields, seen.body))
    assert [] == providers[1].seen


@pytest.mark.parametrize("status", [429, 500, 503])
def test_nor_a_fallback(served, providers, status):
    world, gateway = served
    providers[1].script(*[b.refuse(status)] * 3)

    assert 200 == ask(gateway, model="claude-either", text=f"fall back after {status}").status_code

    assert {f"Bearer {OAUTH}"} == {seen.header("authorization") for seen in providers[1].seen}
    assert [f"Bearer {OPENAI_KEY}"] == [seen.header("authorization") for seen in providers[0].seen]
    assert OAUTH not in str([(seen.fields, seen.body) for seen in providers[0].seen])
    assert "gateway" == lines(world)[-1]["outgate.credential"]


def test_it_stands_nowhere_in_what_is_kept(served):
    world, gateway = served
    kept = [path.read_bytes() for path in (world.folder / "state").rglob("*") if path.is_file() and not path.is_symlink()]

    assert [] == [secret for secret in (OAUTH, LOGIN, ACCOUNT) if any(secret.encode() in each for each in kept)]
    assert not any(secret in "\n".join(gateway.log) for secret in (OAUTH, LOGIN, ACCOUNT))


def test_tokens_are_metered_by_whose_credential_went(served, providers):
    _, gateway = served
    providers[1].script(b.answer_json(message()))
    told = 'outgate_credential_tokens_total{provider="anthropic",credential="workload",'

    assert 200 == ask(gateway, text="metered").status_code
    assert until(lambda: told in gateway.get("/metrics")[1].replace("gen_ai_", ""))
