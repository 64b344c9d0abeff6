import asyncio

import pytest

from outgate.exchange.channel import Abort, End, ResponseChannel, ResponseHead


@pytest.fixture(name="runner")
def _runner():
    with asyncio.Runner() as runner:
        yield runner


def test_parts_put_together_are_taken_together(runner):
    async def go():
        channel = ResponseChannel()
        await channel.put([ResponseHead(200, ()), b"body", End()])
        return await channel.take()

    assert runner.run(go()) == [ResponseHead(200, ()), b"body", End()]


def test_put_waits_until_the_slot_was_taken(runner):
    async def go():
        channel, done = ResponseChannel(), []
        await channel.put([b"1"])

        async def second():
            await channel.put([b"2"])
            done.append(True)

        task = asyncio.ensure_future(second())
        await asyncio.sleep(0)
        before = list(done)
        first = await channel.take()
        await task
        return before, first, done, await channel.take()

    assert runner.run(go()) == ([], [b"1"], [True], [b"2"])


def test_taken_returns_only_after_the_last_part_left(runner):
    async def go():
        channel, order = ResponseChannel(), []
        await channel.put([End()])

        async def after():
            await channel.taken()
            order.append("after")

        task = asyncio.ensure_future(after())
        await asyncio.sleep(0)
        order.append("take")
        await channel.take()
        await task
        return order

    assert runner.run(go()) == ["take", "after"]


def test_close_wakes_both_sides_and_aborts_for_ever(runner):
    async def go():
        channel = ResponseChannel()
        taker = asyncio.ensure_future(channel.take())
        await asyncio.sleep(0)
        channel.close()
        first = await taker
        await channel.put([b"late"])
        await channel.taken()
        late = await channel.take()
        return first, late, await channel.take()

    assert runner.run(go()) == ([Abort("closed")], [Abort("closed")], [Abort("closed")])


def test_offer_adds_to_what_was_not_taken_yet(runner):
    async def go():
        channel = ResponseChannel()
        await channel.put([b"1"])
        channel.offer([End()])
        return await channel.take()

    assert runner.run(go()) == [b"1", End()]
