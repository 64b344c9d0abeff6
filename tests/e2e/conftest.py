import pytest
import trustme

from e2e.sinks import sightings
from e2e.world import World
from support.dials import watched
from support.scripted_upstream import ScriptedUpstream


@pytest.fixture(name="providers", scope="session")
def _providers():
    ca = trustme.CA()
    with (
        ScriptedUpstream("api.openai.com", ca=ca) as openai_provider,
        ScriptedUpstream("api.anthropic.com", ca=ca) as anthropic_provider,
        ScriptedUpstream("generativelanguage.googleapis.com", ca=ca) as gemini_provider,
    ):
        yield openai_provider, anthropic_provider, gemini_provider


@pytest.fixture(name="world")
def _world(providers, tmp_path):
    for provider in providers:
        provider.seen.clear()
    return World(tmp_path, *providers)


@pytest.fixture(name="shared", scope="module")
def _shared(providers, tmp_path_factory):
    """One gateway for all tests of a module; each must leave nothing behind that another would see."""
    world = World(tmp_path_factory.mktemp("world"), *providers)
    with world.gateway(world.policy()) as gateway:
        yield world, gateway


@pytest.fixture(autouse=True)
def _fresh(providers):
    for provider in providers:
        provider.seen.clear()
        provider.forget()


@pytest.fixture(name="nothing_was_dialled")
def _nothing_was_dialled(providers):
    """For gateways in this process: after the test, nothing was connected or looked up, and no provider saw a request."""
    with watched() as dials:
        yield
    assert (dials.connected, dials.looked_up) == ([], [])
    assert [seen for provider in providers for seen in provider.seen] == []


@pytest.fixture(autouse=True, scope="session")
def _nothing_leaked():
    """K1: after all of it, no key and no token stands in any log, journal or file of any world."""
    yield
    assert [sighting for world in World.made for sighting in sightings(world)] == []
