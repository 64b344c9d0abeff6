from decimal import Decimal
from ipaddress import ip_network

import pytest
import trustme

from outgate.errors import PolicyError
from outgate.inference.usage import Usage
from outgate.metering.prices import Prices
from outgate.model_server.embedders import Embedder
from outgate.policy.load import load_policy
from outgate.policy.source import read_source
from outgate.policy.stage_types import Ports
from outgate.policy.validate import validate
from outgate.policy.values import embedders_of
from support.policies import write

TEXT = """\
providers:
  inside:
    host: models.test
    port: 8443
    tls: {ca: ca.pem, client_certificate: c.pem, client_key: k.pem, sni: sni.test, san: [a.test], minimum: "1.3"}
    endpoints: [{address: "10.0.0.1:443", name: blue}, {address: "[fd00::1]:8443"}]
    allow_addresses: [10.0.0.0/8, "fd00::/8"]
    credential: {file: key.txt, header: X-Key, prefix: "K "}
    timeouts: {head: 7}
    max_in_flight: 3
  plain: {host: plain.test, tls: {enabled: false}, port: 80}
workloads:
  w:
    tenant: t
    groups: [g]
    certificates: [spiffe://x/w]
    jwt: [{issuer: i, audience: a, jwks: {file: jwks.json}, claims: {sub: s}}]
stages: {authenticate: {}, authorize: {}}
"""


FETCHED = """\
providers:
  by_oauth:
    host: a.test
    credential: {oauth: {token_url: "https://login.test/t", client_id: c, client_secret: {file: secret.txt}}}
  by_role:
    host: b.test
    credential:
      sigv4: {service: bedrock, region: r}
      aws: {role: "arn:aws:iam::123456789012:role/r", region: r, web_identity_token_file: token}
  by_turns: {host: c.test, credential: {keys: [{env: KEY}, {google: {file: key.json}}]}}
  login: {host: login.test, dialect: none, endpoints: [{address: "10.0.0.9:443"}], allow_addresses: [10.0.0.0/8]}
stages: {authenticate: {}, authorize: {}}
"""


def test_a_token_is_fetched_at_the_provider_of_its_host_with_files_from_the_policys_folder(tmp_path):
    by_oauth, by_role, by_turns, login = load_policy(write(tmp_path, FETCHED)).catalog.backends

    assert (login,) == by_oauth.credential.grant.hosts
    assert str(tmp_path / "secret.txt") == by_oauth.credential.grant.settings.client_secret.file
    assert str(tmp_path / "token") == by_role.credential.grant.settings.web_identity_token_file
    assert str(tmp_path / "key.json") == by_turns.credential.keys[1].grant.settings.file
    assert [True, True, False] == [each.credential.bears for each in (by_oauth, by_role, by_turns)]
    assert all(each.credential.waits for each in (by_oauth, by_role, by_turns))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("https://login.test/t", "http://login.test/t", "E_TOKEN_URL"),
        ("https://login.test/t", "http://elsewhere.test/t", "E_TOKEN_URL"),
        ("dialect: none,", "dialect: none, tls: {enabled: false}, port: 443,", "E_TOKEN_URL"),
        ("sigv4: {service: bedrock, region: r}", "", "E_VALUE"),
        ("client_secret: {file: secret.txt}", "", "E_VALUE"),
        ("client_secret: {file: secret.txt}", "client_secret: hunter2", "E_SECRET_INLINE"),
        ("{env: KEY}", "{env: KEY, azure: {managed_identity: true}}", "E_VALUE"),
        ("role/r", "user/r", "E_VALUE"),
        ("google: {file: key.json}", "google: {self_signed: true}", "E_VALUE"),
    ],
)
def test_a_token_that_could_not_be_fetched_so_is_an_error(tmp_path, before, after, code):
    assert before in FETCHED
    with pytest.raises(PolicyError) as raised:
        load_policy(write(tmp_path, FETCHED.replace(before, after)))

    assert code in {each.code for each in raised.value.problems}


def test_sections_become_backends_and_workloads_with_paths_from_the_policys_folder(tmp_path):
    authority = trustme.CA()
    own = authority.issue_cert("own.test")
    for name, blob in {"ca.pem": authority.cert_pem, "c.pem": own.cert_chain_pems[0], "k.pem": own.private_key_pem}.items():
        blob.write_to_path(tmp_path / name)
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    policy = load_policy(write(tmp_path, TEXT))
    inside, plain = policy.catalog.backends

    assert ("models.test:8443", "sni.test", "1.3", ("a.test",)) == (
        inside.authority,
        inside.server_name,
        inside.tls.minimum,
        inside.tls.san,
    )
    assert ((str(tmp_path / "ca.pem"),), str(tmp_path / "k.pem")) == (inside.tls.ca_files, inside.tls.key)
    assert [("blue", "10.0.0.1", 443), ("[fd00::1]:8443", "fd00::1", 8443)] == [(e.name, e.host, e.port) for e in inside.endpoints]
    assert (ip_network("10.0.0.0/8"), ip_network("fd00::/8")) == inside.allow_addresses
    assert (str(tmp_path / "key.txt"), "X-Key", "K ") == (
        inside.credential.file,
        inside.credential.header,
        inside.credential.prefix,
    )
    assert (7, 3) == (inside.timeouts.head, inside.max_in_flight)
    assert [("plain", "plain.test", 80)] == [(e.name, e.host, e.port) for e in plain.endpoints]
    assert (False, None) == (plain.tls.enabled, plain.credential)
    (workload,) = policy.workloads.all
    assert ("t", frozenset({"g"}), frozenset({"spiffe://x/w"})) == (workload.tenant, workload.groups, workload.certificates)
    assert (str(tmp_path / "jwks.json"), (("sub", "s"),)) == (workload.jwt[0].jwks_file, workload.jwt[0].claims)


def test_a_policys_prices_are_exact_and_go_before_those_that_come_with_the_gateway(tmp_path):
    prices = "{gpt-4o-mini: {input: 0.1, output: 0.4, cached: 0.05}}"
    providers = f"providers: {{openai: {{host: api.openai.com, prices: {prices}}}}}"
    text = providers + "\nstages: {authenticate: {}, authorize: {}, close_exchange: {}}\n"
    given = Prices(lambda: 0.0)
    policy = load_policy(write(tmp_path, text), Ports(prices=given))
    (meter,) = (stage for stage in policy.stages if stage.name == "close_exchange")
    usage = Usage(input_tokens=3, output_tokens=1, cached_tokens=1)

    assert Decimal("0.00000065") == meter._prices.cost("openai", "gpt-4o-mini", usage)
    assert given.cost("openai", "gpt-4o", usage) == meter._prices.cost("openai", "gpt-4o", usage)
    assert Decimal("0.00000065") != given.cost("openai", "gpt-4o-mini", usage)


MODELS = "models: {exact: {precision: fp32}, own: {engine: sentence-transformers, path: bge}}\n"


def test_models_become_embedders_with_paths_from_the_policys_folder(tmp_path):
    (tmp_path / "bge").mkdir()
    (tmp_path / "bge/config.json").write_text("{}")
    source = read_source(write(tmp_path, MODELS + TEXT))
    embedders = embedders_of(source, validate(source)[0].policy)

    assert Embedder.packaged("fp32") == embedders.named("exact")
    assert Embedder.in_folder(tmp_path / "bge") == embedders.named("own")
    assert Embedder.packaged("int8") == embedders.named("default")
