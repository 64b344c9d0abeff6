"""Renewal: one fetch at a time, ahead of the end, and nothing is given beyond it."""

import asyncio
from collections.abc import Callable, Coroutine

from outgate.net.secret import Secret
from outgate.upstreams.renewal import Fresh, Renewal, RenewalError


class World:
    """A clock, and a service that gives value after value, or fails."""

    def __init__(self) -> None:
        self.now, self.fetches, self.fails, self.gate = 1000.0, 0, "", asyncio.Event()
        self.gate.set()
        self.renewal = Renewal("b", self._fetch, lambda: self.now, lambda: 1.0)

    async def _fetch(self) -> Fresh:
        self.fetches += 1
        await self.gate.wait()
        if self.fails == "fault":
            raise ValueError("canary")
        if self.fails:
            raise RenewalError(self.fails)
        return Fresh(Secret(f"v{self.fetches}"), 80.0, 100.0)


def run(work: Callable[[World], Coroutine[None, None, None]]) -> None:
    async def inside() -> None:
        await work(World())

    asyncio.run(inside())


def test_a_hundred_that_ask_at_once_share_one_fetch() -> None:
    async def work(world: World) -> None:
        await asyncio.gather(*(world.renewal.ready() for _ in range(100)))

        assert (1, Secret("v1")) == (world.fetches, world.renewal.value())

    run(work)


def test_it_is_renewed_ahead_of_its_end_while_the_old_one_is_given() -> None:
    async def work(world: World) -> None:
        await world.renewal.ready()
        world.now += 81
        world.gate.clear()
        old = world.renewal.value()
        await asyncio.sleep(0)
        world.gate.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert (Secret("v1"), Secret("v2"), 2) == (old, world.renewal.value(), world.fetches)

    run(work)


def test_nothing_is_given_beyond_its_end() -> None:
    async def work(world: World) -> None:
        await world.renewal.ready()
        world.now += 101
        world.fails = "status 500"

        assert None is world.renewal.value()
        await world.renewal.ready()
        assert (None, "status 500") == (world.renewal.value(), world.renewal.problem)

    run(work)


def test_a_failure_is_not_repeated_at_once_and_a_fault_shows_nothing() -> None:
    async def work(world: World) -> None:
        world.fails = "fault"
        for _ in range(50):
            await world.renewal.ready()

        assert (1, "ValueError in the gateway") == (world.fetches, world.renewal.problem)
        world.now, world.fails = world.now + 1.1, ""
        await world.renewal.ready()
        assert Secret("v2") == world.renewal.value()

    run(work)


def test_a_refused_value_is_replaced_unless_it_is_new_or_another() -> None:
    async def work(world: World) -> None:
        await world.renewal.ready()
        world.renewal.refused(Secret("v1"))
        new = world.renewal.value()
        world.now += 11
        world.renewal.refused(Secret("v0"))
        other = world.renewal.value()
        world.renewal.refused(Secret("v1"))
        await world.renewal.ready()

        assert (Secret("v1"), Secret("v1"), Secret("v2")) == (new, other, world.renewal.value())

    run(work)
