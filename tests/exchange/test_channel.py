import asyncio

import pytest

from outgate.exchange.channel import Abort, End, Handover, Head


@pytest.fixture(name="runner")
def _runner():
    with asyncio.Runner() as runner:
        yield runner


def test_parts_put_together_are_taken_together(runner):
    async def go():
        handover = Handover()
        await handover.put([Head(200, ()), b"body", End()])
        return await handover.take()

    assert runner.run(go()) == [Head(200, ()), b"body", End()]


def test_put_waits_until_the_slot_was_taken(runner):
    async def go():
        handover, done = Handover(), []
        await handover.put([b"1"])

        async def second():
            await handover.put([b"2"])
            done.append(True)

        task = asyncio.ensure_future(second())
        await asyncio.sleep(0)
        before = list(done)
        first = await handover.take()
        await task
        return before, first, done, await handover.take()

    assert runner.run(go()) == ([], [b"1"], [True], [b"2"])


def test_taken_returns_only_after_the_last_part_left(runner):
    async def go():
        handover, order = Handover(), []
        await handover.put([End()])

        async def after():
            await handover.taken()
            order.append("after")

        task = asyncio.ensure_future(after())
        await asyncio.sleep(0)
        order.append("take")
        await handover.take()
        await task
        return order

    assert runner.run(go()) == ["take", "after"]


def test_close_wakes_both_sides_and_aborts_for_ever(runner):
    async def go():
        handover = Handover()
        taker = asyncio.ensure_future(handover.take())
        await asyncio.sleep(0)
        handover.close()
        first = await taker
        await handover.put([b"late"])
        await handover.taken()
        late = await handover.take()
        return first, late, await handover.take()

    assert runner.run(go()) == ([Abort("closed")], [b"late"], [Abort("closed")])


def test_offer_adds_to_what_was_not_taken_yet(runner):
    async def go():
        handover = Handover()
        await handover.put([b"1"])
        handover.offer([End()])
        return await handover.take()

    assert runner.run(go()) == [b"1", End()]
