"""Strangers have few certificates minted, and none at the cost of those who are known."""

import pytest

from outgate.proxy.outer_names import OuterNames


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="names")
def _names(clock):
    return OuterNames(clock)


def admitted(names, count, peer="192.0.2.9", prefix="n"):
    return sum(names.admits(f"{prefix}{number}.test", peer.format(number)) for number in range(count))


@pytest.mark.parametrize("peer", ["192.0.2.9", "2001:db8::{:x}"])
def test_attack_one_network_has_eight_names_minted_in_a_minute(names, clock, peer):
    assert 8 == admitted(names, 1000, peer)
    assert 8 == admitted(names, 1000, peer), "the same ones cost nothing"
    assert names.admits("gateway.test", "198.51.100.1"), "another client still has its own"
    clock.now = 60
    assert 8 == admitted(names, 1000, peer, "m")


def test_attack_many_networks_have_sixty_four(names):
    assert 64 == admitted(names, 200, "192.0.2.{}")


def test_a_name_under_which_a_workload_was_known_is_minted_whatever_strangers_do(names):
    names.prove("gateway.test")
    admitted(names, 200, "192.0.2.{}")
    assert names.admits("gateway.test", "192.0.2.1")


def test_attack_names_of_a_workload_are_remembered_up_to_a_number(names):
    for number in range(300):
        names.prove(f"n{number}.test")
    assert 256 == len(names._proven)
