"""A client that does not trust the gateway's authority: the log says whose it is and what mends it, once for many."""

import logging
import ssl

import httpx
import pytest

from e2e.world import STAGES, TOKEN, World
from support.waiting import until


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("untrusted"), *providers)
    with world.inside(world.policy(STAGES)) as gateway:
        yield gateway


def test_who_does_not_trust_the_authority_is_named_with_what_mends_it(gateway, caplog):
    caplog.set_level(logging.WARNING, "outgate")
    for _ in range(3):
        with (
            httpx.Client(proxy=gateway.proxy_url("app", TOKEN), verify=ssl.create_default_context(), trust_env=False) as client,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            client.get("https://api.openai.com/v1/models")

    def said():
        return [each for each in caplog.messages if "trust the gateway's authority" in each]

    assert until(lambda: bool(said()))
    (line,) = said()
    assert line.startswith(
        "the client does not trust the gateway's authority, workload=app for api.openai.com:443 client=127.0.0.1;"
    )
    assert "`outgate env app` says what it must set" in line
