"""An address that stands in a policy and may not be dialled is refused at its line, not at the first request."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source

POLICY = """version: 1
providers:
  one: {PROVIDER}
workloads: {app: {token_hashes: ["sha256:@"]}}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map: {passthrough: true}
routes:
  - name: all
""".replace("@", "0" * 64)


def told(provider):
    try:
        found = load_source(parse_source(POLICY.replace("PROVIDER", provider), "p.yaml")).warnings
    except PolicyError as error:
        found = error.problems
    return [(each.code, each.message.partition(" ")[0], each.line) for each in found]


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ('host: a.test, endpoints: [{address: "10.0.0.5:8443"}]', "10.0.0.5"),
        ('host: a.test, endpoints: [{address: "[fd00::1]:8443"}]', "fd00::1"),
        ('host: a.test, endpoints: [{address: "127.0.0.1:80"}], allow_addresses: [10.0.0.0/8]', "127.0.0.1"),
        ('host: a.test, endpoints: [{address: "169.254.169.254:80"}], allow_addresses: [169.254.0.0/16]', "169.254.169.254"),
        ("host: 192.168.1.7", "192.168.1.7"),
        ('host: a.test, replicas: {dns: "10.0.0.5:80"}', "10.0.0.5"),
    ],
)
def test_a_literal_address_that_is_not_opened_is_an_error(provider, address):
    assert [("E_ADDRESS_CLOSED", address, 3)] == told(provider)


@pytest.mark.parametrize(
    "provider",
    [
        'host: a.test, endpoints: [{address: "10.0.0.5:8443"}], allow_addresses: [10.0.0.0/8]',
        'host: a.test, endpoints: [{address: "8.8.8.8:443"}]',
        'host: a.test, endpoints: [{address: "inside.test:443"}]',
        'host: 10.0.0.5, endpoints: [{address: "inside.test:443"}]',
        'host: a.test, endpoints: [{address: "169.254.169.254:80"}], allow_addresses: [169.254.169.254/32]',
    ],
)
def test_what_is_opened_public_or_a_name_is_not(provider):
    assert [] == told(provider)
