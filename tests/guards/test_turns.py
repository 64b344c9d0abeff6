"""A search takes turns with what else the event loop has to do, and a long text is no turn of it."""

import asyncio
import threading

from outgate.guards.turns import in_turns


def searched(texts, cost=len):
    """What was found, the threads that searched, and how often others had their turn."""
    turns, threads = [], []

    def search(text):
        threads.append(threading.current_thread() is threading.main_thread())
        return len(text)

    async def beside():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def run():
        other = asyncio.create_task(beside())
        found = await in_turns(texts, search, cost)
        other.cancel()
        return found

    return asyncio.run(run()), threads, len(turns)


def test_each_text_is_searched_and_others_have_their_turn_between():
    texts = {bytes([at]): "x" * 9_000 for at in range(8)}
    found, on_loop, turns = searched(texts)

    assert (dict.fromkeys(texts, 9_000), [True] * 8) == (found, on_loop)
    assert turns == 4


def test_what_counts_as_long_is_searched_in_a_thread():
    assert [False, True] == searched({b"a": "x" * 40_000, b"b": "x"})[1]
    assert [False] == searched({b"a": "x" * 5_000}, cost=lambda text: 8 * len(text))[1]
