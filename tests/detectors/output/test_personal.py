"""The tail of an answer that may still become a value is undecided, and nothing else."""

import pytest

from outgate.detectors.output.personal import LONGEST, is_plain, opened


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("Write to jane", "jane"),
        ("Write to jane.doe@", "jane.doe@"),
        ("Write to you. ", ""),
        ("Call +49 (30) 901 ", "+49 (30) 901 "),
        ("card 4111 1111 11", "4111 1111 11"),
        ("GB29 NWBK 6016 ", "GB29 NWBK 6016 "),
        ("in 2024 we", "2024 we"),
        ("in 2024 we ", ""),
        ("", ""),
        ("1" * 1000, "1" * LONGEST),
    ],
)
def test_the_tail_that_is_undecided(text, tail):
    assert tail == text[opened(text, 0) :]


@pytest.mark.parametrize(("text", "plain"), [("Words, (only) words!", True), ("a@b", False), ("room 7", False), ("größer", False)])
def test_text_without_digits_and_signs_is_not_looked_at(text, plain):
    assert plain is is_plain(text)


def test_a_long_run_of_letters_is_looked_at_and_costs_nothing():
    assert not is_plain("a" * 100_000)
    assert is_plain("a b " * 100_000)
