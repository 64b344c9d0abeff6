"""Who a client certificate says a workload is: on the TLS connection to the gateway itself, never inside a tunnel.

mitmproxy's own `request_client_cert` asks for a certificate and accepts any; here it is verified against the policy's client CA.
The identity is the SPIFFE id (the one URI among the subject's alternative names; more than one is none, X509-SVID section 2), or
else the common name of the subject.
"""

from pathlib import Path

from cryptography import x509
from mitmproxy import ctx
from mitmproxy.connection import Client
from mitmproxy.proxy.layers import modes
from mitmproxy.tls import TlsData
from OpenSSL import SSL


class ClientIdentity:
    """Verifies client certificates against the CA certificates of `ca_file` (PEM)."""

    def __init__(self, ca_file: Path) -> None:
        self._trusted = x509.load_pem_x509_certificates(ca_file.read_bytes())

    def start(self, tls_start: TlsData) -> None:
        """Ask the outer TLS handshake for a certificate; one that does not verify ends the handshake, none is allowed."""
        if not _is_outer(tls_start):
            return
        ctx.master.addons.get("tlsconfig").tls_start_client(tls_start)
        connection = tls_start.ssl_conn
        assert isinstance(connection, SSL.Connection)
        store = connection.get_context().get_cert_store()
        assert store is not None
        for certificate in self._trusted:
            store.add_cert(certificate)
        connection.get_context().set_session_id(b"outgate")  # OpenSSL refuses to resume a verified session without one
        connection.set_verify(SSL.VERIFY_PEER, _verified)


def _is_outer(tls_start: TlsData) -> bool:
    layers = tls_start.context.layers
    return len(layers) == 2 and isinstance(layers[0], modes.HttpProxy)


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
