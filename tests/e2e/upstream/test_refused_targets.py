"""Three targets of one alias: where a policy refuses the second, the third is asked, and line and `outgate why` say who was not.

`openai` fails in all of them. Witness: what the providers have seen, under which keys.
"""

import pytest
from click.testing import CliRunner

from e2e.world import GEMINI_KEY, World, http, lines
from outgate.cli.main import cli
from support import behaviours as b
from support.waiting import until

CARD = "4111 1111 1111 1111"
STAGES = """
authenticate: {}
authorize: {allow: [{workloads: [app]}]}
redact: {raw_to: [openai, keyless, gemini], modes: {CREDIT_CARD: deny}}
model_map:
  passthrough: true
  models:
    read-first: [{provider: openai, model: gpt}, {provider: anthropic, model: claude}, {provider: gemini, model: gemini-pro}]
    keyless: [{provider: openai, model: gpt}, {provider: keyless, model: large}, {provider: gemini, model: gemini-pro}]
    nobody: [{provider: openai, model: gpt}, {provider: keyless, model: large}, {provider: anthropic, model: claude}]
    tripped: [{provider: openai, model: gpt}, {provider: dead, model: large}, {provider: gemini, model: gemini-pro}]
    dead: [{provider: dead, model: large}, {provider: dead, model: small}]
authorize_model: {allow: [{models: ["**"]}]}
"""
OTHERS = """
keyless:
  host: keyless.test
  endpoints: [{address: "127.0.0.1:9"}]
  allow_addresses: [127.0.0.0/8]
  credential: {command: [/bin/false]}
dead:
  host: dead.test
  endpoints: [{address: "127.0.0.1:9"}]
  allow_addresses: [127.0.0.0/8]
  replicas: {health: {failures: 2}}
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("refused"), *providers)
    with world.inside(world.policy(STAGES, providers=OTHERS)) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _failing(providers):
    providers[0].script(b.refuse(503))


def ask(gateway, model, text="hi", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    with http(gateway) as client:
        return client.post("https://api.openai.com/v1/chat/completions", json=body)


def line_of(gateway, reply):
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    return next(line for line in lines(gateway.world) if line["id"] == own)


def told(gateway, reply):
    """What `outgate why` says of it, as one line."""
    state = gateway.world.folder / "state"
    done = CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["why", reply.headers["x-outgate-request-id"], "--state", str(state)])
    assert 0 == done.exit_code, done.output
    return " ".join(done.output.split())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "text", "more", "refused", "code"),
    [
        ("read-first", f"Charge {CARD}.", {}, ("anthropic", "claude"), "personal_data"),
        ("read-first", "hi", {"frequency_penalty": 0.5}, ("anthropic", "claude"), "translation_loss"),
        ("keyless", "hi", {}, ("keyless", "large"), "credential_unavailable"),
    ],
)
def test_the_target_behind_a_refused_one_answers(gateway, providers, model, text, more, refused, code, stream):
    reply = ask(gateway, model, text, stream=stream, **more)

    failed, answered = line_of(gateway, reply)["outgate.attempts"]
    assert (200, [1, 0, 1]) == (reply.status_code, [len(provider.seen) for provider in providers])
    assert GEMINI_KEY == providers[2].seen[0].header("x-goog-api-key")
    provider, name = refused
    assert [{"provider": provider, "model": name, "code": code}] == failed["not_asked"]
    assert ("model", "gemini", False) == (failed["followed"], answered["backend"], "not_asked" in answered)
    assert f"not asked: {provider}/{name} ({code}); then: model" in told(gateway, reply)


def test_leak_where_every_other_target_is_refused_the_failure_stands_and_each_is_told(gateway, providers):
    reply = ask(gateway, "nobody", f"Charge {CARD}.")

    [failed] = line_of(gateway, reply)["outgate.attempts"]
    assert (503, [1, 0, 0]) == (reply.status_code, [len(provider.seen) for provider in providers])
    assert ["credential_unavailable", "personal_data"] == [each["code"] for each in failed["not_asked"]]
    assert "personal_data" == failed["followed"]
    assert "keyless/large (credential_unavailable); not asked: anthropic/claude (personal_data)" in told(gateway, reply)


def test_a_provider_that_has_tripped_is_passed_over_on_the_way_too(gateway, providers):
    for _ in range(3):
        ask(gateway, "dead")
    reply = ask(gateway, "tripped")

    assert (200, ["openai", "gemini"]) == (
        reply.status_code,
        [each["backend"] for each in line_of(gateway, reply)["outgate.attempts"]],
    )
    assert [{"what": "dead/large", "code": "pool_tripped"}] == line_of(gateway, reply)["outgate.attempts"][1]["passed_over"]
    assert "passed over: dead/large (its pool has tripped" in told(gateway, reply)
