"""Map errors of the operating system and of TLS to failure reasons; and the error of a call that is cut off.

Codes are compared, messages are not read: OpenSSL's quote nothing of the peer's, but they change with its versions.
"""

import asyncio
import errno
import socket
import ssl

from outgate.errors import FailureReason as Reason


class CutOffError(asyncio.CancelledError):
    """The task was cancelled when the request had been written: the provider may have received it, and may bill it."""


_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_CERTIFICATE = {
    2: Reason.TLS_CERTIFICATE_UNKNOWN_AUTHORITY,
    9: Reason.TLS_CERTIFICATE_NOT_YET_VALID,
    10: Reason.TLS_CERTIFICATE_EXPIRED,
    18: Reason.TLS_CERTIFICATE_UNKNOWN_AUTHORITY,
    19: Reason.TLS_CERTIFICATE_UNKNOWN_AUTHORITY,
    20: Reason.TLS_CERTIFICATE_UNKNOWN_AUTHORITY,
    21: Reason.TLS_CERTIFICATE_UNKNOWN_AUTHORITY,
    23: Reason.TLS_CERTIFICATE_REVOKED,
    62: Reason.TLS_CERTIFICATE_WRONG_NAME,
    64: Reason.TLS_CERTIFICATE_WRONG_NAME,
}
"""X509_V_ERR_* of OpenSSL's x509_vfy.h: issuer not found (2, 20), dates, self-signed (18, 19), no chain (21),
revoked (23), host, address."""
_TLS = {
    "WRONG_VERSION_NUMBER": Reason.TLS_NOT_SPOKEN,
    "HTTP_REQUEST": Reason.TLS_NOT_SPOKEN,
    "PACKET_LENGTH_TOO_LONG": Reason.TLS_NOT_SPOKEN,
    "RECORD_LAYER_FAILURE": Reason.TLS_NOT_SPOKEN,
    "UNEXPECTED_EOF_WHILE_READING": Reason.TLS_CLOSED,
    "UNSUPPORTED_PROTOCOL": Reason.TLS_VERSION_NOT_AGREED,
    "TLSV1_ALERT_PROTOCOL_VERSION": Reason.TLS_VERSION_NOT_AGREED,
    "TLSV1_ALERT_UNKNOWN_CA": Reason.TLS_CLIENT_CERTIFICATE_REFUSED,
    "TLSV1_ALERT_ACCESS_DENIED": Reason.TLS_CLIENT_CERTIFICATE_REFUSED,
}


def of_lookup(error: Exception) -> Reason:
    """Why a name has no address (RFC 3493 section 6.1)."""
    gone = isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME)
    return Reason.LOOKUP_NAME_NOT_FOUND if gone else Reason.LOOKUP_FAILED


def of_connect(error: Exception) -> Reason:
    """Why an address could not be connected; of several, only what they have in common."""
    number = getattr(error, "errno", None)
    if number == errno.ECONNREFUSED:
        return Reason.CONNECT_REFUSED
    if number == errno.ETIMEDOUT:
        return Reason.CONNECT_TIMED_OUT
    return Reason.CONNECT_UNREACHABLE if number in _UNREACHABLE else Reason.CONNECT_FAILED


def of_tls(error: OSError) -> Reason:
    """Why a handshake failed, or what the peer said of ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, Reason.TLS_CERTIFICATE_INVALID)
    if not isinstance(error, ssl.SSLError):
        return Reason.TLS_CLOSED
    name = error.reason or ""
    if name in _TLS:
        return _TLS[name]
    if "ALERT" not in name:
        return Reason.TLS_FAILED
    return Reason.TLS_CLIENT_CERTIFICATE_REFUSED if "CERTIFICATE" in name else Reason.TLS_REFUSED
