"""The text of a stream is counted as it comes."""

import pytest

from outgate.errors import WireError
from outgate.exchange.said import Said


def test_all_that_was_said_is_counted_in_stretches():
    asked = []

    def count(text):
        asked.append(len(text))
        return len(text)

    said = Said(count, 10**9)
    for _ in range(1000):
        said.add("x" * 100)

    assert 100_000 == said.tokens
    assert max(asked) < 9000
    assert 100_000 == said.tokens


def test_a_provider_that_goes_on_beyond_the_maximum_is_cut_off():
    said = Said(len, 5)
    with pytest.raises(WireError, match="beyond the 5 tokens that were asked for"):
        for _ in range(2_000):
            said.add("a token ")

    assert said.tokens < 20_000


def test_another_tokenizers_count_cuts_nobody_off():
    said = Said(lambda text: int(len(text) * 1.4), 20_000)
    said.add("x" * 20_000)
    assert 28_000 == said.tokens
