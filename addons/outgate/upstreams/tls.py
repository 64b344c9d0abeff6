"""TLS client contexts: trusted roots, revoked certificates, pins, client certificate, verified names, resumed sessions.

One context per backend: its own roots, its own client certificate, its own sessions, so that nothing crosses between backends.
"""

import base64
import hashlib
import ssl
from typing import Any

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from outgate.errors import Problem
from outgate.upstreams.catalog import Backend, Origination

_MINIMUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class ResumingContext(ssl.SSLContext):
    """A client context that offers the last verified session of a server name.

    asyncio and uvloop have no argument for a session; both call `wrap_bio`.
    """

    _verified: dict[str, ssl.SSLObject]

    def wrap_bio(
        self, incoming: Any, outgoing: Any, server_side: Any = False, server_hostname: Any = None, session: Any = None
    ) -> Any:
        last = self._verified.get(server_hostname)
        offered = session or (last.session if last is not None else None)
        return super().wrap_bio(incoming, outgoing, server_side=server_side, server_hostname=server_hostname, session=offered)

    def remember(self, server_name: str, connection: ssl.SSLObject) -> None:
        """Offer this connection's session next time. The object is kept, for TLS 1.3 tickets come after the handshake."""
        self._verified[server_name] = connection


def context_for(origination: Origination) -> ResumingContext:
    """The TLS client context. Raises OSError (ssl.SSLError with it) where a file is missing or malformed."""
    settings = origination.tls
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context._verified = {}  # noqa: SLF001 - a context has no constructor of its own to set it in
    context.minimum_version = _MINIMUM[settings.minimum]
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    for file in settings.ca_files or (certifi.where(),):
        context.load_verify_locations(file)
    for file in settings.crl_files:
        context.load_verify_locations(file)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None, password="")  # else a terminal is asked for one
    context.set_alpn_protocols(list(origination.alpn))
    context.check_hostname = _is_openssls(origination)  # else `verify_names` does, against the names of the policy
    return context


def verify_names(origination: Origination, connection: ssl.SSLObject) -> None:
    """Check the certificate against `verified`, where that is not the SNI alone. Raises ssl.SSLCertVerificationError."""
    if _is_openssls(origination):
        return
    wanted = origination.verified
    certificate: dict[str, Any] = connection.getpeercert() or {}
    names = certificate.get("subjectAltName", ())
    if not any(_matches(kind, value.lower(), name.lower()) for kind, value in names for name in wanted):
        raise ssl.SSLCertVerificationError("the certificate carries none of the accepted names")


class NotPinnedError(ssl.SSLCertVerificationError):
    """A chain that verifies, and has none of the pinned keys."""


def verify_pins(origination: Origination, connection: ssl.SSLObject) -> None:
    """Check that a key of the verified chain is pinned (RFC 7469 section 2.6), where any is. Raises NotPinnedError.

    A session that is resumed was lent by a connection that passed: the server shows no chain there.
    """
    pins = origination.tls.pins
    if pins and not connection.session_reused and not any(pin_of(each) in pins for each in connection.get_verified_chain()):
        raise NotPinnedError("no certificate of the chain has a pinned key")


def pin_of(certificate: bytes) -> str:
    """The pin of a certificate in DER: base64 of the SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4)."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def _is_openssls(origination: Origination) -> bool:
    """Whether the one name to verify is the one sent: the case that OpenSSL verifies itself, in the handshake."""
    return origination.verified == (origination.sni,)


def _matches(kind: str, presented: str, wanted: str) -> bool:
    """RFC 9525 section 6.3: equal, or a wildcard that is the whole left-most label."""
    if kind == "DNS" and presented.startswith("*."):
        return presented[1:] == wanted[wanted.find(".") :] and wanted.find(".") > 0
    return kind in ("DNS", "IP Address", "URI") and presented == wanted


def check_tls(backend: Backend) -> tuple[Problem, ...]:
    """What is wrong with the files of the backend's TLS settings, for `outgate check` and every reload."""
    if not backend.tls.enabled:
        return ()
    try:
        context_for(backend.origination)
    except OSError:
        message = f"backend {backend.name!r}: the TLS files are malformed, or key and certificate do not belong together"
        repair = "give PEM files of certificates, and the key of the client certificate, without a passphrase"
        return (Problem(code="E_TLS_FILE", message=message, repair=repair),)
    return ()
