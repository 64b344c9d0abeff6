"""4,200 connections from one address, each left open as far as it may get: a workload at another address is served all the while.

A worker holds 4,096. Figures: seconds until the other workload has its answer (the slowest while they come, at once, after 15 s,
after 45 s), CPU and memory of the worker, and what is in its journal for each.
"""

import os
import resource
import socket
import ssl
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import trustme

from e2e.world import OTHER_TOKEN, TOKEN, World, read_still
from support.raw_client import basic
from support.scripted_upstream import ScriptedUpstream

COUNT = 4_200
NAME = "api.openai.com"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
PATIENCE = 30
MOST_MB, MOST_BYTES = 512, 50
"""Memory of the worker; journal for each connection. A line for each would be 450 bytes."""
WAITS = {"at once": 0, "after 15 s": 15, "after 45 s": 30}
REFUSED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BARE = b"CONNECT a.com:443 HTTP/1.1\r\nHost: a.com\r\n\r\n"


def connect_head(token: str, workload: str) -> bytes:
    return f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\n{': '.join(basic(token, workload))}\r\n\r\n".encode()


def link(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(source, 0))


def unread(alpn: str = "http/1.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    return context


def said(data: bytes):
    def leave(opened: socket.socket) -> socket.socket:
        opened.sendall(data)
        opened.recv(4096)
        return opened

    return leave


def in_a_tunnel(opened: socket.socket) -> ssl.SSLSocket:
    return unread().wrap_socket(said(connect_head(TOKEN, "app"))(opened), server_hostname=NAME)


def http2(opened: socket.socket) -> ssl.SSLSocket:
    secured = unread("h2").wrap_socket(opened, server_hostname="localhost")
    secured.sendall(PREFACE)
    return secured


KINDS = {
    "silent": lambda opened: opened,
    "a request without token": said(REFUSED),
    "a CONNECT without token": said(BARE),
    "TLS to the gateway": lambda opened: unread().wrap_socket(opened, server_hostname="localhost"),
    "TLS in a tunnel": in_a_tunnel,
    "HTTP/2 without a stream": http2,
}


@pytest.fixture(name="world")
def _world(tmp_path):
    low, high = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(high, 2 * COUNT), high))
    authority = trustme.CA()
    with ScriptedUpstream(NAME, ca=authority) as one, ScriptedUpstream("api.anthropic.com", ca=authority) as two:
        yield World(tmp_path, one, two)
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, high))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_attack_connections_of_one_address_shut_no_other_out(world, record_property, kind):
    with world.gateway(world.policy()) as gateway, ExitStack() as held:
        port, trusted = gateway.port, ssl.create_default_context(cafile=str(gateway.ca))
        (worker,) = gateway.worker_pids()
        served(port, trusted)
        before, slowest, dropped = cpu(worker), 0.0, 0
        for number in range(COUNT):
            try:
                held.enter_context(closing(KINDS[kind](link(port, "127.0.0.1"))))
            except OSError:
                dropped += 1
            if number % 500 == 499:
                slowest = max(slowest, served(port, trusted))
        record_property("while they come", f"{slowest:.2f} s")
        record_property("CPU", f"{cpu(worker) - before:.1f} s")
        for when, seconds in WAITS.items():
            time.sleep(seconds)
            record_property(when, f"{served(port, trusted):.2f} s")
        record_property("peak", f"{peak(worker)} MB")
        assert peak(worker) <= MOST_MB
    journal = sum(map(len, read_still(world.folder / "state" / "accounts")))
    record_property("journal", f"{journal / COUNT:.1f} bytes each")
    record_property("dropped", dropped)
    assert journal <= MOST_BYTES * COUNT


def served(port: int, trusted: ssl.SSLContext) -> float:
    """Seconds until another workload, at another address, has an answer of the provider."""
    began = time.monotonic()
    with link(port, "127.0.0.2") as opened:
        opened.sendall(connect_head(OTHER_TOKEN, "other"))
        assert b" 200 " in opened.recv(4096)[:16]
        with trusted.wrap_socket(opened, server_hostname=NAME) as secured:
            secured.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
            assert b" 200 " in secured.recv(4096)[:16]
    return time.monotonic() - began


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> int:
    told = Path(f"/proc/{pid}/status").read_text()
    return int(told.partition("VmHWM:")[2].split()[0]) // 1024
