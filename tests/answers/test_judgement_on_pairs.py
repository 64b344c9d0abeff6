"""The shipped judgement on written pairs that nothing was fitted to: no figure may fall below what was once reached."""

import pytest

from evaluation import blocks, conversations, sets
from outgate.answers import judgement
from outgate.answers.evaluation import Row, rows
from outgate.model_server.engines.onnx import load_encoder

EVERY = 6
"""Blocks of the sample: one of six."""
REWORDINGS_SERVED, TRAPS_SERVED = 0.27, 2
"""The least share of rewordings, and the most traps of the sample, that are served."""


@pytest.fixture(scope="module", name="judged")
def _judged() -> list[tuple[bool, Row]]:
    held = blocks.blocks(*sorted(sets.WRITTEN.glob("held*.txt")))[::EVERY]
    pairs = [pair for block in held for pair in blocks.of(block)]
    return list(zip([pair.same for pair in pairs], rows(pairs, load_encoder(), judgement.load()), strict=True))


@pytest.mark.exhaustive
@pytest.mark.slow
def test_rewordings_are_served(judged: list[tuple[bool, Row]]) -> None:
    same = [row.hit for alike, row in judged if alike]

    assert sum(same) / len(same) >= REWORDINGS_SERVED


@pytest.mark.slow
def test_traps_are_not_served(judged: list[tuple[bool, Row]]) -> None:
    assert sum(row.hit for alike, row in judged if not alike) <= TRAPS_SERVED


TALKS_SERVED = 0.18
"""The least share of reworded conversations of the sample that is served."""


@pytest.mark.slow
def test_of_conversations_rewordings_are_served_and_traps_are_not() -> None:
    pairs = conversations.pairs(conversations.FILE)[::3]
    judged = list(zip(pairs, rows(pairs, load_encoder(), judgement.load()), strict=True))
    same = [row.hit for pair, row in judged if pair.same]

    assert sum(same) / len(same) >= TALKS_SERVED
    assert [] == [pair for pair, row in judged if row.hit and not pair.same]
