"""Attacks of those who have no token, on what it costs to answer them: tunnels asked for without end, and names to mint for."""

import asyncio
import socket
import ssl

import pytest
from cryptography import x509

from e2e.connection.test_refused_tunnels import basic
from e2e.world import TOKEN, World
from support.raw_client import Raw, request
from support.raw_client import basic as credentials

ASKED = b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n"


@pytest.fixture(name="inside", scope="module")
def _inside(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("strangers"), *providers)
    with world.inside(world.policy()) as gateway:
        yield gateway


def link(gateway, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", gateway.port), 20, source_address=(source, 0))


def heard(opened):
    came = b""
    while part := opened.recv(65536):
        came += part
    return came


def test_attack_tunnels_asked_for_without_end_are_answered_three_times(inside):
    with link(inside) as opened:
        opened.sendall(ASKED * 300)
        came = heard(opened)

    assert 3 == came.count(b"HTTP/1.1 407")
    assert 1 == came.count(b"connection: close")


def test_who_is_challenged_may_answer_on_the_same_connection(inside):
    async def run():
        host = "api.openai.com:443"
        async with Raw.to(inside) as raw:
            first = await raw.ask(request("CONNECT", host, host=host))
            return first, await raw.ask(request("CONNECT", host, host=host, fields=[credentials(TOKEN)]), tunnel=True)

    refused, opened = asyncio.run(run())

    assert (407, 200) == (refused.status, opened.status)
    assert "close" not in str(refused.fields)


def leaf(gateway, name, source="127.0.0.1", asked=b""):
    """Names in the certificate that is shown to who asks for this one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(link(gateway, source), server_hostname=name) as secured:
        shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))
        if asked:
            secured.sendall(asked)
            assert b" 200 " in secured.recv(4096)[:16]
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in names}


def test_attack_certificates_are_not_minted_for_a_stranger_without_end(inside):
    """Beyond its share it gets the gateway's own; a workload's name stays, and so do those of the policy and of other addresses."""
    tunnel = f"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n{basic(TOKEN)}\r\n\r\n".encode()
    assert {"known.test"} == leaf(inside, "known.test", "127.0.0.3", tunnel)

    shown = [leaf(inside, f"n{number}.test", "127.0.0.4") for number in range(20)]

    assert [{f"n{number}.test"} for number in range(8)] == shown[:8]
    assert [{"127.0.0.1"}] * 12 == shown[8:]
    for name in ("known.test", "api.openai.com", socket.gethostname().lower()):
        assert {name} == leaf(inside, name, "127.0.0.4")
    assert {"other.test"} == leaf(inside, "other.test", "127.0.0.5")
