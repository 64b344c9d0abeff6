"""Terminate TLS on the connection to the gateway itself, never inside a tunnel: ALPN http/1.1, and verified client certificates.

A client that has a proxy behind TLS sends CONNECT there, which mitmproxy does not speak over HTTP/2 (it means to agree on HTTP/1.1
there, and misses it). Who offers HTTP/2 alone can only mean a base URL, and is served so.

mitmproxy's own `request_client_cert` asks for a certificate and accepts any; here it is verified against the policy's client CA.
The identity is the SPIFFE id (the one URI among the subject's alternative names; more than one is none, X509-SVID section 2), or
else the common name of the subject.
"""

from pathlib import Path
from typing import Any

from cryptography import x509
from mitmproxy import ctx
from mitmproxy.connection import Client
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.tls import TlsData
from OpenSSL import SSL
from OpenSSL.crypto import X509

from outgate.net.authority import parse_authority

_HTTP1 = b"http/1.1"


def is_outer(tls_start: TlsData) -> bool:
    """The first layer of an explicit proxy's connection is TLS, and no other is: that of a tunnel comes after an HTTP layer."""
    stack = tls_start.context.layers
    tls = [each for each in stack if isinstance(each, ClientTLSLayer)]
    return isinstance(stack[0], modes.HttpProxy) and tls == stack[1:2]


def agree_on_http1(tls_start: TlsData) -> None:
    """Where that is an outer handshake that no other addon has taken over, and its client offers HTTP/1.1."""
    if not is_outer(tls_start) or _HTTP1 not in tls_start.context.client.alpn_offers:
        return
    if tls_start.ssl_conn is None:  # else mitmproxy's own addon came first
        ctx.master.addons.get("tlsconfig").tls_start_client(tls_start)
    assert tls_start.ssl_conn is not None
    tls_start.ssl_conn.get_app_data()["client_alpn"] = _HTTP1


def accept_outside(tls_start: TlsData, identity: "ClientIdentity | None", *, named: bool) -> None:
    """Any handshake that is not in a tunnel. Not `named`: with the leaf of the gateway's address, whatever the SNI says, which is
    judged with the request.
    """
    client = tls_start.context.client
    sni = client.sni
    client.sni = sni if named else None
    try:
        if identity is not None:
            identity.start(tls_start)
        else:
            agree_on_http1(tls_start)
        if not named and tls_start.ssl_conn is None:
            ctx.master.addons.get("tlsconfig").tls_start_client(tls_start)
    finally:
        client.sni = sni


def accept_in_tunnel(tls_start: TlsData, authority: str, *, http1: bool) -> None:
    """Mint for the name of the CONNECT whatever the SNI says, which is judged with the request: strangers to the policy, and their
    spellings, are not what a certificate is made for. `http1` agrees on nothing but HTTP/1.1.
    """
    if tls_start.ssl_conn is None:
        client, server = tls_start.context.client, tls_start.context.server
        target = parse_authority(authority)
        sni, address = client.sni, server.address
        client.sni, server.address = target.host, (target.host, target.port)
        try:
            ctx.master.addons.get("tlsconfig").tls_start_client(tls_start)
        finally:
            client.sni, server.address = sni, address
    if http1:
        assert tls_start.ssl_conn is not None
        tls_start.ssl_conn.get_app_data()["client_alpn"] = _HTTP1


class ClientIdentity:
    """Verifies client certificates against the CA certificates of `ca_file` (PEM), and no others. Raises OSError or ValueError."""

    def __init__(self, ca_file: Path) -> None:
        self._context = context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_session_id(b"outgate")  # OpenSSL refuses to resume a verified session without one
        context.set_alpn_select_callback(_http1)
        context.set_verify(SSL.VERIFY_PEER, _verified)
        store = context.get_cert_store()
        assert store is not None
        for certificate in x509.load_pem_x509_certificates(ca_file.read_bytes()):
            store.add_cert(X509.from_cryptography(certificate))

    def start(self, tls_start: TlsData) -> None:
        """Ask the outer TLS handshake for a certificate; one that does not verify ends the handshake, none is allowed."""
        if not is_outer(tls_start):
            return
        minted = ctx.master.addons.get("tlsconfig").get_cert(tls_start.context)
        connection = SSL.Connection(self._context)
        connection.use_certificate(minted.cert.to_cryptography())
        connection.use_privatekey(minted.privatekey)
        connection.set_accept_state()
        tls_start.ssl_conn = connection


def _http1(_connection: SSL.Connection, offered: list[bytes]) -> Any:
    """A proxy's own connection carries CONNECT, which mitmproxy does not speak over HTTP/2."""
    return _HTTP1 if _HTTP1 in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _verified(_connection: SSL.Connection, _certificate: object, _error: int, _depth: int, preverified: int) -> bool:
    return bool(preverified)


def identity_of(client: Client) -> str:
    """The identity in the certificate that a client presented and OpenSSL verified; empty without one."""
    if not client.certificate_list:
        return ""
    certificate = client.certificate_list[0].to_cryptography()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    if uris:
        return uris[0] if len(uris) == 1 else ""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else ""
