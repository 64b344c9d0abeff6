"""Picks on the real line, over servers whose prefix caches are true: a prompt goes where its beginning was read.

Witness: the `cached_tokens` of the servers' own answers, beside what one endless cache would have had.
"""

import asyncio
from random import Random

import pytest

from evaluation.pools import Scene, hits_of, simulated
from outgate.testing.pools.engine import BLOCK, Request


def _conversations(random: Random, _: float) -> list[Request]:
    """Twelve of four turns, under three system prompts of eight blocks; 0.1 s between turns."""
    firsts = []
    for number in range(12):
        history, before = tuple(b"system %d.%d" % (number % 3, at) for at in range(8)), None
        for turn in range(4):
            history += tuple(b"%d.%d.%d" % (number, turn, at) for at in range(6))
            made = Request(history, len(history) * BLOCK, 2 * BLOCK, (b"a", b"b"), random.uniform(0, 0.5))
            if before is None:
                firsts.append(made)
            else:
                before.follows = made, 0.1
            before, history = made, (*history, *made.answer)
    return firsts


@pytest.mark.exhaustive
def test_A41_conversations_have_their_prompts_in_the_cache_as_in_one_endless_cache():
    ideal, answers = asyncio.run(simulated(Scene(_conversations, 8, 30.0), "prefix_cache"))

    assert 48 == len(answers)
    assert hits_of(answers) >= 0.9 * ideal
    assert ideal > 0.5
