"""Pieces of a token are put together, with the way back; words stay apart; the cost is linear."""

from itertools import pairwise
from time import thread_time

import pytest

from outgate.detectors.secrets.wrapped import joined, plain, runs, windows

TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"


def readings(text: str) -> list[str]:
    folded = plain(text)
    return [reading.text for reading in joined(folded, list(runs(folded.text)))]


def test_a_wrapped_token_is_read_as_one_and_found_where_it_stood():
    text = f"\u00e9 a {TOKEN[:20]}\n> {TOKEN[20:]} b"
    folded = plain(text)
    [reading] = joined(folded, list(runs(folded.text)))
    at = reading.text.index(TOKEN)

    assert f"e a {TOKEN} b" == reading.text
    assert text[slice(*reading.span(at, at + len(TOKEN)))] == f"{TOKEN[:20]}\n> {TOKEN[20:]}"


def test_words_in_front_and_behind_are_left_apart_in_one_of_the_readings():
    assert any(f"is\n{TOKEN}\nthanks" in reading for reading in readings(f"it is\n{TOKEN[:20]}\n{TOKEN[20:]}\nthanks"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one\ntwo",
        "def total(items):\n    return sum(items)\n",
        "Chapter 1\nThe beginning of\nall things",
        "123456789\n123456789",
    ],
)
def test_words_and_numbers_are_no_run(text):
    assert [] == list(runs(text))


def test_words_in_tag_characters_are_told_and_a_few_within_a_word_are_not():
    def hidden(text):
        return "".join(chr(0xE0000 + ord(char)) for char in text)

    assert f"a {TOKEN} b" == plain(f"a{hidden(TOKEN)}b").text
    assert "ab" == plain(f"a{hidden('xyz')}b").text


@pytest.mark.parametrize("unit", ["ab1\n cd\n", '"a1" + ', "aB3dE6gH9kL2mN5pQ8sT1vW4yZ7\n", "a b ", "\\n", "\n", '"', "1\n", "*a1"])
def test_attack_a_text_of_gaps_costs_no_more_than_its_length(unit):
    costs = []
    for size in (65_536, 262_144):
        text = unit * (size // len(unit))
        begun = thread_time()
        readings(text)
        costs.append(thread_time() - begun)

    assert all(more < 12 * less + 0.05 for less, more in pairwise(costs))


def test_windows_stand_around_places_and_meet():
    assert [(0, 1_612), (3_488, 4_000)] == list(windows([100, 1_100, 4_000], 4_000))
    assert [] == list(windows([], 10))
