"""Earlier turns that need only mean the same: which they are, and how they are kept."""

import pytest

from outgate.answers.earlier import MOST_CHARACTERS, MOST_TURNS, earlier_of, packed, unpacked
from outgate.answers.settings import SimilarSettings
from outgate.inference.prompt import Channel, Leaf

MEANING = SimilarSettings(history="meaning")


def leaves(*said):
    return [Leaf(at, "content", text, Channel(by), at) for at, (by, text) in enumerate(said)]


def earlier(*said, settings=MEANING):
    given = leaves(*said, ("user", "why?"))
    return earlier_of(given, [leaf.text for leaf in given], len(said), settings)


def test_what_users_said_counts_and_nothing_else():
    assert (1, 3) == earlier(("system", "be brief"), ("user", "hello"), ("assistant", "hi"), ("user", "how are you"))
    assert () == earlier(("user", "hello"), settings=SimilarSettings())
    assert () == earlier()


@pytest.mark.parametrize("text", ["", " \n", "a\x00b", "mail EMAIL_1", "mail email_1", "a" * (MOST_CHARACTERS + 1)])
def test_one_turn_that_is_not_plain_leaves_the_whole_history_to_the_byte(text):
    assert () == earlier(("user", "hello"), ("assistant", "hi"), ("user", text))


def test_a_turn_of_two_parts_and_more_turns_than_are_judged_count_to_the_byte():
    parts = [*leaves(("user", "a"), ("user", "why?")), Leaf(9, "text", "b", Channel.USER, 0)]

    assert () == earlier_of(parts, ["a", "why?", "b"], 1, MEANING)
    assert MOST_TURNS == len(earlier(*[("user", "a")] * MOST_TURNS))
    assert () == earlier(*[("user", "a")] * (MOST_TURNS + 1))


@pytest.mark.parametrize("texts", [[], ["a"], ["a", 'b"\n', "é"]])
def test_a_history_is_kept_as_it_was(texts):
    assert texts == unpacked(packed(texts))
    assert (packed(texts) == b"") == (texts == [])
