"""Every turn that differs is judged; none is skipped, and doubts add up."""

import pytest

from outgate.answers.earlier import packed
from outgate.answers.history import HISTORY, Said, judge
from outgate.answers.judgement import Verdict


class Judgement:
    """As sure of a pair as `scores` says; serves from 0.8."""

    least = 0.8

    def __init__(self, **scores):
        self.scores, self.asked = scores, []

    def judge(self, asked, stored, similarity):
        self.asked.append((asked, stored))
        score = self.scores.get(asked, 1.0)
        return Verdict(served=score >= self.least, score=score, vetoes=())

    def similarity(self, one, other):
        return 0.9


def said(question, *history):
    return Said(question, packed(history))


def judged(asked, stored, **scores):
    judgement = Judgement(**scores)
    return judge(asked, stored, 0.9, judgement), judgement.asked


def test_the_same_history_leaves_the_question_alone():
    verdict, asked = judged(said("hello", "first"), said("hi", "first"), hello=0.9)

    assert (True, 0.9) == (verdict.served, verdict.score)
    assert [("hello", "hi")] == asked


FIRST, SECOND = ("Please go on.", "Go on, please."), ("Tell me more.", "Please tell me more.")


def test_each_turn_that_differs_is_judged_and_equal_ones_are_not():
    verdict, asked = judged(said("why", FIRST[0], "two", SECOND[0]), said("why", FIRST[1], "two", SECOND[1]))

    assert verdict.served
    assert [FIRST, SECOND] == asked


def test_doubts_of_several_turns_are_multiplied():
    both = said("why", FIRST[0], SECOND[0]), said("why", FIRST[1], SECOND[1])
    single, _ = judged(*both, **{FIRST[0]: 0.85})
    twice, _ = judged(*both, **{FIRST[0]: 0.85, SECOND[0]: 0.85})

    assert (True, 0.85) == (single.served, single.score)
    assert (False, (HISTORY,)) == (twice.served, twice.vetoes)


@pytest.mark.parametrize("surety", [0.0, 0.79])
def test_an_earlier_turn_that_fails_ends_it(surety):
    verdict, _ = judged(said("why", FIRST[0]), said("why", FIRST[1]), **{FIRST[0]: surety})

    assert (False, (HISTORY,)) == (verdict.served, verdict.vetoes)


APART = {
    "another number of turns": (packed(["a"]), packed(["a", "b"])),
    "none on one side": (b"", packed(["a"])),
    "symbols that differ": (packed(["It costs 10 dollars."]), packed(["It costs 12 dollars."])),
    "turns in another order": (packed(["I like cats.", "I sold 12 dogs."]), packed(["I sold 12 dogs.", "I like cats."])),
    "too many that differ": (packed(list("abcde")), packed(list("fghij"))),
    "a damaged row": (packed(["a"]), b"{broken"),
}


@pytest.mark.parametrize("name", APART)
def test_what_is_plainly_apart_is_not_given_and_no_model_is_asked(name):
    ours, theirs = APART[name]
    verdict, asked = judged(Said("why", ours), Said("why", theirs))

    assert (False, (HISTORY,), []) == (verdict.served, verdict.vetoes, asked)
