"""Connections by owner: nobody holds more than is free, and who is full gives up what it left idle for longest."""

import pytest
from mitmproxy.test.tflow import tclient_conn

from outgate.proxy.shares import ConnectionShares


def clients(*peers):
    made = []
    for peer in peers:
        client = tclient_conn()
        client.peername = (peer, 1)
        made.append(client)
    return made


@pytest.fixture(name="cut")
def _cut():
    return []


@pytest.fixture(name="shares")
def _shares(cut):
    return ConnectionShares(8, cut.append)


def test_attack_one_peer_holds_half_and_its_newcomers_take_the_place_of_its_oldest(shares, cut):
    many = clients(*["192.0.2.1"] * 6)

    assert all(map(shares.connected, many))
    assert many[:2] == cut


def test_another_peer_has_room_while_one_is_full(shares, cut):
    for client in clients(*["192.0.2.1"] * 9):
        shares.connected(client)
    cut.clear()

    assert all(map(shares.connected, clients("192.0.2.2", "192.0.2.2")))
    assert [] == cut


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ],
)
def test_attack_a_peer_is_the_network_that_one_host_has(shares, cut, one, other, same):
    for client in clients(*[one] * 4, other):
        shares.connected(client)

    assert same == bool(cut)


def test_a_connection_on_which_a_request_runs_is_not_given_up(shares, cut):
    busy = clients(*["192.0.2.1"] * 4)
    for client in busy:
        shares.connected(client)
        shares.begun(client)

    (more,) = clients("192.0.2.1")
    assert not shares.connected(more)
    shares.ended(busy[2])
    assert shares.connected(more)
    assert [busy[2]] == cut


def test_a_workload_has_its_own_share_wherever_it_comes_from(shares, cut):
    app = clients(*[f"192.0.2.{n}" for n in range(6)])
    for client in app:
        shares.connected(client)
        assert shares.belongs_to(client, "app")

    assert app[:2] == cut
    (other,) = clients("192.0.2.99")
    assert shares.connected(other)
    assert shares.belongs_to(other, "other")


def test_what_was_used_last_is_given_up_last(shares, cut):
    first, *rest = clients(*["192.0.2.1"] * 5)
    for client in (first, *rest[:3]):
        shares.connected(client)
    shares.begun(first)
    shares.ended(first)

    shares.connected(rest[3])
    assert [rest[0]] == cut


def test_what_is_gone_leaves_its_room_and_is_gone_once(shares):
    many = clients(*["192.0.2.1"] * 4)
    for client in many:
        shares.connected(client)
    for client in (*many, *many):
        shares.gone(client)

    assert (0, {}) == (shares._pool.held, shares._idle)
    assert all(map(shares.connected, many))


def test_it_waits_for_a_first_request_until_one_was_authenticated(shares):
    (client,) = clients("192.0.2.1")
    assert not shares.is_waiting(client)
    shares.connected(client)
    assert shares.is_waiting(client)
    shares.begun(client)
    assert not shares.is_waiting(client)
    shares.ended(client)
    assert shares.is_waiting(client)
    shares.prove(client)
    assert not shares.is_waiting(client)


def test_attack_a_connection_is_refused_three_tunnels(shares):
    (client,) = clients("192.0.2.1")
    shares.connected(client)

    assert [True, True, False] == [shares.refused(client) for _ in range(3)]


def test_it_knows_whose_a_connection_is(shares):
    known, unknown, gone = clients("192.0.2.1", "192.0.2.2", "192.0.2.3")
    shares.connected(known)
    shares.connected(unknown)
    shares.belongs_to(known, "app")

    assert ["app", "", ""] == [shares.workload(client) for client in (known, unknown, gone)]
