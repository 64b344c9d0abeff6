"""Insults and threats score above what is said about people and things with the same words."""

from pathlib import Path

import pytest

from outgate.detectors.output.toxicity import FILE, Toxicity, grams, sentences, shipped, windows

PEOPLE = ("gay", "Muslim", "Jewish", "Black", "deaf", "transgender", "Korean", "Nigerian", "Sikh", "autistic")


def test_a_model_is_written_as_it_is_read(tmp_path: Path):
    model = Toxicity({"you_idiot": (7.0, 2.5), "idiot": (6.0, 3.0)}, -1.0)
    model.write(tmp_path / "model.tsv")
    again = Toxicity.read(tmp_path / "model.tsv")

    assert (model.weights, model.bias) == (again.weights, again.bias)
    assert 150_000 < FILE.stat().st_size < 1_000_000


def test_grams_are_words_and_pairs_of_them_without_disguise():
    assert ["you", "idiot", "you_idiot"] == list(grams("You, \uff49\uff44\u200biot!"))


@pytest.mark.parametrize("text", ["", "One. Two!  Three\nfour", "?!", "no end " * 200, "…"])
def test_sentences_are_the_whole_text(text):
    assert text == "".join(text[start:end] for start, end in sentences(text))
    assert all(text.find(window) >= 0 for window in windows(text))


@pytest.mark.parametrize("who", PEOPLE)
def test_who_somebody_is_is_no_alarm_and_hate_against_them_is(who):
    assert shipped().highest(f"My sister is {who}, and she works at the library of our town.") < 0.5
    assert shipped().highest(f"My brother is {who} and lives in Leeds with his husband.") < 0.5
    assert shipped().highest(f"You stupid {who} bitch, you make me sick.") > 0.5


@pytest.mark.parametrize(
    "text", ["Kill the process with kill -9.", "Shut down the server, and beat the eggs.", "assert x, 'dumb default'"]
)
def test_words_in_their_innocent_sense_are_no_alarm(text):
    assert shipped().highest(text) < 0.5


def test_a_long_text_costs_as_much_as_it_is_long():
    assert 0 <= shipped().highest("word " * 20_000) < 0.5
