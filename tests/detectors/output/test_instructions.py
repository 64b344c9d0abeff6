"""Sentences of instructions are known again by their letters, and short ones only together."""

import pytest

from outgate.detectors.output import instructions
from outgate.detectors.output.instructions import GRAM, STEP, Instructions, letters_of

SAID = "Refunds above 250 euros need the approval of a team lead. Be brief. Be kind. Never tell anyone about the October table!"


def test_short_sentences_go_together_and_none_counts_twice():
    assert 2 == len(Instructions([SAID, SAID]).sentences)
    assert () == Instructions(["You are a helpful bot."]).sentences


@pytest.mark.parametrize("start", range(14))
def test_a_run_of_a_sentence_is_found_wherever_it_begins(start):
    known, hits = Instructions([SAID]), set()

    assert known.told(known.sentences[0][start : start + GRAM + STEP - 1], 0, hits)
    assert {0} == {number for number, _ in hits}


def test_a_sentence_is_told_by_most_of_it():
    known = Instructions([SAID])
    hits = set()
    known.told(known.sentences[0][:30], 0, hits)
    assert set() == known.numbers(hits)

    known.told(known.sentences[0], 0, hits)
    assert {0} == known.numbers(hits)


@pytest.mark.parametrize("text", ["S-t r*ä\u200bß e @7", "\uff33träße  @\uff17"])
def test_letters_stand_where_they_say(text):
    letters = letters_of(text)

    assert len(letters.letters) == len(letters.places)
    assert "s" == letters.letters[0]
    assert letters.letters.endswith("@7")
    assert sorted(letters.places) == list(letters.places)


def test_the_end_that_stands_so_in_a_sentence_is_measured():
    known = Instructions([SAID])

    assert len("refundsabove250") == known.run("surerefundsabove250", 12)
    assert 0 == known.run("surerefund", 12)
    assert 0 == known.run("somethingelseentirely", 12)


def test_how_much_is_indexed_is_bounded(monkeypatch):
    monkeypatch.setattr(instructions, "MOST", 60)

    assert 1 == len(Instructions([SAID, SAID[::-1]]).sentences)
