"""Literal phrases: which are found, and that no cut changes it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgate.detectors.phrases import Found, Phrases, fold

LISTS = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=6, unique=True)


@given(LISTS, st.text("abcABC \u017f", max_size=14), st.booleans(), st.data())
def test_what_is_decided_on_a_beginning_is_what_the_whole_says(phrases, text, words, data):
    known = Phrases(phrases, words=words)
    whole, end = known.find(text)
    cut = data.draw(st.integers(0, len(text)))
    found, undecided = known.find(text[:cut], final=False)

    assert found == whole[: len(found)]
    assert all(one.start >= undecided for one in whole[len(found) :])
    assert cut - undecided <= known.longest
    assert len(text) == end


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the SECRET plan", [(4, 10, 1)]),
        ("\u017fecret", [(0, 6, 1)]),  # long s
        ("secrets", [(0, 6, 1)]),
        ("secret service", [(0, 14, 2)]),
        ("Stra\u00dfe", [(0, 6, 3)]),
        ("stra\u1e9ee", [(0, 6, 3)]),
        ("strasse", []),
        ("a.b axb", [(0, 3, 4)]),
    ],
)
def test_phrases_are_literal_and_found_in_any_case_and_the_longest_counts(text, found):
    known = Phrases(["secret", "secret service", "stra\u00dfe", "a.b"])

    assert [Found(*one) for one in found] == known.find(text)[0]


@pytest.mark.parametrize(("text", "found"), [("cat", 1), ("a cat.", 1), ("concat", 0), ("cats", 0), ("cat_", 0), ("(cat)", 1)])
def test_whole_words_are_not_found_inside_words(text, found):
    assert found == len(Phrases(["cat"], words=True).find(text)[0])


@given(st.text(max_size=20))
def test_folding_keeps_places(text):
    assert len(text) == len(fold(text))
    assert fold(text) == "".join(map(fold, text))


def test_a_long_list_and_a_long_text_hold_nobody_up():
    deep = Phrases(["a" * length for length in range(1, 201)])
    many = Phrases([f"phrase {number}{'x' * 150}" for number in range(1_000)])
    start = time.process_time()

    assert 500 == len(deep.find("a" * 100_000)[0])
    assert [] == many.find("phrase 12 " * 10_000)[0]
    assert time.process_time() - start < 0.5
