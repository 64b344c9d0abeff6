"""Via between gateways: names are added in order, what others wrote stays here, a circle is seen."""

import pytest

from outgate.net.headers import Headers
from outgate.net.via import MOST, goes_round, passed, pseudonym, written

A, B, OWN = (pseudonym(bytes([number]) * 32) for number in (1, 2, 3))


def test_each_gateway_writes_its_name_behind_the_others():
    gateways = passed(Headers([("via", written((A,), B))]))

    assert (A, B) == gateways
    assert f"1.1 {A}, 1.1 {B}, 1.1 {OWN}" == written(gateways, OWN)


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ([], ()),
        ([("via", f"1.1 cache.inside.example, 1.1 {A}")], (A,)),
        ([("via", f"1.1 {A}"), ("via", f"2 {B}")], (A, B)),
        ([("via", f"1.1 {A} (a comment)"), ("via", "outgate-0"), ("via", "1.1 outgate-é")], ()),
    ],
)
def test_only_names_of_gateways_are_taken(fields, known):
    assert known == passed(Headers(fields))


def test_a_circle_is_our_own_name_or_too_many_others():
    assert not goes_round((A, B), OWN)
    assert goes_round((A, OWN, B), OWN)
    assert goes_round((A,) * MOST, OWN)
