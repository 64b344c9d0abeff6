"""Trust of the client: names, roots, validity, client certificates, and sessions that stay with their backend."""

import asyncio
import datetime as dt
import socket
import ssl
import threading

import pytest
import trustme

from outgate.errors import FailureKind, FailureReason
from outgate.upstreams.catalog import TlsSettings
from outgate.upstreams.tls import check_tls, pin_of, verify_names
from support.certificates import revoked
from upstreams.calling import bound, failure, request, whole
from upstreams.tls_server import CA, Clients, Server, aio, backend, pem

_YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


def _expired() -> trustme.LeafCert:
    return CA.issue_cert("api.test", not_before=_YESTERDAY - dt.timedelta(days=9), not_after=_YESTERDAY)


def _future() -> trustme.LeafCert:
    return CA.issue_cert("api.test", not_before=_YESTERDAY + dt.timedelta(days=2))


_OURS = TlsSettings(ca_files=(pem(),))
_WRONG_NAME = "certificate_wrong_name"


@pytest.mark.parametrize(
    ("server", "tls", "why"),
    [
        pytest.param({"ca": trustme.CA()}, _OURS, "certificate_unknown_authority", id="wrong CA"),
        pytest.param({}, TlsSettings(), "certificate_unknown_authority", id="own CA is not among the public roots"),
        pytest.param({"leaf": _expired()}, _OURS, "certificate_expired", id="expired"),
        pytest.param({"leaf": _future()}, _OURS, "certificate_not_yet_valid", id="not yet valid"),
        pytest.param({"leaf": CA.issue_cert("other.test")}, _OURS, _WRONG_NAME, id="wrong name"),
        pytest.param({"leaf": CA.issue_cert("*.api.test")}, _OURS, _WRONG_NAME, id="wildcard does not cover its parent"),
        pytest.param({"leaf": CA.issue_cert("127.0.0.1")}, _OURS, _WRONG_NAME, id="the dialled address is not the name"),
        pytest.param({}, TlsSettings(ca_files=(pem(),), sni="front.test"), _WRONG_NAME, id="name follows the SNI"),
        pytest.param({}, TlsSettings(ca_files=(pem(),), san=("spare.test",)), _WRONG_NAME, id="not in the accepted names"),
        pytest.param({}, TlsSettings(ca_files=("/nonexistent/ca.pem",)), "files_unusable", id="missing file"),
    ],
)
@aio
async def test_refused(server: dict, tls: TlsSettings, why: str) -> None:
    async with Server(**server) as listener, Clients() as client:
        error = await failure(client, request(backend(listener, tls=tls)))

    assert (FailureKind.TLS, f"tls.{why}") == (error.kind, error.reason)
    assert [] == listener.seen


@pytest.mark.parametrize("key", ["leaf", "authority"])
@aio
async def test_a_pinned_key_anywhere_in_the_chain_passes_also_where_a_session_is_resumed(key: str) -> None:
    leaf = CA.issue_cert("api.test")
    pem_of = {"leaf": leaf.cert_chain_pems[0], "authority": CA.cert_pem}[key]
    tls = TlsSettings(ca_files=(pem(),), pins=("A" * 43 + "=", pin_of(ssl.PEM_cert_to_DER_cert(pem_of.bytes().decode()))))
    async with Server(leaf=leaf) as server, Clients() as client:
        to = backend(server, tls=tls)
        await whole(client, request(to))
        client.keep(())
        statuses = [(await whole(client, request(to)))[0]]

    assert [200] == statuses


@aio
async def test_attack_another_key_of_a_trusted_authority_is_not_the_pinned_one() -> None:
    pinned = pin_of(ssl.PEM_cert_to_DER_cert(CA.issue_cert("api.test").cert_chain_pems[0].bytes().decode()))
    async with Server(leaf=CA.issue_cert("api.test")) as server, Clients() as client:
        to = backend(server, tls=TlsSettings(ca_files=(pem(),), pins=(pinned,)))
        error = await failure(client, request(to, auth=bound(to)))

    assert (FailureKind.TLS, "tls.certificate_not_pinned", []) == (error.kind, error.reason, server.seen)


@aio
async def test_a_revoked_certificate_is_refused_and_one_that_is_not_listed_passes(tmp_path) -> None:
    leaf, other = CA.issue_cert("api.test"), CA.issue_cert("api.test")
    tls = TlsSettings(ca_files=(pem(),), crl_files=(revoked(tmp_path, CA, leaf),))
    async with Server(leaf=leaf) as bad, Server(leaf=other) as good, Clients() as client:
        error = await failure(client, request(backend(bad, tls=tls)))
        status, _ = await whole(client, request(backend(good, tls=tls)))

    assert (FailureKind.TLS, "tls.certificate_revoked", [], 200) == (error.kind, error.reason, bad.seen, status)


@aio
async def test_a_listener_without_tls_gets_nothing() -> None:
    got = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(4096))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with Server() as server, Clients() as client:
        server.port = listener.sockets[0].getsockname()[1]
        to = backend(server)
        error = await failure(client, request(to, auth=bound(to)))
    listener.close()

    assert (FailureKind.TLS, FailureReason.TLS_NOT_SPOKEN) == (error.kind, error.reason)
    assert b"canary" not in got[0] and b"POST" not in got[0]


@aio
async def test_missing_client_certificate_is_refused_after_the_handshake() -> None:
    """A blocking server, for asyncio's own sends no alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("api.test").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    CA.configure_trust(context)
    sock = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        accepted, _ = sock.accept()
        with context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False) as connection:
            with pytest.raises(ssl.SSLError):
                connection.do_handshake()
            connection.shutdown(socket.SHUT_WR)
            while socket.socket.recv(connection, 4096):  # a close with unread data would be a reset, and swallow the alert
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    async with Server() as server, Clients() as client:
        server.port = sock.getsockname()[1]
        error = await failure(client, request(backend(server)))
    await asyncio.to_thread(thread.join)
    sock.close()

    assert (FailureKind.TLS, FailureReason.TLS_CLIENT_CERTIFICATE_REFUSED) == (error.kind, error.reason)


@aio
async def test_old_protocol_versions_are_refused() -> None:
    async with Server() as server, Clients() as client:
        server.context.maximum_version = ssl.TLSVersion.TLSv1_2
        only_new = TlsSettings(ca_files=(pem(),), minimum="1.3")
        error = await failure(client, request(backend(server, tls=only_new)))
        status, _ = await whole(client, request(backend(server, name="old")))

    assert (FailureKind.TLS, 200) == (error.kind, status)


@aio
async def test_san_list_is_checked_instead_of_the_sni(tmp_path) -> None:
    async with Server(leaf=CA.issue_cert("*.inner.test", "10.0.0.7")) as server, Clients() as client:
        for number, name in enumerate(("a.inner.test", "10.0.0.7")):
            tls = TlsSettings(ca_files=(pem(),), sni="front.test", san=("no.test", name))
            assert (200, b"{}") == await whole(client, request(backend(server, name=str(number), tls=tls)))

    assert ["front.test", "front.test"] == [name for name, _ in server.handshakes]


@pytest.mark.parametrize(
    ("presented", "wanted", "fits"),
    [
        ("api.test", "API.test", True),
        ("*.api.test", "x.api.test", True),
        ("*.api.test", "x.y.api.test", False),
        ("*.api.test", ".api.test", False),
        ("*.api.test", "api.test", False),
        ("x*.api.test", "xy.api.test", False),
        ("api.test", "api.test.evil", False),
    ],
)
def test_names(presented: str, wanted: str, fits: bool) -> None:
    class Connection:
        def getpeercert(self):
            return {"subjectAltName": (("email", wanted), ("DNS", presented))}

    class Listener:
        tls, ca, names, port = True, CA, ("x",), 1

    to = backend(Listener(), tls=TlsSettings(san=(wanted,)))
    if fits:
        verify_names(to.origination, Connection())
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            verify_names(to.origination, Connection())


@aio
async def test_client_certificate_is_shown(tmp_path) -> None:
    own = CA.issue_cert("workload.test")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    tls = TlsSettings(ca_files=(pem(),), certificate=str(tmp_path / "own.pem"))
    async with Server(client_ca=CA) as server, Clients() as client:
        assert (200, b"{}") == await whole(client, request(backend(server, tls=tls)))


@aio
async def test_session_is_resumed_by_its_backend_alone() -> None:
    async with Server() as server, Clients() as client:
        for name in ("a", "a", "a", "b", "b"):
            to = backend(server, name=name)
            call = await client.open(request(to))
            await call.read()
            client._pool(to, to.origination).close()
            client._pool(to, to.origination)._closed = False

    assert [False, True, True, False, True] == [resumed for _, resumed in server.handshakes]


@pytest.mark.parametrize(
    "tls",
    [TlsSettings(ca_files=("/nonexistent",)), TlsSettings(ca_files=(__file__,)), TlsSettings(certificate=pem(), key=pem())],
)
@aio
async def test_unusable_files_are_a_problem_at_check(tls: TlsSettings) -> None:
    async with Server() as server:
        problems = check_tls(backend(server, tls=tls))
        fine = check_tls(backend(server)) + check_tls(backend(server, tls=TlsSettings(enabled=False, ca_files=("/nonexistent",))))

    assert (["E_TLS_FILE"], ()) == ([problem.code for problem in problems], fine)


@aio
async def test_files_that_are_torn_after_the_policy_was_taken_break_no_dial(tmp_path) -> None:
    roots = tmp_path / "ca.pem"
    roots.write_bytes(CA.cert_pem.bytes())
    async with Server() as server, Clients() as client:
        to = backend(server, tls=TlsSettings(ca_files=(str(roots),)))
        client.keep((to,))
        roots.write_bytes(CA.cert_pem.bytes()[:100])

        assert (200, b"{}") == await whole(client, request(to))


@aio
async def test_files_that_cannot_be_used_break_their_own_backend_alone() -> None:
    async with Server() as server, Clients() as client:
        broken, fine = backend(server, name="broken", tls=TlsSettings(ca_files=("/nonexistent",))), backend(server)
        client.keep((broken, fine))

        assert (200, b"{}") == await whole(client, request(fine))
        assert FailureKind.TLS == (await failure(client, request(broken))).kind
