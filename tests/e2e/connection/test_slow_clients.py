"""Idle and slow connections: closed by deadlines, while honest clients are served."""

import socket
import ssl
import time
from base64 import b64encode

import pytest

from e2e.world import STAGES, TOKEN, World

LIMITS = "limits: {head_seconds: 0.6, body_seconds: 1, idle_seconds: 4}"
IN_TIME = 9
"""Seconds: sooner than a head's ten, which a gateway gives that was told no limits."""
CREDENTIALS = b64encode(f"app:{TOKEN}".encode())
CONNECT = b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\nProxy-Authorization: Basic %b\r\n\r\n" % CREDENTIALS


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("slow"), *providers)
    with world.inside(world.policy(STAGES, gateway=LIMITS)) as running:
        yield running


def connect(gateway):
    return socket.create_connection(("127.0.0.1", gateway.port), 10)


def tunnel(gateway, *, tls=True):
    link = connect(gateway)
    link.sendall(CONNECT)
    assert b" 200 " in link.recv(4096)[:16]
    return ssl.create_default_context(cafile=str(gateway.ca)).wrap_socket(link, server_hostname="api.openai.com") if tls else link


def closed_within(link, seconds, trickle=b""):
    """The bytes that came until the gateway closed, or None where it did not in time. `trickle` is sent byte by byte meanwhile."""
    end, came = time.monotonic() + seconds, b""
    link.settimeout(0.1)
    while time.monotonic() < end:
        try:
            if trickle:
                link.sendall(trickle[:1])
            part = link.recv(4096)
            if not part:
                return came
            came += part
        except TimeoutError:
            continue
        except OSError:
            return came
    return None


def silent(gateway):
    return connect(gateway), b""


def tunnel_without_handshake(gateway):
    return tunnel(gateway, tls=False), b""


def half_a_hello(gateway):
    link = tunnel(gateway, tls=False)
    link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return link, b""


def trickled_head(gateway):
    link = tunnel(gateway)
    link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nX: ")
    return link, b"a"


def trickled_body(gateway):
    link = tunnel(gateway)
    link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\ncontent-length: 999\r\n\r\n{")
    return link, b" "


def idle_after_an_answer(gateway):
    link = tunnel(gateway)
    link.sendall(b"GET /v1/nothing HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")
    assert b"HTTP/1.1 4" in link.recv(4096)
    return link, b""


def refused_and_silent(gateway):
    link = connect(gateway)
    link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 401 " in link.recv(4096)[:16]
    return link


def refused_connect_and_silent(gateway):
    link = connect(gateway)
    link.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n")
    assert b" 407 " in link.recv(4096)[:16]
    return link


def outer_tls_without_request(gateway):
    trusted = ssl.create_default_context(cafile=str(gateway.ca))
    return trusted.wrap_socket(connect(gateway), server_hostname="gateway.example")


def http2_without_streams(gateway):
    link = connect(gateway)
    link.sendall(CONNECT)
    assert b" 200 " in link.recv(4096)[:16]
    trusted = ssl.create_default_context(cafile=str(gateway.ca))
    trusted.set_alpn_protocols(["h2"])
    secure = trusted.wrap_socket(link, server_hostname="api.openai.com")
    secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
    return secure


UNPROVEN = [connect, refused_and_silent, refused_connect_and_silent, tunnel, outer_tls_without_request, http2_without_streams]


@pytest.mark.parametrize("way", UNPROVEN)
def test_attack_what_never_carried_an_admitted_request_is_given_the_time_of_a_head(gateway, way):
    """Seconds, where one that was used may be idle for minutes: here 0.6 and a half, to 4."""
    with way(gateway) as link:
        assert closed_within(link, 3) is not None, "still open"


def trickled_connect(gateway):
    link = connect(gateway)
    link.sendall(b"CONNECT api.open")
    return link, b"a"


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("way", "status"),
    [
        (silent, None),
        (trickled_connect, b"408"),
        (tunnel_without_handshake, None),
        (half_a_hello, None),
        (trickled_head, b"408"),
        (trickled_body, b"408"),
        (idle_after_an_answer, None),
    ],
)
def test_a_client_that_stalls_is_cut_off_in_time(gateway, providers, way, status):
    link, trickle = way(gateway)
    with link:
        came = closed_within(link, IN_TIME, trickle)

    assert came is not None, "still open"
    assert status is None or status in came[:20], came
    assert providers[0].seen == []


def test_a_tunnel_that_was_used_stays_open_beyond_the_time_of_a_head(gateway):
    ask_again = b"GET /v1/nothing HTTP/1.1\r\nHost: api.openai.com\r\n\r\n"
    with tunnel(gateway) as link:
        link.sendall(ask_again)
        assert b"HTTP/1.1 4" in link.recv(4096)
        assert closed_within(link, 1.5) is None
        link.settimeout(5)
        link.sendall(ask_again)
        assert b"HTTP/1.1 4" in link.recv(4096)
