"""Ways round a policy that only denies, through the whole gateway: what official SDKs read holds none of the calls."""

import pytest

from e2e.calling import ASK, calling, cells
from e2e.world import STAGES, World

DENY_ONLY = (
    STAGES
    + """
tool_policy:
  deny:
    - {tools: [wipe]}
    - {tools: ["**"], where: [{at: /path, under: /etc}]}
    - {tools: ["**"], where: [{at: /amount, at_least: 1000}]}
"""
)
DISGUISED = [
    ("functions.wipe", "{}"),
    (" wipe", "{}"),
    ("wi\u200bpe", "{}"),
    ("w\u0456pe", "{}"),
    ("WIPE", "{}"),
    ("mcp__server__wipe", "{}"),
    ("namespace/wipe", "{}"),
    ("read", '{"Path":"/etc/shadow"}'),
    ("read", '{"input":"{\\"path\\":\\"/etc/shadow\\"}"}'),
    ("pay", '{"amount":"5,000"}'),
]


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("denied-tools"), *providers)
    with world.inside(world.policy(DENY_ONLY)) as gateway:
        yield gateway


@cells
def test_calls_in_disguise_do_not_pass_a_policy_that_only_denies(gateway, providers, name, stream):
    providers[name == "anthropic"].script(calling(name, ("read", '{"path":"/srv"}'), *DISGUISED, ("pay", '{"amount":5}')))
    _, calls, _ = ASK[name](gateway, stream=stream)

    assert [("read", '{"path":"/srv"}'), ("pay", '{"amount":5}')] == calls
