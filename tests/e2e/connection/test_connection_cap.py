"""Numerous connections: beyond the cap they are closed at once, and honest clients are served when there is room again.

The gateway is of this file alone: its limits are those of a process, and two in one process would share them.
"""

import threading

import pytest
from mitmproxy import ctx

from e2e.connection.test_slow_clients import closed_within, connect
from e2e.load import ask
from e2e.world import STAGES, World
from support.waiting import PATIENCE, until

MOST = 12


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


def test_beyond_the_cap_connections_are_closed_at_once_and_room_comes_back(patient):
    held = [connect(patient) for _ in range(MOST)]
    beyond = connect(patient)
    try:
        assert closed_within(beyond, PATIENCE) == b""
        assert all(map(still_open, held)), "those within the cap stay"
    finally:
        for link in [*held, beyond]:
            link.close()

    assert until(lambda: ask(patient) == 200)


def test_attack_a_burst_of_connections_takes_no_more_than_the_cap_and_no_less(patient):
    """All of them wait to be accepted at once, since the loop is busy: each is counted when its turn comes."""
    begun, go_on = threading.Event(), threading.Event()
    busy = threading.Thread(target=patient.call, args=(lambda: (begun.set(), go_on.wait(PATIENCE)),))
    busy.start()
    begun.wait(PATIENCE)
    links = [connect(patient) for _ in range(3 * MOST)]
    go_on.set()
    busy.join()
    try:
        assert until(lambda: patient.call(open_connections) == MOST)
        assert until(lambda: sum(not still_open(link) for link in links) == 2 * MOST)
    finally:
        for link in links:
            link.close()


def open_connections():
    return len(ctx.master.addons.get("proxyserver").connections)
