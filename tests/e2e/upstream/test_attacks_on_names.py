"""A stage that writes other names than the backend's, or none: no byte leaves, no connection opens."""

from dataclasses import replace

import pytest

from e2e.request.test_fail_closed import ask
from e2e.world import World, lines
from outgate.upstreams.catalog import TlsSettings

EVIL = "evil.example"
ATTACKS = {
    "host_sni_and_no_tls": {"host": EVIL, "sni": EVIL, "tls": None},
    "sni": {"sni": EVIL},
    "host": {"host": EVIL},
    "verified_name": {"verified": (EVIL,)},
    "no_verified_name": {"verified": ()},
    "tls_off": {"sni": "", "verified": (), "alpn": (), "tls": TlsSettings(enabled=False)},
    "alpn": {"alpn": ("h2",)},
    "roots": {"tls": TlsSettings()},
}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("names"), *providers)
    with world.inside(world.policy()) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _mended(gateway):
    yield
    gateway.broken = {}


def _writes(change):
    def broken(step):
        return replace(step, run=lambda facts: (change(step.run(facts)[0]),))

    return {"originate_tls": broken}


def _refused(gateway, providers, way):
    status, text, headers = ask(gateway, way)
    line = lines(gateway.world)[-1]
    sent = [seen for provider in providers for seen in provider.seen]
    return status, headers["x-outgate-reason"], line["outgate.denial.code"], line["outgate.denial.stage"], sent, EVIL in text


@pytest.mark.parametrize("way", ["plain", "streamed", "anthropic"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_a_stage_that_names_another_host_is_refused_by_the_client(gateway, providers, attack, way):
    gateway.broken = _writes(lambda honest: replace(honest, **ATTACKS[attack]))

    assert (503, "misdirected", "misdirected", "dispatch", [], False) == _refused(gateway, providers, way)


def test_attack_host_sni_and_tls_of_the_review_as_a_bare_tuple(gateway, providers):
    """What `originate_tls` once could return without any effect: now no fact of this kind is dialled."""
    gateway.broken = _writes(lambda _: (EVIL, EVIL, None))

    assert (503, "misdirected", "misdirected", "dispatch", [], False) == _refused(gateway, providers, "plain")


def test_attack_the_names_of_another_backend_of_the_policy(gateway, providers):
    catalog = gateway.runtime.policy().catalog
    gateway.broken = _writes(lambda _: catalog.by_name("anthropic").origination)

    assert (503, "misdirected", "misdirected", "dispatch", [], False) == _refused(gateway, providers, "plain")


def test_attack_a_credential_of_another_backend(gateway, providers):
    anthropic = gateway.runtime.policy().catalog.by_name("anthropic")
    credential = gateway.gateway.deps.credentials.bound(anthropic)
    gateway.broken = {"inject_credentials": lambda step: replace(step, run=lambda facts: (credential,))}

    assert (503, "misdirected", "misdirected", "dispatch", [], False) == _refused(gateway, providers, "plain")


def test_the_honest_fact_is_dialled(gateway, providers):
    gateway.broken = _writes(replace)  # equal, and another object

    assert 200 == ask(gateway, "plain")[0]
    assert ["api.openai.com"] == [seen.header("host") for provider in providers for seen in provider.seen]
