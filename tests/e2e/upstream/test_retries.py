"""A18 to A20 on the real line: which failure is tried again where, with whose credential, and one closing line with all attempts.

E5 too: whatever is tried, a credential meets only its own host.
"""

import socket

import openai
import pytest

from e2e.world import OPENAI_KEY, World, http, lines, openai_client
from support import behaviours as b
from support.openai_answers import chat_events
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
BACKUP_KEY = "sk-canary-backup-19ab77c0ffee55d2"
FILE_KEY = "sk-canary-file-1-5577c0ffee19ab0d"
RENEWED_KEY = "sk-canary-file-2-5577c0ffee19ab0d"
STAGES = """
authenticate: {}
authorize:
  allow:
    - {workloads: [app]}
model_map:
  passthrough: true
  models:
    smart:
      - {provider: openai, model: gpt-4o-mini}
      - {provider: backup, model: backup-model}
    down:
      - {provider: down, model: any}
      - {provider: backup, model: backup-model}
authorize_model:
  allow:
    - {models: ["**"]}
"""
ROUTES = """
- name: health
  match: {paths: [/health], methods: [GET]}
  stages:
    inject_credentials: false
    admit_parts: {allow_unjudged: [opaque]}
- name: all
"""
PROVIDER = """
{name}:
  host: {name}.test
  endpoints: [{endpoints}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{{credential}}}
"""


class Others:
    """A provider to fall back on, one with a dead first endpoint, one whose credential is a file."""

    def __init__(self, ca, folder):
        self.backup = ScriptedUpstream("backup.test", ca=ca)
        self.twin = ScriptedUpstream("twin.test", ca=ca)
        self.keyed = ScriptedUpstream("keyed.test", ca=ca)
        self.key = folder / "key"

    @property
    def all(self):
        return (self.backup, self.twin, self.keyed)


@pytest.fixture(name="others", scope="module")
def _others(providers, tmp_path_factory):
    others = Others(providers[0].ca, tmp_path_factory.mktemp("keys"))
    with others.backup, others.twin, others.keyed:
        yield others


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, others, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("retries"), *providers)
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = server.getsockname()[1]
    others.key.write_text(FILE_KEY)
    ca = world.folder / "upstream-ca.pem"

    def provider(name, credential, *ports):
        endpoints = ", ".join(f'{{name: {name}-{at}, address: "127.0.0.1:{port}"}}' for at, port in enumerate(ports))
        return PROVIDER.format(name=name, endpoints=endpoints, ca=ca, credential=credential)

    more = provider("backup", "env: E2E_BACKUP_KEY", others.backup.port)
    more += provider("twin", "env: E2E_BACKUP_KEY", dead, others.twin.port)
    more += provider("down", "env: E2E_BACKUP_KEY", dead)
    more += provider("keyed", f"file: {others.key}", others.keyed.port)
    gateway = world.gateway(world.policy(STAGES, ROUTES, providers=more))
    gateway.env["E2E_BACKUP_KEY"] = BACKUP_KEY
    with gateway:
        gateway.world = world
        yield gateway


@pytest.fixture(autouse=True)
def _forgotten(others):
    for provider in others.all:
        provider.seen.clear()


def ask(gateway, host="api.openai.com", model="gpt-4o-mini", **more):
    with http(gateway) as client:
        return client.post(f"https://{host}/v1/chat/completions", json={"model": model, "messages": MESSAGES, **more})


def line_of(gateway, reply):
    """The one closing line of this exchange."""
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    [line] = [line for line in lines(gateway.world) if line["id"] == own]
    return line


def attempts_of(gateway, reply):
    closed = line_of(gateway, reply)["outgate.attempts"]
    return [(attempt["endpoint"], attempt["status"], attempt["failure"]) for attempt in closed]


def test_A18_a_refused_connection_goes_to_the_next_endpoint(gateway, others):
    replies = [ask(gateway, "twin.test") for _ in range(3)]

    assert [200, 200, 200] == [reply.status_code for reply in replies]
    assert {f"Bearer {BACKUP_KEY}"} == {seen.header("authorization") for seen in others.twin.seen}
    tried = [attempts_of(gateway, reply) for reply in replies]
    assert [("twin-0", None, "connect_failed"), ("twin-1", 200, None)] in tried


def test_a_server_error_is_tried_at_the_other_provider(gateway, providers, others):
    providers[0].script(b.refuse(503))

    reply = ask(gateway, model="smart")

    assert 200 == reply.status_code
    assert [503, 200] == [status for _, status, _ in attempts_of(gateway, reply)]
    assert f"Bearer {BACKUP_KEY}" == others.backup.seen[0].header("authorization")
    assert ("backup.test", "backup.test") == (others.backup.seen[0].sni, others.backup.seen[0].header("host"))
    assert b'"backup-model"' in others.backup.seen[0].body


def test_what_one_provider_keeps_does_not_follow_to_the_other(gateway, providers, others):
    providers[0].script(b.refuse(503))
    fields = {"idempotency-key": "i-1", "openai-organization": "org-1", "openai-beta": "beta-1"}
    with http(gateway) as client:
        reply = client.post(
            "https://api.openai.com/v1/chat/completions", json={"model": "smart", "messages": MESSAGES}, headers=fields
        )

    assert 200 == reply.status_code
    first, second = providers[0].seen[0], others.backup.seen[0]
    assert ["org-1", "beta-1"] == [first.header(name) for name in list(fields)[1:]]
    assert first.header("idempotency-key") not in (None, "i-1")
    assert [None, None, "beta-1"] == [second.header(name) or None for name in fields]


def test_a_provider_that_is_down_is_left_for_the_other_one(gateway, others):
    reply = ask(gateway, model="down")

    assert 200 == reply.status_code
    assert [(None, "connect_failed"), (200, None)] == [entry[1:] for entry in attempts_of(gateway, reply)]


def test_a_server_error_without_another_place_to_go_is_the_answer(gateway, providers):
    providers[0].script(b.refuse(503, "3"))

    reply = ask(gateway)

    assert (503, "3") == (reply.status_code, reply.headers["retry-after"])
    assert 1 == len(providers[0].seen)


def test_a_full_provider_is_left_for_the_other_one(gateway, providers, others):
    providers[0].script(b.refuse(429, "30"))

    reply = ask(gateway, model="smart")

    assert 200 == reply.status_code
    assert [(429, "rate_limited"), (200, None)] == [entry[1:] for entry in attempts_of(gateway, reply)]
    assert 1 == len(others.backup.seen)


def test_streams_fall_back_too(gateway, providers, others):
    providers[0].script(b.refuse(429, "30"))
    others.backup.script(b.sse(chat_events()))

    reply = ask(gateway, model="smart", stream=True)

    assert reply.text.endswith("data: [DONE]\n\n")


def test_where_both_are_full_the_last_answer_stands(gateway, providers, others):
    providers[0].script(b.refuse(429, "30"))
    others.backup.script(b.refuse(429, "40"))

    with pytest.raises(openai.RateLimitError) as raised:
        openai_client(gateway).chat.completions.create(model="smart", messages=MESSAGES)

    assert "40" == raised.value.response.headers["retry-after"]


def test_a_full_provider_alone_is_a_rate_limit_error_with_retry_after(gateway, providers):
    providers[0].script(b.refuse(429, "30"))

    with pytest.raises(openai.RateLimitError) as raised:
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    assert "30" == raised.value.response.headers["retry-after"]
    assert 1 == len(providers[0].seen)


def test_A19_a_refused_credential_is_read_again_and_tried_once_more(gateway, others):
    assert 200 == ask(gateway, "keyed.test").status_code

    async def renew(call):
        others.key.write_text(RENEWED_KEY)
        await b.refuse(401)(call)

    others.keyed.script(renew)
    reply = ask(gateway, "keyed.test")

    assert 200 == reply.status_code
    assert [401, 200] == [status for _, status, _ in attempts_of(gateway, reply)]
    assert [FILE_KEY, FILE_KEY, RENEWED_KEY] == [seen.header("authorization").removeprefix("Bearer ") for seen in others.keyed.seen]


def test_A20_the_same_refused_credential_is_not_tried_again(gateway, providers):
    providers[0].script(b.refuse(401))

    reply = ask(gateway)

    assert 1 == len(providers[0].seen)
    assert (502, "upstream_credential_refused") == (reply.status_code, reply.json()["error"]["code"])
    assert [401] == [status for _, status, _ in attempts_of(gateway, reply)]


def test_a_request_that_may_have_been_received_is_not_sent_twice(gateway, providers, others):
    providers[0].script(b.reset("headers"))

    reply = ask(gateway, model="smart")

    assert 502 == reply.status_code
    assert (1, 0) == (len(providers[0].seen), len(others.backup.seen))
    assert 1 == len(attempts_of(gateway, reply))


def test_E5_a_redirect_is_not_followed_and_does_not_come_in(gateway, providers, others):
    for status in (301, 302, 307, 308):
        providers[0].script(b.redirect(f"https://backup.test:{others.backup.port}/v1/chat/completions", status))

        reply = ask(gateway)

        assert "location" not in reply.headers
        assert reply.status_code == 502 or not 200 <= reply.status_code < 300
    assert [] == others.backup.seen


def test_E5_no_key_was_seen_by_another_provider(gateway, providers, others):
    providers[0].script(b.refuse(429), b.refuse(503))
    ask(gateway, model="smart")
    ask(gateway, model="smart")
    ask(gateway, "twin.test")

    seen = {
        provider: str([(each.fields, each.target, each.body) for each in provider.seen]) for provider in (*providers, *others.all)
    }
    assert OPENAI_KEY in seen[providers[0]]
    assert BACKUP_KEY in seen[others.backup]
    assert not [1 for provider, text in seen.items() if provider is not providers[0] and OPENAI_KEY in text]
    assert not [1 for provider, text in seen.items() if provider not in (others.backup, others.twin) and BACKUP_KEY in text]


def test_A32_a_health_route_carries_no_credential(gateway, providers):
    providers[0].script(b.answer_json({"status": "ok"}))
    with http(gateway) as client:
        fields = {"authorization": "Bearer sk-workload-own", "x-api-key": "sk-workload-own"}
        reply = client.get("https://api.openai.com/health", headers=fields)

    assert (200, {"status": "ok"}) == (reply.status_code, reply.json())
    assert OPENAI_KEY not in str(providers[0].seen[0].fields)
    assert "sk-workload-own" not in str(providers[0].seen[0].fields)
