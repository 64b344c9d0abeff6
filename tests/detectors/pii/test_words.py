import time

import pytest

from outgate.detectors.pii.words import Words, named_id

_WORDS = Words("fee|tax", stems="fee|tax", number="[0-9]{3}", behind=5, ahead=3)


def test_stretches_around_words_are_joined_and_end_after_a_number() -> None:
    assert [(2, 17)] == list(_WORDS.near("aaaaafeebbbtax123456"[:17]))
    assert [(0, 14)] == list(_WORDS.near("fee abc1234567"))


@pytest.mark.parametrize("at", range(2030, 2060, 3))
def test_a_word_is_found_wherever_it_stands(at: int) -> None:
    text = "." * at + "tax 123" + "." * 3000
    assert [(at - 3, at + 8)] == list(_WORDS.near(text))


def test_without_a_number_no_word_is_looked_for() -> None:
    assert [] == list(_WORDS.near("fee 12"))


def test_a_word_far_from_any_number_is_left_out_and_one_near_to_it_is_found_on_either_side() -> None:
    text = "fee " + "." * 400 + " tax " + "." * 200 + " 123 " + "." * 200 + " fee " + "." * 400 + "tax"
    assert ["tax", "fee"] == [word[0] for word in _WORDS.find(text)]


@pytest.mark.parametrize("text", ["tax 123 " * 20_000, "tax " * 40_000 + "123", "123 " * 40_000, "1" * 200_000, "tax" * 60_000])
def test_words_are_found_in_linear_time(text: str) -> None:
    start = time.process_time()
    list(_WORDS.near(text))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        ("order_id=", True),
        ('"traceId": "', True),
        ("the id is ", True),
        ("timestamp: ", True),
        ("paid ", False),
        ("number: ", False),
        ("", False),
    ],
)
def test_names_of_ids_times_and_sizes(ahead: str, expected: bool) -> None:
    assert expected is named_id(ahead + "1", len(ahead))
