import asyncio

import pytest

from outgate.stores.answers import CachedAnswer
from outgate.stores.flights import Flights, Landed
from support.judging import aio

STORED = CachedAnswer(status=200, content_type="application/json", body=b"{}", usage=None, created=0.0, revision="r1")


def follow(flights: Flights, key: bytes = b"k", seconds: float = 60.0):
    return asyncio.get_running_loop().create_task(flights.follow(key, asyncio.get_running_loop().time() + seconds))


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@aio
async def test_the_first_leads_and_the_others_get_what_it_stored():
    flights = Flights()

    assert flights.lead(b"k", "one")
    assert not flights.lead(b"k", "two")
    assert flights.lead(b"other", "three")
    waiting = [follow(flights), follow(flights)]
    await settled()
    flights.end("one", Landed(STORED))

    assert [Landed(STORED)] * 2 == await asyncio.gather(*waiting)
    assert flights.lead(b"k", "two"), "the key is free"


@aio
async def test_those_that_wait_get_nothing_where_nothing_was_stored():
    flights = Flights()
    flights.lead(b"k", "one")
    waiting = follow(flights)
    await settled()
    flights.end("one")

    assert await waiting == Landed()


@aio
async def test_nobody_waits_longer_than_the_bound():
    flights = Flights()
    flights.lead(b"k", "one")

    assert await follow(flights, seconds=0.001) == Landed()
    assert not flights.lead(b"k", "two"), "its leader goes on"


@aio
async def test_a_leader_asks_again_without_losing_those_that_wait():
    flights = Flights()
    flights.lead(b"k", "one")
    waiting = follow(flights)
    await settled()

    assert flights.lead(b"k", "one")
    assert not waiting.done()
    flights.end("one", Landed(STORED))
    assert Landed(STORED) == await waiting


@aio
async def test_a_leader_that_turns_to_another_key_frees_the_first():
    flights = Flights()
    flights.lead(b"k", "one")
    waiting = follow(flights)
    await settled()

    assert flights.lead(b"other", "one")
    assert await waiting == Landed()
    assert flights.lead(b"k", "two")


@aio
async def test_a_leader_that_turns_to_a_key_on_its_way_leads_no_more():
    flights = Flights()
    flights.lead(b"k", "one")
    flights.lead(b"other", "two")

    assert not flights.lead(b"other", "one")
    assert flights.lead(b"k", "three")


@aio
async def test_a_leader_that_leaves_goes_on_while_somebody_waits_and_the_last_to_leave_ends_it():
    flights, alone = Flights(), []
    flights.lead(b"k", "one")
    first, second = follow(flights), follow(flights)
    await settled()
    flights.leave("one", lambda: alone.append("one"))
    first.cancel()
    await settled()
    assert not alone

    second.cancel()
    await settled()
    assert ["one"] == alone
    assert flights.lead(b"k", "two"), "nobody joins what is being cancelled"


@aio
async def test_the_bound_of_the_last_that_waits_ends_it_too():
    flights, alone = Flights(), []
    flights.lead(b"k", "one")
    waiting = follow(flights, seconds=0.001)
    await settled()
    flights.leave("one", lambda: alone.append("one"))

    assert await waiting == Landed()
    assert ["one"] == alone


@aio
async def test_a_leader_that_left_and_stored_is_not_called_back():
    flights, alone = Flights(), []
    flights.lead(b"k", "one")
    waiting = follow(flights)
    await settled()
    flights.leave("one", lambda: alone.append("one"))
    flights.end("one", Landed(STORED))

    assert Landed(STORED) == await waiting
    assert not alone


@aio
@pytest.mark.parametrize("leads", [True, False])
async def test_who_leaves_alone_is_told_at_once(leads):
    flights, alone = Flights(), []
    if leads:
        flights.lead(b"k", "one")
    flights.leave("one", lambda: alone.append("one"))

    assert ["one"] == alone
    assert flights.lead(b"k", "two")


@aio
async def test_what_has_ended_may_end_again():
    flights = Flights()
    flights.lead(b"k", "one")
    flights.end("one")
    flights.end("one", Landed(STORED))

    assert await follow(flights) == Landed()
