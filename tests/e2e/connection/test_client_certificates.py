"""A verified client certificate, on the TLS connection to the gateway itself, is a workload's identity; any other is nobody."""

import json
import socket
import ssl

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding

from e2e.load import BODY
from e2e.world import OPENAI_KEY, STAGES, TOKEN, World

SPIFFE = "spiffe://cluster.local/ns/default/sa/app"
CONNECT = b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n"


@pytest.fixture(name="authority", scope="module")
def _authority():
    return trustme.CA(organization_name="workloads")


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, authority, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("certificates"), *providers)
    (world.folder / "clients.pem").write_bytes(authority.cert_pem.bytes())
    policy = world.policy(STAGES, gateway="client_ca: clients.pem\nlimits: {head_seconds: 2}")
    policy.write_text(policy.read_text().replace("app: {tenant: t1,", f'app: {{tenant: t1, certificates: ["{SPIFFE}"],'))
    with world.gateway(policy) as running:
        yield running


def identity(authority, *uris):
    """A client certificate whose alternative names are these URIs."""
    from cryptography import x509

    key_and_chain = authority.issue_cert("workload.example")
    if not uris:
        return key_and_chain.private_key_and_cert_chain_pem.bytes()
    from datetime import UTC, datetime, timedelta

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    signer = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "workload")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + built.public_bytes(Encoding.PEM)


def outer(gateway, tmp_path, pem=None):
    """TLS to the gateway's own port. mitmproxy mints a certificate for the name in the SNI."""
    context = ssl.create_default_context(cafile=str(gateway.ca))
    if pem is not None:
        file = tmp_path / "client.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    link = socket.create_connection(("127.0.0.1", gateway.port), 10)
    return context.wrap_socket(link, server_hostname="gateway.example")


def inner(gateway, link):
    """TLS in TLS: the tunnel's own handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=str(gateway.ca)).wrap_bio(incoming, outgoing, server_hostname="api.openai.com")

    def pump(action):
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                link.sendall(outgoing.read())
                data = link.recv(65536)
                incoming.write(data) if data else incoming.write_eof()
            finally:
                if outgoing.pending:
                    link.sendall(outgoing.read())

    pump(tls.do_handshake)
    return tls, pump


def tunnelled(gateway, link):
    """The status of CONNECT and, where there is a tunnel, of one request in it."""
    link.sendall(CONNECT)
    status = int(link.recv(4096).split(b" ")[1])
    if status != 200:
        return status, None
    tls, pump = inner(gateway, link)
    body = json.dumps(BODY).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    pump(lambda: tls.write(head + body))
    return status, int(pump(lambda: tls.read(4096)).split(b" ")[1])


def test_a_verified_certificate_of_a_workload_opens_a_tunnel_without_any_token(gateway, authority, tmp_path, providers):
    with outer(gateway, tmp_path, identity(authority, SPIFFE)) as link:
        assert tunnelled(gateway, link) == (200, 200)

    assert providers[0].seen[-1].header("authorization") == f"Bearer {OPENAI_KEY}"


@pytest.mark.parametrize(
    "uris", [(), ("spiffe://cluster.local/ns/default/sa/stranger",), (SPIFFE, "spiffe://x/y"), (SPIFFE + "/more",)]
)
def test_a_verified_certificate_of_nobody_opens_none(gateway, authority, tmp_path, providers, uris):
    with outer(gateway, tmp_path, identity(authority, *uris)) as link:
        assert tunnelled(gateway, link) == (407, None)
    assert providers[0].seen == []


def test_without_a_certificate_a_token_still_counts_and_nothing_does_not(gateway, tmp_path, providers):
    with outer(gateway, tmp_path) as link:
        assert tunnelled(gateway, link) == (407, None)
    with outer(gateway, tmp_path) as link:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example\r\nauthorization: Bearer {TOKEN}\r\n"
        link.sendall(head.encode() + b"content-length: 2\r\n\r\n{}")
        assert b" 403 " in link.recv(4096)[:16], "an authority that no policy knows"
    assert providers[0].seen == []


@pytest.mark.parametrize("which", ["another authority", "self-signed name of ours"])
def test_a_certificate_of_another_authority_ends_the_handshake(gateway, tmp_path, providers, which):
    stranger = trustme.CA(organization_name="workloads" if "ours" in which else "others")
    with pytest.raises((ssl.SSLError, ConnectionError)), outer(gateway, tmp_path, identity(stranger, SPIFFE)) as link:
        link.sendall(CONNECT)
        if not link.recv(4096):
            raise ConnectionResetError
    assert providers[0].seen == []


def test_inside_a_tunnel_no_certificate_is_asked_for_and_none_counts(gateway, authority, tmp_path, providers):
    """A client that opens its tunnel without identity cannot bring one with the inner handshake."""
    link = socket.create_connection(("127.0.0.1", gateway.port), 10)
    with link:
        link.sendall(CONNECT)
        assert b" 407 " in link.recv(4096)[:16]
    assert providers[0].seen == []
