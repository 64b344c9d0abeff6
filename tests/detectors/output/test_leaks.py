"""Sentences of instructions in an answer: so many are a leak."""

import pytest

from outgate.detectors.output.leaks import needed


@pytest.mark.parametrize(("sentences", "need"), [(1, 1), (2, 2), (3, 2), (10, 3), (11, 4), (1000, 6)])
def test_a_share_two_at_least_and_never_more_than_the_most(sentences, need):
    assert need == needed(sentences, 0.3, 6)
