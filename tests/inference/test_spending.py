"""Spending is noted under the exchange whose task, or a task that it started, has asked."""

import asyncio

from outgate.inference.spending import Spent, begin, spend, spent


def test_questions_add_up_by_stage_and_by_exchange():
    async def asks(stage):
        spend(stage, ["one", "three"], 0.5, 0.25)

    async def exchange(stage):
        begin()
        await asyncio.gather(asks(stage), asyncio.create_task(asks(stage)), asks("other"))
        return spent()

    async def both():
        spend("nobody", ["x"], 1.0)
        return await asyncio.gather(asyncio.create_task(exchange("a")), asyncio.create_task(exchange("b")))

    first, second = asyncio.run(both())

    assert {"a": Spent(2, 4, 16, 1.0, 0.5), "other": Spent(1, 2, 8, 0.5, 0.25)} == first
    assert {"b", "other"} == set(second)
