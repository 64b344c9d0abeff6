import asyncio
from typing import Any

import pytest

from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE
from outgate.inference.cached import CacheStatus
from outgate.net.cache_control import CacheControl
from outgate.stages.cache.join import CacheJoin, Reads
from outgate.stores.flights import Flights, Landed
from stages.cache.test_cache import CHAT, Counted, body, entry, events_of
from support.judging import aio
from support.wire_bodies import Spoken

PARAMS = Spoken("openai").decode(CHAT, body()).params


def reads(exchange_id: str, key: bytes | None = b"k", wishes: CacheControl | None = None) -> Reads:
    return Reads(key, NONE, wishes, exchange_id, CHAT, PARAMS)


def stage(flights: Any = None, counted: Any = None, **settings: Any) -> CacheJoin:
    return CacheJoin(CacheSettings(**settings), flights or Flights(), Counted() if counted is None else counted)


def begun(join: CacheJoin, *exchanges: str) -> list[asyncio.Task[Any]]:
    return [asyncio.get_running_loop().create_task(join.run(reads(exchange))) for exchange in exchanges]


@aio
async def test_who_asks_the_same_meanwhile_is_answered_by_what_the_first_stored():
    flights, counted = Flights(), Counted()
    join = stage(flights, counted)
    assert (None,) == await join.run(reads("one"))
    waiting = begun(join, "two", "three")
    await asyncio.sleep(0)
    flights.end("one", Landed(entry(b"once")))
    answers = await asyncio.gather(*waiting)

    assert [b"once" in b"".join(event.encode() for event in await events_of(answer)) for answer in answers] == [True, True]
    assert {(200, "cache", (CacheStatus("collapsed", "hit", age=0.0),))} == {(a.status, a.source, a.outputs) for a in answers}
    assert "outgate; hit; ttl=3600; detail=collapsed" == answers[0].headers.get("cache-status")
    assert [("outgate_cache_lookups_total", "collapsed", "hit")] * 2 == counted


@aio
@pytest.mark.parametrize("stored", [None, entry()], ids=["nothing", "what is no answer"])
async def test_who_waited_in_vain_goes_on_alone(stored):
    flights, counted = Flights(), Counted()
    join = stage(flights, counted)
    await join.run(reads("one"))
    waiting = begun(join, "two")
    await asyncio.sleep(0)
    flights.end("one", Landed(stored and entry(b'"')))

    assert [(CacheStatus("collapsed", "miss"),)] == await asyncio.gather(*waiting)
    assert [("outgate_cache_lookups_total", "collapsed", "miss")] == counted


@aio
async def test_of_those_that_wait_for_a_call_that_breaks_one_makes_it_again_and_only_once():
    flights = Flights()
    join = stage(flights)
    await join.run(reads("one"))
    waiting = begun(join, "two", "three", "four")
    await asyncio.sleep(0)
    flights.end("one", Landed(broke=True))
    done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    assert ([(None,)], 2) == ([task.result() for task in done], len(rest))
    flights.end("two", Landed(broke=True))
    assert [(CacheStatus("collapsed", "miss"),)] * 2 == await asyncio.gather(*rest)


@aio
async def test_nobody_waits_longer_than_the_policy_says():
    join = stage(single_flight_wait=0.001)
    await join.run(reads("one"))

    assert (CacheStatus("collapsed", "miss"),) == await join.run(reads("two"))


@aio
@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({"key": None}, {}),
        ({"key": b"of another tenant"}, {}),
        ({"wishes": CacheControl(no_cache=True)}, {}),
        ({}, {"single_flight": False}),
    ],
    ids=["has no key", "has another key", "wants an answer of its own", "policy says no"],
)
async def test_who_does_not_join_goes_on_at_once(given, settings):
    join = stage(**settings)
    await join.run(reads("one"))

    assert (None,) == await join.run(reads("two", **given))


@aio
@pytest.mark.parametrize("settings", [{}, {"single_flight": False}])
async def test_who_wants_nothing_but_what_is_cached_neither_leads_nor_waits(settings):
    flights = Flights()
    join = stage(flights, **settings)
    denial = await join.run(reads("one", wishes=CacheControl(only_if_cached=True)))

    assert (504, "not_cached") == (denial.status, denial.code)
    assert flights.lead(b"k", "two")


def test_it_never_starts_before_its_turn_and_its_failure_costs_nothing_but_a_call():
    contract = stage(single_flight_wait=7.0).contract

    assert ("idempotent", "open", 12.0) == (contract.effect, contract.on_error, contract.limit)
