"""A35: a name of a provider that is bound to an address of the inside after it was dialled well (DNS rebinding).

Looked up is at every connect, judged is every answer, and dialled is what was judged. Witness: what this process connects to.
"""

from ipaddress import ip_address

import pytest

from e2e.world import PASSING_ALL, World, http, lines
from outgate.upstreams import dns
from outgate.upstreams.dns import CachingResolver
from support import behaviours as b
from support.dials import watched
from support.waiting import until

PROVIDER = """
rebound:
  host: api.openai.com
  aliases: [rebound.test]
  endpoints: [{{name: first, address: "rebound.test:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{env: E2E_OPENAI_KEY}}
  replicas: {{health: {{failures: 1000, failure_share: 1}}}}
"""
GOOD = "127.0.0.1"
INSIDE = ["10.0.0.5", "169.254.169.254", "192.168.1.1", "::1", "fd00::5", "::ffff:10.0.0.5", "64:ff9b::a00:5", "0.0.0.0"]


class Names:
    """The name server: what it answers next, and how often it was asked."""

    def __init__(self):
        self.answer, self.asked = [GOOD], 0

    async def look_up(self, host):
        assert "rebound.test" == host
        self.asked += 1
        return tuple(map(ip_address, self.answer))


@pytest.fixture(name="names", scope="module")
def _names():
    return Names()


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, names, tmp_path_factory):
    """Its resolver remembers nothing, so that every connect sees the answer of its moment."""
    world = World(tmp_path_factory.mktemp("rebound"), *providers)
    own = {"port": providers[0].port, "ca": world.folder / "upstream-ca.pem"}
    policy = world.policy(PASSING_ALL, "- {name: all, retry: {attempts: 1}}", providers=PROVIDER.format(**own))
    text = policy.read_text().replace("host: api.openai.com\n    dialect", "host: other.test\n    dialect", 1)
    policy.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dns, "system_lookup", names.look_up)
        patch.setitem(CachingResolver.__init__.__kwdefaults__, "ttl", 0.0)
        with world.inside(policy) as gateway:
            yield gateway


def ask(gateway, providers, names, answer):
    """Status, reason and addresses that were connected to, where the name has these addresses now."""
    providers[0].script(b.answer_json({"object": "list", "data": []}, 200, {"connection": "close"}))
    names.answer, before = answer, names.asked
    with watched() as dials, http(gateway) as client:
        reply = client.get("https://api.openai.com/v1/models")
    providers[0].forget()
    assert 1 == names.asked - before, "one look-up for a connect"
    return reply, [host for host, port in dials.connected if port == providers[0].port]


@pytest.mark.parametrize("answer", [[each] for each in INSIDE] + [[GOOD, INSIDE[0]], [INSIDE[1], GOOD]], ids=" ".join)
def test_attack_a_name_that_is_bound_to_the_inside_later_is_not_dialled(gateway, providers, names, answer):
    first, well = ask(gateway, providers, names, [GOOD])
    reply, dialled = ask(gateway, providers, names, answer)
    again, back = ask(gateway, providers, names, [GOOD])

    assert ((200, [GOOD]), (200, [GOOD])) == ((first.status_code, well), (again.status_code, back))
    assert (502, "upstream_dns_failed", []) == (reply.status_code, reply.headers["x-outgate-reason"], dialled)
    assert not any(each in reply.text for each in answer), "the inside of the network is the operator's to know"
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    [attempt] = next(line["outgate.attempts"] for line in lines(gateway.world) if line["id"] == own)
    assert ("lookup", "address_not_allowed", False) == (attempt["phase"], attempt["reason"], attempt["sent"])
