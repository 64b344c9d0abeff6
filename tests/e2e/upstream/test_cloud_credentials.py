"""Credentials that are fetched, on the real line: an issuer behind TLS, the provider that sees what it issued, and nobody else."""

import re
from contextlib import ExitStack
from urllib.parse import parse_qs

import httpx
import openai
import pytest

from e2e.world import PASSING_ALL, STAGES, World, http, lines, openai_client
from outgate.upstreams import renewal
from support import behaviours as b
from support.issuers import HOSTS, google_federation, google_key, issuer
from support.scripted_upstream import ScriptedUpstream

MESSAGES = [{"role": "user", "content": "hi"}]
SECRET = "client-secret-c0ffee5e11ab"
POD = "pod-token-c0ffee5e11ab"
ROLE = "role: 'arn:aws:iam::123456789012:role/outgate', region: eu-central-1"
STS, SIGV4 = "sts.eu-central-1.amazonaws.com", "sigv4: {service: bedrock, region: eu-central-1}"
OAUTH = "{oauth: {token_url: 'https://login.corp.example/oauth2/token', client_id: gateway, client_secret: {env: E2E_SECRET}}}"
GRANTS = {
    "oauth": (OAUTH, "login.corp.example", "grant_type=client_credentials"),
    "google_key": ("{google: {file: google.json}}", "oauth2.googleapis.com", "jwt-bearer"),
    "google_federation": ("{google: {file: federation.json}}", "sts.googleapis.com", f"subject_token={POD}"),
    "google_metadata": ("{google: {}}", "metadata.google.internal", ""),
    "azure_secret": (
        "{azure: {tenant: acme, client_id: app, client_secret: {env: E2E_SECRET}}}", "login.microsoftonline.com",
        f"client_secret={SECRET}",
    ),
    "azure_federated": (
        "{azure: {tenant: acme, client_id: app, federated_token_file: pod-token}}", "login.microsoftonline.com",
        f"client_assertion={POD}",
    ),
    "azure_managed_identity": ("{azure: {managed_identity: true}}", "169.254.169.254", ""),
    "aws_role": (f"{{aws: {{{ROLE}, access_keys: {{env: E2E_ACCESS}}}}, {SIGV4}}}", STS, "Action=AssumeRole"),
    "aws_web_identity": (f"{{aws: {{{ROLE}, web_identity_token_file: pod-token}}, {SIGV4}}}", STS, f"WebIdentityToken={POD}"),
}  # fmt: skip


class Issued:
    """A world whose provider `openai` has a credential that is fetched from `secured` or `plain`."""

    def __init__(self, tmp_path, providers, secured, plain):
        self.world, self.secured, self.plain = World(tmp_path, *providers), secured, plain
        google_key(tmp_path)
        google_federation(tmp_path)
        self.folder = tmp_path

    def gateway(self, credential, more="", stages=STAGES):
        own = [
            f"issuer-{at}: {{host: {host}, dialect: none, endpoints: [{{address: '127.0.0.1:{self.secured.port}'}}], "
            f"tls: {{ca: {self.folder / 'upstream-ca.pem'}}}, allow_addresses: [127.0.0.0/8]}}"
            for at, host in enumerate(HOSTS)
        ]
        own += [
            f"metadata-{at}: {{host: {host}, port: 80, dialect: none, endpoints: [{{address: '127.0.0.1:{self.plain.port}'}}], "
            "tls: {enabled: false}, allow_addresses: [127.0.0.0/8]}"
            for at, host in enumerate(("metadata.google.internal", "169.254.169.254"))
        ]
        policy = self.world.policy(stages, providers="\n".join([*own, more]))
        policy.write_text(policy.read_text().replace("{env: E2E_OPENAI_KEY}", credential))
        return self.world.inside(policy)

    @property
    def asked(self):
        return self.secured.seen + self.plain.seen


@pytest.fixture(name="issued")
def _issued(tmp_path, providers, monkeypatch):
    monkeypatch.setenv("E2E_SECRET", SECRET)
    monkeypatch.setenv("E2E_ACCESS", "AKIACANARY:secret-access-c0ffee5e11ab")
    with ExitStack() as stack:
        secured = stack.enter_context(ScriptedUpstream(*HOSTS, ca=providers[0].ca, otherwise=issuer()))
        plain = stack.enter_context(ScriptedUpstream("metadata", tls=False, otherwise=issuer()))
        yield Issued(tmp_path, providers, secured, plain)


def ask(gateway):
    return openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)


@pytest.mark.parametrize("name", GRANTS)
def test_the_provider_sees_what_the_issuer_gave_and_the_issuer_is_asked_once(issued, providers, name):
    credential, host, said = GRANTS[name]
    with issued.gateway(credential) as gateway:
        for _ in range(3):
            ask(gateway)

    shown = {seen.header("authorization") for seen in providers[0].seen}
    assert all(re.match(r"Bearer issued-\d-c0ffee5e11ab$|AWS4-HMAC-SHA256 Credential=ASIAissued-1", each) for each in shown), shown
    tokens = [seen for seen in issued.asked if "recursive=true" not in seen.target and "generateAccessToken" not in seen.target]
    assert [host] == [seen.header("host") for seen in tokens]
    assert said in tokens[0].body.decode()
    assert SECRET not in str(providers[0].seen) and POD not in str(providers[0].seen)


def test_a_401_is_answered_by_one_new_token(issued, providers, monkeypatch):
    monkeypatch.setattr(renewal, "_YOUNG", 0.0)
    with issued.gateway(OAUTH) as gateway:
        ask(gateway)
        providers[0].script(b.refuse(401))
        ask(gateway)
        providers[0].script(b.refuse(401), b.refuse(401), b.refuse(401))
        with pytest.raises(openai.APIStatusError) as raised:
            ask(gateway)

    shown = [seen.header("authorization").removeprefix("Bearer issued-")[0] for seen in providers[0].seen]
    assert (["1", "1", "2", "2", "3"], 502) == (shown, raised.value.status_code)
    assert 4 >= len(issued.asked)


@pytest.mark.parametrize("answer", [b.refuse(400, value={"error": "invalid_client", "error_description": SECRET}), b.refuse(503),
                                    b.reset("headers"), b.redirect("https://login.corp.example/elsewhere"), b.garbage(),
                                    b.answer_json({"access_token": "two words"}), b.answer_json([])])  # fmt: skip
def test_a_token_endpoint_that_fails_is_a_503_that_sdks_type_and_shows_nothing(issued, providers, answer, caplog):
    issued.secured.otherwise = answer
    with issued.gateway(OAUTH) as gateway, pytest.raises(openai.InternalServerError) as raised:
        ask(gateway)

    assert (503, "credential_unavailable") == (raised.value.status_code, raised.value.code)
    assert [] == providers[0].seen
    told = f"{caplog.text} {raised.value.response.text} {raised.value.response.headers} {lines(issued.world)}"
    assert SECRET not in told and "issued-" not in told
    assert "is not renewed" in caplog.text


def test_attack_a_token_endpoint_is_no_way_out_for_a_workload(issued, providers):
    """The issuer's hosts are addressed by the gateway; a workload that may not use them is refused there."""
    with issued.gateway(OAUTH) as gateway, http(gateway, workload="other") as client, pytest.raises(httpx.ProxyError):
        client.post("https://login.corp.example/oauth2/token", data=parse_qs("grant_type=client_credentials"))

    assert [] == [seen for seen in issued.asked if seen.header("authorization") is None]


TEXTS = [f"outgate-placeholder-{number}c0ffee5e11ab0123456789" for number in "57"]
HELD = """
host:
  host: host.test
  dialect: none
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: api.openai.com}}
  placeholders:
    first: {{text: {first}, credential: {oauth}, stands_in: {{headers: [authorization, x-token]}}}}
    second: {{text: {second}, credential: {oauth}, stands_in: {{headers: [authorization, x-token]}}}}
"""


@pytest.fixture(name="held")
def _held(issued, providers):
    own = {
        "port": providers[0].port,
        "ca": issued.folder / "upstream-ca.pem",
        "first": TEXTS[0],
        "second": TEXTS[1],
        "oauth": OAUTH,
    }
    unread = f"{PASSING_ALL}admit_parts: {{allow_unjudged: [opaque]}}\n"
    with issued.gateway("{env: E2E_SECRET}", HELD.format(**own), unread) as gateway, http(gateway) as client:
        yield client


def test_a_fetched_token_is_put_in_at_a_placeholder_and_taken_out_of_what_comes_back(held, issued, providers):
    async def echo(call):
        told = call.seen.header("authorization")
        await call.answer(200, f"you sent {told}".encode(), [("content-type", "text/plain"), ("etag", told)])

    providers[0].script(echo, echo)
    replies = [held.get("https://host.test/a", headers={"authorization": f"Bearer {TEXTS[0]}"}) for _ in range(2)]

    assert ["Bearer issued-1-c0ffee5e11ab"] * 2 == [seen.header("authorization") for seen in providers[0].seen]
    assert 1 == len(issued.asked), "it is fetched once"
    assert [(200, "you sent Bearer ***", None)] * 2 == [(each.status_code, each.text, each.headers.get("etag")) for each in replies]
    assert TEXTS[0] not in str(providers[0].seen)
    assert "issued-1" not in str(lines(issued.world))


def test_two_placeholders_of_fetched_tokens_refuse(held, providers):
    reply = held.get("https://host.test/a", headers={"authorization": f"Bearer {TEXTS[0]}", "x-token": TEXTS[1]})

    assert (403, "placeholder_ambiguous", []) == (reply.status_code, reply.headers["x-outgate-reason"], providers[0].seen)
