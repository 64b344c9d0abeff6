"""Values in the place of a secret (examples, references, words) are told from secrets."""

import pytest

from outgate.detectors.secrets.values import entropy, is_drawn, is_token_of_nobody, stands_in


@pytest.mark.parametrize(
    "value", ["vK9#mQ2x!pLw", "kV7uQz29xWm", "Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo", "9f8a4c1e7b2d6053af91c8e4"]
)
def test_drawn(value):
    assert is_drawn(value)


@pytest.mark.parametrize(
    "value",
    ["your-api-key-1", "get_token2", "AKIAIOSFODNN7EXAMPLE", "sk-...", "<token1>", "${TOKEN_1}", "settings.KEY_2",
     "os.environ['A1']", "base64.b16encode",
     "123e4567-e89b-12d3-a456-426614174000", "xxxxxxxx1", "changeme1", "12345678", "password123"],
)  # fmt: skip
def test_not_drawn(value):
    assert not is_drawn(value)


def test_a_value_that_counts_or_repeats_stands_in():
    assert (True, True, False) == (stands_in("1234567890abcdef"), stands_in("aaaa1111aaaa"), stands_in("q8Zr5Lw2"))


def test_a_token_that_names_nobody():
    known = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzb21lIjoicGF5bG9hZCJ9.4twFt5NiznN84AWoo1d7KO1T_yoc0Z6XOpOVswacPZg"
    real = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhY21lIiwiZXhwIjoxNzkwMDAwMDAwfQ.x"

    assert (True, False) == (is_token_of_nobody(known), is_token_of_nobody(real))


def test_entropy():
    assert (0.0, 2.0) == (entropy("aaaa"), entropy("abcd"))
