import asyncio

from outgate.proxy.memory import trim_after_start


def test_memory_is_given_back_after_each_pause():
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    asyncio.run(trim_after_start(sleep, (1.0, 2.0)))

    assert pauses == [1.0, 2.0]
