"""Full names are found again; first names alone, and what is sealed, are not."""

from detectors.fakes import prompt
from outgate.guards.mentions import mentioned
from outgate.inference.finding import Finding
from outgate.inference.prompt import Channel


def found(*texts, start=0, end=14, **where):
    leaves = prompt(*texts, **where).leaves
    some = mentioned(leaves, {0: (Finding("PERSON", start, end, 0.9),)})
    return {at: [leaves[at].text[one.start : one.end] for one in each] for at, each in some.items()}


def test_a_full_name_is_found_again():
    assert {0: ["Maria Gonzalez"], 1: ["maria gonzalez", "MARIA\tGONZALEZ"]} == found(
        "Maria Gonzalez", "é maria gonzalez_ maria gonzalez MARIA\tGONZALEZ"
    )


def test_a_first_name_alone_is_not():
    assert {0: ["Mark"]} == found("Mark it", "mark it, Mark", end=4)


def test_what_is_sealed_is_not_read():
    assert {0: ["Maria Gonzalez"]} == found("Maria Gonzalez", "Maria Gonzalez", channel=Channel.SEALED)
