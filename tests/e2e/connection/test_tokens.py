"""Tokens of workloads while the gateway runs: rotated, revoked, expired; in open tunnels too, and with warm caches."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from click.testing import CliRunner

from e2e.load import URL
from e2e.world import STAGES, TOKEN, World, http, lines
from outgate.cli.main import cli
from outgate.identity.workloads import entry_of

EMBED = {"model": "text-embedding-3-small", "input": "the same question"}


@pytest.fixture(name="shared", scope="module")
def _shared(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("tokens"), *providers)
    with world.gateway(world.policy(f"{STAGES}cache: {{when: always}}\n")) as gateway:
        yield world, gateway


@pytest.fixture(autouse=True)
def _restored(shared):
    """Each test begins with the token that the policy of the module has."""
    _, gateway = shared
    good = gateway.policy.read_text()
    yield
    gateway.policy.write_text(good)
    assert gateway.wait(lambda: status(gateway, TOKEN) == 200, 20)


def workload(gateway, *arguments):
    result = CliRunner().invoke(cli, ["workload", *arguments, "--policy", str(gateway.policy)])
    assert 0 == result.exit_code, result.output
    return result.stdout.strip()


def status(gateway, token, text="hi"):
    try:
        with http(gateway, token) as client:
            return asked(client, text).status_code
    except httpx.ProxyError as error:
        return int(str(error)[:3])


def asked(client, text="hi"):
    return client.post(URL, json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]})


def test_a_cached_answer_is_served_after_the_token_was_rotated(shared, providers):
    _, gateway = shared
    assert 200 == status(gateway, TOKEN, "before")
    assert gateway.wait(lambda: status(gateway, TOKEN, "before") == 200 and len(providers[0].seen) == 1, 20)
    fresh = workload(gateway, "rotate", "app")
    assert gateway.wait(lambda: status(gateway, TOKEN, "before") == 407, 20)

    assert 200 == status(gateway, fresh, "before")
    assert 1 == len(providers[0].seen)


def test_revoke_ends_every_token_in_open_tunnels_too(shared):
    world, gateway = shared
    second = workload(gateway, "rotate", "app", "--keep-old")
    assert gateway.wait(lambda: status(gateway, second) == 200, 20)
    with http(gateway, TOKEN) as open_tunnel:
        assert 200 == asked(open_tunnel).status_code
        workload(gateway, "revoke", "app")
        assert gateway.wait(lambda: asked(open_tunnel).status_code == 407, 20)
    assert [407, 407] == [status(gateway, token) for token in (TOKEN, second)]
    assert "wrong token" == lines(world)[-1]["outgate.denial.cause"]


def test_an_expired_token_is_refused_with_its_reason_in_open_tunnels_too(shared):
    world, gateway = shared
    token = "og_expiring_0123456789abcdef"
    ends = datetime.now(UTC) + timedelta(seconds=15)
    text = gateway.policy.read_text().replace(
        "app: {tenant: t1, token_hashes: [", f'app: {{tenant: t1, token_hashes: ["{entry_of(token, ends)}", '
    )
    gateway.policy.write_text(text)
    assert gateway.wait(lambda: status(gateway, token) == 200, 12)
    with http(gateway, token) as open_tunnel:
        while (answer := asked(open_tunnel)).status_code == 200:
            assert datetime.now(UTC) < ends + timedelta(seconds=1)
        assert (407, True) == (answer.status_code, f"token of workload app expired on {ends:%Y-%m-%d %H:%M:%S} UTC" in answer.text)
    with http(gateway, token) as late, pytest.raises(httpx.ProxyError, match="407 outgate: the token of workload app expired on"):
        asked(late)
    assert "expired token" == lines(world)[-1]["outgate.denial.cause"]
