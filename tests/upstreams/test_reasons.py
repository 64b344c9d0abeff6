"""Errors of the system and of TLS get names of our own; what a peer says is in none of them."""

import errno
import re
import socket
import ssl

import pytest

from outgate.errors import FailureReason
from outgate.upstreams.reasons import of_connect, of_lookup, of_tls


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "canary"), "lookup.name_not_found"),
        (socket.gaierror(socket.EAI_NODATA, "canary"), "lookup.name_not_found"),
        (socket.gaierror(socket.EAI_AGAIN, "canary"), "lookup.failed"),
        (OSError(errno.EMFILE, "canary"), "lookup.failed"),
        (UnicodeError("canary"), "lookup.name_not_found"),
    ],
)
def test_look_ups(error, reason):
    assert reason == of_lookup(error)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "canary"), "connect.refused"),
        (OSError(errno.ECONNREFUSED, "Multiple exceptions: canary"), "connect.refused"),
        (OSError(errno.ENETUNREACH, "canary"), "connect.unreachable"),
        (OSError(errno.EHOSTUNREACH, "canary"), "connect.unreachable"),
        (TimeoutError(errno.ETIMEDOUT, "canary"), "connect.timed_out"),
        (OSError("Multiple exceptions: canary"), "connect.failed"),
        (RuntimeError("canary"), "connect.failed"),
    ],
)
def test_connects(error, reason):
    assert reason == of_connect(error)


def _tls(name, kind=ssl.SSLError):
    error = kind(1, "canary")
    error.reason = name
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_tls("WRONG_VERSION_NUMBER"), "tls.not_spoken"),
        (_tls("TLSV1_ALERT_PROTOCOL_VERSION"), "tls.version_not_agreed"),
        (_tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "tls.client_certificate_refused"),
        (_tls("SSLV3_ALERT_BAD_CERTIFICATE"), "tls.client_certificate_refused"),
        (_tls("TLSV1_ALERT_UNKNOWN_CA"), "tls.client_certificate_refused"),
        (_tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), "tls.refused"),
        (_tls("TLSV1_ALERT_INTERNAL_ERROR"), "tls.refused"),
        (_tls("UNEXPECTED_EOF_WHILE_READING"), "tls.closed"),
        (_tls("CANARY"), "tls.failed"),
        (_tls(None), "tls.failed"),
        (ConnectionResetError("canary"), "tls.closed"),
    ],
)
def test_handshakes(error, reason):
    assert reason == of_tls(error)


def test_a_certificate_fault_without_a_name_of_its_own_is_still_one_of_the_certificate():
    error = ssl.SSLCertVerificationError(1, "canary")
    error.verify_code = 79

    assert FailureReason.TLS_CERTIFICATE_INVALID == of_tls(error)


def test_every_reason_is_a_phase_and_a_name():
    phases = {reason.partition(".")[0] for reason in FailureReason}

    assert {"queue", "lookup", "connect", "tls", "head", "answer"} == phases
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", reason) for reason in FailureReason)
