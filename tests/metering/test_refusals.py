"""Strangers' refusals write a bounded number of lines; metrics count each, and a workload's are all written."""

from dataclasses import replace

import orjson
import pytest

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.metering.refusals import Refusals
from outgate.net.connection import Connection
from support.endings import DENIED, ended, refused_at_the_door
from support.metered import closed_of, metered

NOBODY = Denial(code="unauthenticated", status=407, message="Who are you?", stage="authenticate", cause="no token")


@pytest.fixture(name="refusals")
def _refusals():
    return Refusals(lambda: 5.0)


def stranger(peer="192.0.2.9", presented="", **denial):
    return closed_of(refused_at_the_door(conn=Connection(peer=peer), denial=replace(NOBODY, presented=presented, **denial)))


def written(refusals, endings):
    """How many of these are lines of their own."""
    return sum(not refusals.counts(f"req_{number}", closed) for number, closed in enumerate(endings))


def test_attack_a_flood_without_token_is_one_line_a_second_and_a_count(refusals):
    assert 1 == written(refusals, [stranger()] * 4_200)
    ((last, record),) = refusals.flush()
    assert "req_4199" == last
    assert {
        "time": 5.0,
        "outcome": "denied",
        "outgate.denial.code": "unauthenticated",
        "outgate.denial.cause": "no token",
        "presented.name": None,
        "client.address": "192.0.2.9",
        "outgate.refusals.like": "req_0",
        "outgate.refusals": 4_199,
    } == orjson.loads(record)


def test_a_refusal_that_stands_alone_is_one_line(refusals):
    assert 1 == written(refusals, [stranger()])
    assert [] == refusals.flush()
    assert 1 == written(refusals, [stranger()]), "the next second has its own"


@pytest.mark.parametrize(
    "other", [{"peer": "192.0.2.10"}, {"presented": "app"}, {"cause": "wrong token"}, {"code": "malformed"}], ids=str
)
def test_what_differs_for_an_operator_has_its_own_line(refusals, other):
    assert 2 == written(refusals, [stranger(), stranger(**other)])


@pytest.mark.parametrize("peer", ["192.0.2.9", "2001:db8::{:x}"])
def test_attack_invented_names_from_one_network_are_eight_lines_and_a_count(refusals, peer):
    assert 8 == written(refusals, [stranger(peer.format(number), f"w{number}") for number in range(1000)])
    ((_, record),) = refusals.flush()
    assert (992, "denied") == (orjson.loads(record)["outgate.refusals"], orjson.loads(record)["outcome"])
    assert 1 == written(refusals, [stranger(peer.format(1))])


def test_attack_many_networks_are_sixty_four_lines_and_a_count(refusals):
    flood = [stranger(f"192.0.2.{number}") for number in range(200)]
    assert 64 == written(refusals, flood + flood)
    told = [orjson.loads(record) for _, record in refusals.flush()]
    assert 65 == len(told)
    assert 400 - 64 == sum(line["outgate.refusals"] for line in told)


def test_no_line_of_a_workload_is_dropped(refusals):
    assert 500 == written(refusals, [closed_of(ended(outcome="denied", denial=DENIED))] * 500)


def test_a_malformed_request_of_nobody_is_counted_too(refusals):
    gone = closed_of(refused_at_the_door(outcome="client_gone", denial=None))
    assert 1 == written(refusals, [gone] * 500)
    assert "client_gone" == orjson.loads(refusals.flush()[0][1])["outcome"]


def test_what_is_counted_is_in_the_metrics_and_in_no_line(tmp_path, refusals):
    flood = [refused_at_the_door(f"req_{number}", denial=NOBODY) for number in range(50)]
    known = ended("mine", outcome="denied", denial=DENIED, principal=Principal(name="agent", tenant="acme"))
    found = metered(tmp_path, *flood, known, refusals=refusals)
    assert ["req_0", "mine"] == [line["id"] for line in found.lines]
    assert 50 == sum(value for (name, _), value in found.counted.items() if name == "outgate_denials_total") - 1
