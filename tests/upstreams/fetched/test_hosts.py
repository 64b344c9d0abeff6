"""Hosts that a source may call: its own, the policy's settings for them, and a metadata server only where it is named."""

from ipaddress import ip_address

import pytest

from outgate.net.addresses import allowed
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.fetched.hosts import hosts_of, place_of
from outgate.upstreams.fetched.settings import AwsSettings, AzureSettings, GoogleSettings, OauthSettings

ROLE = {"role": "arn:aws:iam::123456789012:role/outgate", "region": "eu-central-1", "access_keys": {"env": "A"}}
OAUTH = {"token_url": "https://login.corp.example:8443/t", "assertion_file": "f"}


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        (OauthSettings(**OAUTH), ["login.corp.example:8443"]),
        (AzureSettings(tenant="t", client_id="c", client_secret={"env": "A"}), ["login.microsoftonline.com:443"]),
        (AzureSettings(managed_identity=True), ["169.254.169.254:80"]),
        (AwsSettings(**ROLE), ["sts.eu-central-1.amazonaws.com:443"]),
        (AwsSettings(**ROLE | {"host": "sts.inside"}), ["sts.inside:443"]),
    ],
)
def test_each_source_calls_its_own(settings, hosts):
    assert hosts == [f"{each.host}:{each.port}" for each in hosts_of(settings, {})]


def test_google_calls_the_metadata_server_only_without_a_file():
    assert "metadata.google.internal" == hosts_of(GoogleSettings(), {})[0].host
    assert "metadata" not in str(hosts_of(GoogleSettings(file="key.json"), {}))
    assert "sts.eu.rep.googleapis.com" in str(hosts_of(GoogleSettings(hosts=("sts.eu.rep.googleapis.com",)), {}))


def test_a_metadata_server_opens_one_address_and_no_more():
    (backend,) = hosts_of(AzureSettings(managed_identity=True), {})

    assert [True, False, False] == [
        allowed(ip_address(each), backend.allow_addresses) for each in ("169.254.169.254", "169.254.170.2", "10.0.0.1")
    ]
    assert not backend.tls.enabled


def test_the_provider_of_the_policy_stands_for_its_host():
    own = Backend(
        name="login", provider="login", dialect="none", host="login.corp.example", port=8443,
        endpoints=(Endpoint(name="e", host="10.0.0.9", port=8443),),
    )  # fmt: skip

    assert (own,) == hosts_of(OauthSettings(**OAUTH), {"login.corp.example:8443": own})


@pytest.mark.parametrize(
    ("url", "place"), [("https://a.example/t", "a.example:443"), ("http://a.example", "a.example:80"), ("https://a:8/", "a:8")]
)
def test_place_of_a_url(url, place):
    assert place == place_of(url)
