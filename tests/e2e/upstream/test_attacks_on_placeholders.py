"""Attacks with placeholders: in the wrong place, towards the wrong host, by the wrong workload, spelled otherwise. The credential
that a placeholder stands for meets its host only, where its binding says so, and never the workload.
"""

import base64
import json

import pytest

from e2e.world import OTHER_TOKEN, World, http, openai_client
from support import behaviours as b
from support.openai_answers import chat_completion
from support.scripted_upstream import ScriptedUpstream

REAL = 'npm_canary"Token/8831c0ffee+5e11ab'
MODEL_KEY = "sk-canary-model-77f1c0ffee5e11cd"
TEXT = "outgate-placeholder-5c0ffee5e11ab0123456789a"
OTHER = "outgate-placeholder-0dd5c0ffee5e11ab01234567"
HELD = """
{name}:
  host: {name}.test
  dialect: none
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
"""
BINDING = """
  placeholders:
    npm:
      text: {text}
      credential: {{file: {file}}}
      workloads: [app]
      methods: [GET, PUT]
      paths: ["/package/**"]
      exclude: [{{paths: ["/package/echo/**"]}}]
      stands_in: {{headers: [authorization, x-token], query: [access_token], body: true}}
    npm-write: {{text: {text}, credential: {{file: {file}}}, workloads: [app], paths: ["/package/both"]}}
"""
MODEL = """
models:
  host: models.test
  dialect: openai
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  placeholders: {{model-key: {{text: {text}, credential: {{file: {file}}}, workloads: [app]}}}}
"""
STAGES = """
authenticate: {}
authorize: {allow: [{}]}
admit_parts: {allow_unjudged: [opaque]}
model_map: {passthrough: true}
"""
ROUTES = """
- {name: models, match: {destinations: [openai, models], kinds: [chat]}}
- {name: unread, match: {destinations: [registry, elsewhere]}}
"""


@pytest.fixture(name="registry", scope="module")
def _registry(providers):
    with ScriptedUpstream("registry.test", "elsewhere.test", "models.test", ca=providers[0].ca) as registry:
        yield registry


@pytest.fixture(autouse=True)
def _forget(registry):
    registry.seen.clear()
    registry.forget()


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, registry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("placeholders")
    world = World(folder, *providers)
    (folder / "token").write_text(REAL)
    (folder / "model").write_text(MODEL_KEY)
    places = {"port": registry.port, "ca": folder / "upstream-ca.pem"}
    sections = HELD.format(name="registry", **places) + BINDING.format(text=TEXT, file=folder / "token").lstrip("\n")
    sections += HELD.format(name="elsewhere", **places) + MODEL.format(text=OTHER, file=folder / "model", **places)
    with world.gateway(world.policy(STAGES, ROUTES, providers=sections)) as gateway:
        yield gateway


@pytest.fixture(name="ask")
def _ask(gateway):
    def ask(url, *, method="GET", client=None, **more):
        with client or http(gateway) as opened:
            return opened.request(method, url, **more)

    return ask


def answer(body, status=200, **fields):
    async def behave(call):
        await call.answer(status, body, [("content-type", "text/plain"), *fields.items()])

    return behave


def code(reply):
    return reply.json()["error"]["code"]


def basic(user, password):
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ({"authorization": f"Bearer {TEXT}"}, ("authorization", f"Bearer {REAL}")),
        ({"authorization": TEXT}, ("authorization", REAL)),
        ({"x-token": f"v1 {TEXT}"}, ("x-token", f"v1 {REAL}")),
        (basic("agent", TEXT), ("authorization", basic("agent", REAL)["authorization"])),
        (basic(TEXT, "x-oauth-basic"), ("authorization", basic(REAL, "x-oauth-basic")["authorization"])),
    ],
)
def test_in_a_header_field_the_credential_arrives(ask, registry, sent, arrives):
    registry.script(answer(b"tarball"))

    reply = ask("https://registry.test/package/left-pad", headers=sent)

    assert (200, b"tarball") == (reply.status_code, reply.content)
    (seen,) = registry.seen
    assert [arrives[1]] == [value for name, value in seen.fields if name.lower() == arrives[0]]
    assert TEXT not in str((seen.target, seen.fields, seen.body))


def test_in_a_parameter_and_in_a_body_it_arrives_as_each_needs_it(ask, registry):
    ask(f"https://registry.test/package/a?access_token={TEXT}&v=1")
    ask("https://registry.test/package/a", method="PUT", json={"token": TEXT})
    ask("https://registry.test/package/a", method="PUT", data={"token": TEXT})
    ask("https://registry.test/package/a", method="PUT", content=f"<{TEXT}>".encode(), headers={"content-type": "text/plain"})

    targets, bodies = [each.target for each in registry.seen], [each.body for each in registry.seen[1:]]
    assert "/package/a?access_token=npm_canary%22Token%2F8831c0ffee%2B5e11ab&v=1" == targets[0]
    assert {"token": REAL} == json.loads(bodies[0])
    assert [b"token=npm_canary%22Token%2F8831c0ffee%2B5e11ab", f"<{REAL}>".encode()] == bodies[1:]


@pytest.mark.parametrize(
    ("url", "more"),
    [
        (f"https://registry.test/package/{TEXT}", {}),
        (f"https://registry.test/package/a?{TEXT}=1", {}),
        (f"https://registry.test/package/a?other={TEXT}", {}),
        (f"https://registry.test/package/a?access_token=x{TEXT}", {}),
        ("https://registry.test/package/a", {"headers": {"x-other": TEXT}}),
        ("https://registry.test/package/a", {"headers": {"authorization": f"Bearer {TEXT}", "user-agent": TEXT}}),
        ("https://registry.test/elsewhere", {"headers": {"authorization": f"Bearer {TEXT}"}}),
        ("https://registry.test/package/echo/me", {"headers": {"authorization": f"Bearer {TEXT}"}}),
        ("https://registry.test/package/a", {"headers": {"authorization": f"Bearer {TEXT}"}, "method": "DELETE"}),
        ("https://elsewhere.test/package/a", {"headers": {"authorization": f"Bearer {TEXT}"}}),
        ("https://elsewhere.test/package/a", {"headers": basic("agent", TEXT)}),
        (f"https://elsewhere.test/package/a?access_token={TEXT}", {}),
        ("https://registry.test/package/a", {"headers": {"authorization": f"Bearer {OTHER}"}}),
    ],
)
def test_in_a_head_that_it_is_not_bound_to_it_is_refused(ask, registry, url, more):
    reply = ask(url, **more)

    assert (403, "placeholder_unbound") == (reply.status_code, code(reply))
    assert [] == registry.seen
    assert REAL not in reply.text


def test_another_workload_does_not_get_the_credential(ask, gateway, registry):
    reply = ask(
        "https://registry.test/package/a",
        headers={"authorization": f"Bearer {TEXT}"}, client=http(gateway, OTHER_TOKEN, "other"),
    )  # fmt: skip

    assert (403, "placeholder_unbound") == (reply.status_code, code(reply))
    assert [] == registry.seen


def test_two_bindings_that_take_one_request_refuse_it(ask, registry):
    reply = ask("https://registry.test/package/both", headers={"authorization": f"Bearer {TEXT}"})

    assert (403, "placeholder_ambiguous") == (reply.status_code, code(reply))
    assert [] == registry.seen


@pytest.mark.parametrize("url", ["https://elsewhere.test/package/a", "https://registry.test/other"])
def test_in_a_body_that_it_is_not_bound_to_it_leaves_as_it_is(ask, registry, url):
    ask(url, method="PUT", json={"token": TEXT})

    assert [{"token": TEXT}] == [json.loads(seen.body) for seen in registry.seen]


@pytest.mark.parametrize(
    "spelled",
    [TEXT.upper(), TEXT.title(), TEXT.replace("p", "%70"), "".join(f"%{ord(c):02x}" for c in TEXT), TEXT[:-1], TEXT[::-1]],
)
def test_spelled_otherwise_it_is_any_text(ask, registry, spelled):
    ask("https://registry.test/package/a", headers={"authorization": f"Bearer {spelled}"})
    ask(f"https://registry.test/package/a?access_token={spelled}")

    assert 2 == len(registry.seen)
    assert REAL not in str([(seen.target, seen.fields) for seen in registry.seen])


def test_a_redirect_takes_no_credential_along(ask, registry):
    registry.script(answer(b"", 307, location=f"https://elsewhere.test/package/a?access_token={REAL}"))

    reply = ask("https://registry.test/package/a", headers={"authorization": f"Bearer {TEXT}"})

    assert 307 == reply.status_code
    assert REAL not in str(reply.headers)
    assert 1 == len(registry.seen)


@pytest.mark.parametrize("spell", [str, lambda key: key.encode().hex(), lambda key: base64.b64encode(key.encode()).decode()])
def test_an_answer_that_repeats_the_credential_comes_without_it(ask, registry, spell):
    registry.script(answer(f"you sent {spell(REAL)}!".encode(), etag=spell(REAL)))

    reply = ask("https://registry.test/package/a", headers={"authorization": f"Bearer {TEXT}"})

    assert reply.text.startswith("you sent ***")
    assert spell(REAL)[4:-4] not in reply.text + str(reply.headers)


def test_a_host_that_refuses_the_credential_is_told_as_the_operators_matter(ask, registry):
    registry.script(*[answer(f"bad {REAL}".encode(), 401)] * 3)

    reply = ask("https://registry.test/package/a", headers={"authorization": f"Bearer {TEXT}"})

    assert (502, "upstream_credential_refused") == (reply.status_code, code(reply))


def test_an_unmodified_sdk_that_holds_only_a_placeholder_reaches_its_provider(gateway, registry):
    registry.script(b.answer_json(chat_completion("hello")))
    client = openai_client(gateway, base_url="https://models.test/v1").with_options(api_key=OTHER)

    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"my key is {OTHER}"}])

    assert "hello" == answer.choices[0].message.content
    (seen,) = registry.seen
    assert f"Bearer {MODEL_KEY}" == seen.header("authorization")
    assert MODEL_KEY.encode() not in seen.body


def test_any_other_key_reaches_the_provider_as_none(gateway, registry):
    registry.script(b.answer_json({"error": {"message": "no key", "type": "x", "code": "x"}}, 401))
    with http(gateway) as client:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        reply = client.post("https://models.test/v1/chat/completions", json=body, headers={"authorization": "Bearer sk-own"})

    assert 401 == reply.status_code
    assert [None] == [seen.header("authorization") for seen in registry.seen]


def test_the_placeholder_of_one_provider_is_any_key_to_another(gateway, providers):
    providers[0].script(b.answer_json(chat_completion()))

    openai_client(gateway).with_options(api_key=OTHER).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}]
    )

    assert MODEL_KEY not in str(providers[0].seen[0].fields)
    assert OTHER not in str(providers[0].seen[0].fields)
