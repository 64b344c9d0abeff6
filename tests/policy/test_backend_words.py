"""The words of Gateway API's XBackend: each is one of ours, and both at once are an error that names them."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_policy
from support.policies import BASE, write

OURS = "openai: {host: api.openai.com, dialect: openai, credential: {env: OPENAI_API_KEY}}"


def loaded(tmp_path, provider):
    assert OURS in BASE
    return load_policy(write(tmp_path, BASE.replace(OURS, f"openai: {{dialect: openai, {provider}}}")), elsewhere=True)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("externalHostname: {hostname: a.test}", "host: a.test"),
        ("externalHostname: {hostname: a.test}, failureMode: FailClosed", "host: a.test"),
        ("host: a.test, tls: {mode: None}", "host: a.test, tls: {enabled: false}"),
        ("host: a.test, tls: {mode: ServerOnly}", "host: a.test"),
        ("host: a.test, tls: {mode: ClientAndServer, client_certificate: c, client_key: k}",
         "host: a.test, tls: {client_certificate: c, client_key: k}"),
        ("host: a.test, tls: {mode: ServerOnly, validation: {hostname: b.test}}", "host: a.test, tls: {sni: b.test}"),
        ("host: a.test, tls: {validation: {wellKnownCACertificates: System}}", "host: a.test"),
        ("host: a.test, tls: {validation: {subjectAltNames: [{type: Hostname, hostname: b}, {type: URI, uri: 'spiffe://x/y'}]}}",
         "host: a.test, tls: {san: [b, 'spiffe://x/y']}"),
        ("host: a.test, tls: {validation: {caCertificateRefs: [{name: ca.pem, kind: ConfigMap, group: ''}]}}",
         "host: a.test, tls: {ca: [ca.pem]}"),
    ],
)  # fmt: skip
def test_each_word_is_one_of_ours(tmp_path, theirs, ours):
    assert loaded(tmp_path, theirs).catalog.backends == loaded(tmp_path, ours).catalog.backends


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("host: a.test, externalHostname: {hostname: b.test}", "`externalHostname.hostname` and `host` say the same"),
        ("host: a.test, tls: {mode: ServerOnly, enabled: true}", "`mode` and `enabled` say the same"),
        ("host: a.test, tls: {sni: x, validation: {hostname: x}}", "`validation.hostname` and `sni` say the same"),
        ("host: a.test, tls: {san: [x], validation: {subjectAltNames: [{hostname: x}]}}", "say the same"),
        ("host: a.test, tls: {ca: x, validation: {caCertificateRefs: [{name: x}]}}", "say the same"),
        ("host: a.test, failureMode: FailOpen", "on_error: open"),
        ("host: a.test, tls: {mode: Mutual}", "ClientAndServer"),
        ("host: a.test, tls: {mode: ClientAndServer}", "comes with client_certificate"),
        ("host: a.test, tls: {mode: ServerOnly, client_certificate: c, client_key: k}", "comes with client_certificate"),
        ("host: a.test, tls: {validation: {hostnames: x}}", "has these keys"),
        ("host: a.test, tls: {validation: {subjectAltNames: [x]}}", "subjectAltNames are"),
        ("host: a.test, tls: {validation: {caCertificateRefs: []}}", "caCertificateRefs are"),
        ("externalHostname: a.test", "has these keys"),
        ("host: a.test, tls: {pins: [abc]}", "pins"),
    ],
)
def test_what_cannot_be_kept_is_an_error_in_its_own_words(tmp_path, provider, told):
    with pytest.raises(PolicyError) as raised:
        loaded(tmp_path, provider)

    assert told in str(raised.value)
