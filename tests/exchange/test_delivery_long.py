"""A long answer leaves in slices: other exchanges go on between them, and a client that has left ends them."""

import asyncio

from exchange.test_delivery import JSON, FakeEvent, conclude, source
from outgate.dialects.registry import spec
from outgate.exchange.channel import End, ResponseChannel
from outgate.exchange.delivery import Delivery
from outgate.exchange.said import Said
from outgate.inference.stream import EventStream
from support.judging import guarded

WHOLE = bytes(range(256)) * 4_000


async def _settle():
    return None


async def _finishing():
    channel = ResponseChannel()
    delivery = Delivery(channel, "req_1", spec("openai"), guarded(), conclude, Said(len))
    await delivery.run(200, JSON, EventStream(source([FakeEvent(WHOLE, last=True)])))
    return channel, asyncio.ensure_future(delivery.finish(_settle))


def test_its_head_has_the_whole_length_and_no_slice_is_long():
    async def story():
        channel, finishing = await _finishing()
        taken = []
        while not taken or not isinstance(taken[-1], End):
            taken += await channel.take()
        await finishing
        return taken

    head, *pieces, _ = asyncio.run(story())
    assert dict(head.headers)["content-length"] == str(len(WHOLE))
    assert b"".join(pieces) == WHOLE
    assert max(map(len, pieces)) <= 262_144


def test_one_turn_of_the_loop_sends_one_slice_and_a_client_that_left_ends_them():
    async def story():
        channel, finishing = await _finishing()
        sizes = []
        for _ in range(3):
            await asyncio.sleep(0)
            sizes.append(sum(len(part) for part in channel.take_nowait() or [] if isinstance(part, bytes)))
        channel.close()
        await asyncio.wait_for(finishing, 10)
        return sizes

    sizes = asyncio.run(story())
    assert max(sizes) == 262_144
    assert sum(sizes) < len(WHOLE)
