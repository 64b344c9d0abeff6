"""A31 on the real line: a provider that is not who the policy says gets nothing. And the words of Gateway API for the same."""

import datetime as dt
import re
import ssl
from contextlib import ExitStack

import openai
import pytest
import trustme

from e2e.world import OPENAI_KEY, World, openai_client
from outgate.upstreams.tls import pin_of
from support.certificates import revoked
from support.scripted_upstream import ScriptedUpstream

HOST = "api.openai.com"
MESSAGES = [{"role": "user", "content": "hi"}]


def ask(gateway):
    return openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)


@pytest.fixture(name="serving")
def _serving(tmp_path, providers):
    """A gateway whose provider `openai` is a server of ours: its certificate and the `tls` of the policy by the test."""
    with ExitStack() as stack:

        def start(tls, host="host: api.openai.com", **server):
            provider = stack.enter_context(ScriptedUpstream(HOST, **({"ca": providers[0].ca} | server)))
            world = World(tmp_path, *providers)
            policy = world.policy()
            text = policy.read_text().replace(f"127.0.0.1:{providers[0].port}", f"127.0.0.1:{provider.port}")
            before, _, after = text.partition(f"tls: {{ca: {tmp_path / 'upstream-ca.pem'}}}")
            policy.write_text(f"{before}tls: {{{tls}}}{after}".replace("host: api.openai.com", host))
            return provider, stack.enter_context(world.inside(policy))

        yield start


def pin(leaf):
    return pin_of(ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()))


@pytest.mark.parametrize("fault", ["wrong CA", "expired", "revoked", "not pinned", "no client certificate"])
def test_A31_a_provider_that_is_not_the_one_meant_gets_nothing(serving, providers, tmp_path, fault, caplog):
    ca, ours = providers[0].ca, "ca: upstream-ca.pem"
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    leaf = ca.issue_cert(HOST)
    tls, server, reason = {
        "wrong CA": (ours, {"ca": trustme.CA()}, "tls.certificate_unknown_authority"),
        "expired": (
            ours,
            {"leaf": ca.issue_cert(HOST, not_before=past - dt.timedelta(9), not_after=past)},
            "tls.certificate_expired",
        ),
        "revoked": (f"{ours}, crl: [{revoked(tmp_path, ca, leaf)}]", {"leaf": leaf}, "tls.certificate_revoked"),
        "not pinned": (f"{ours}, pins: [{pin(leaf)}]", {"leaf": ca.issue_cert(HOST)}, "tls.certificate_not_pinned"),
        "no client certificate": (
            ours,
            {"client_ca": ca.cert_pem.bytes(), "mutual": True},
            "tls.client_certificate_refused|head.closed",
        ),
    }[fault]
    provider, gateway = serving(tls, **server)
    with pytest.raises(openai.InternalServerError) as raised:
        ask(gateway)

    assert (502, []) == (raised.value.status_code, provider.seen)
    assert OPENAI_KEY not in raised.value.response.text
    assert re.search(f"failed 502 [a-z_]+ of ({reason}) at", caplog.text)


def test_a_provider_in_the_words_of_gateway_api_is_the_same_provider(serving, providers, tmp_path):
    leaf = providers[0].ca.issue_cert("spare.example")
    provider, gateway = serving(
        "mode: ServerOnly, validation: {hostname: sni.example, subjectAltNames: [{type: Hostname, hostname: spare.example}], "
        f"caCertificateRefs: [{{name: upstream-ca.pem}}]}}, pins: [{pin(leaf)}]",
        "externalHostname: {hostname: api.openai.com}, failureMode: FailClosed".replace(", ", "\n    "),
        leaf=leaf,
    )
    ask(gateway)

    (seen,) = provider.seen
    assert ("api.openai.com", "sni.example", f"Bearer {OPENAI_KEY}") == (
        seen.header("host"), seen.sni, seen.header("authorization")
    )  # fmt: skip
