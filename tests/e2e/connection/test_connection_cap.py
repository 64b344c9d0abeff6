"""Numerous connections: nobody holds more than is free, and honest clients are served beside those who try.

The gateway is of this file alone: its limits are those of a process, and two in one process would share them.
"""

import threading

import pytest
from mitmproxy import ctx

from e2e.connection.test_slow_clients import CONNECT, closed_within, connect
from e2e.load import ask
from e2e.world import OTHER_TOKEN, STAGES, World, http
from support.waiting import PATIENCE, until

MOST = 12
SHARE = MOST // 2


@pytest.fixture(name="patient", scope="module")
def _patient(providers, tmp_path_factory):
    """A gateway that closes idle connections for no reason but their number, within the time of a test."""
    world = World(tmp_path_factory.mktemp("capped"), *providers)
    limits = f"limits: {{head_seconds: 300, body_seconds: 300, idle_seconds: 300, connections: {MOST}}}"
    with world.inside(world.policy(STAGES, gateway=limits)) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(patient):
    """Nothing of another test is still counted."""
    assert until(lambda: patient.call(open_connections) == 0)


def still_open(link):
    """Whether the gateway has neither closed a connection nor said anything on it."""
    link.setblocking(False)
    try:
        link.recv(1)
    except BlockingIOError:
        return True
    return False


def test_a_lone_peer_holds_half_and_its_oldest_connection_makes_room(patient):
    held = [connect(patient) for _ in range(SHARE)]
    assert until(lambda: patient.call(open_connections) == SHARE)
    beyond = connect(patient)
    try:
        assert closed_within(held[0], PATIENCE) == b""
        assert all(map(still_open, [*held[1:], beyond])), "only the oldest goes"
        assert 200 == ask(patient)
    finally:
        for link in [*held, beyond]:
            link.close()


def test_attack_a_burst_of_connections_takes_no_more_than_its_share_and_no_less(patient):
    """All of them wait to be accepted at once, since the loop is busy: each is counted when its turn comes."""
    begun, go_on = threading.Event(), threading.Event()
    busy = threading.Thread(target=patient.call, args=(lambda: (begun.set(), go_on.wait(PATIENCE)),))
    busy.start()
    begun.wait(PATIENCE)
    links = [connect(patient) for _ in range(3 * MOST)]
    go_on.set()
    busy.join()
    try:
        assert until(lambda: patient.call(open_connections) == SHARE)
        assert until(lambda: sum(not still_open(link) for link in links) == 3 * MOST - SHARE)
    finally:
        for link in links:
            link.close()


def refused(gateway):
    """A connection on which a CONNECT without a token was answered, left open."""
    link = connect(gateway)
    link.sendall(b"CONNECT a.com:443 HTTP/1.1\r\nHost: a.com\r\n\r\n")
    assert b" 407 " in link.recv(4096)[:16]
    return link


def test_attack_a_stranger_is_answered_once_whatever_it_sends_ahead(patient):
    with connect(patient) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        came = closed_within(link, PATIENCE)

    assert 1 == came.count(b"HTTP/1.1 401")


def test_attack_refused_connections_that_are_kept_open_shut_nobody_out(patient):
    """From the attacker's own address, before, while and after all slots would have been taken."""
    links = []
    try:
        for _ in range(4):
            links += [refused(patient) for _ in range(MOST)]
            assert 200 == ask(patient)
            with http(patient, OTHER_TOKEN, "other") as client:
                assert 200 == client.get("https://api.openai.com/v1/models").status_code
    finally:
        for link in links:
            link.close()


def test_attack_a_workload_with_many_tunnels_takes_no_other_ones_place(patient):
    links = []
    try:
        for _ in range(2 * MOST):
            links.append(connect(patient))
            links[-1].sendall(CONNECT)
            assert b" 200 " in links[-1].recv(4096)[:16]
        assert sum(map(still_open, links)) <= SHARE
        with http(patient, OTHER_TOKEN, "other") as client:
            assert 200 == client.get("https://api.openai.com/v1/models").status_code
        assert 200 == ask(patient)
    finally:
        for link in links:
            link.close()


def open_connections():
    return len(ctx.master.addons.get("proxyserver").connections)
