"""Synthetic values are stable, told apart, free of what the request says, and stand for the value that they replaced."""

import pytest

from outgate.detectors.pii.invented import stays
from outgate.detectors.pii.substitutes import Substitutes
from outgate.detectors.pii.synthetic import Synthesis, Taken

VALUES = {
    "PERSON": [
        "Dr. Marcus T. Ellery",
        "maria gonzalez",
        "Sjoerd de Haan",
        "Rowe-Jenkins",
        "李建国",
        "Li Wu",
        "Ольга Кравцова",
        "'t Hooft",
    ],
    "LOCATION": [
        "418 Juniper Hollow Rd, Asheville, NC 28804",
        "Lindenstraße 27\n34117 Kassel",
        "Flat 6, 31 Marchmont Road",
        "Bath",
    ],
    "POSTAL_CODE": ["04229", "BA1 7QX", "80-244"],
    "ORGANIZATION": ["Blue Mesa Holdings GmbH"],
    "EMAIL_ADDRESS": ["maria@firm.de"],
    "PHONE_NUMBER": ["+49 176 84215530", "(503) 226-4471"],
    "CREDIT_CARD": ["4111 1111 1111 1111"],
    "IBAN_CODE": ["DE89 3704 0044 0532 0130 00"],
    "US_SSN": ["536-22-8726"],
    "IP_ADDRESS": ["81.169.145.72", "2a00:1450:4001:81b::200e"],
}
EVERY = [(kind, value) for kind, values in VALUES.items() for value in values]


def synthesis(said: str = "", key: bytes = b"k" * 32) -> Synthesis:
    return Synthesis(key, Taken.of([said]))


def said_back(substitutes: Substitutes, text: str) -> str:
    told, at = "", 0
    while (spot := substitutes.next(text, at, final=True)) is not None:
        told, at = told + text[at : spot.start] + str(spot.value), spot.end
    return told + text[at:]


@pytest.mark.parametrize(("kind", "value"), EVERY)
def test_a_value_is_replaced_whole_and_comes_back_as_it_was(kind, value):
    one = synthesis(value)
    written = one.instead(kind, value)

    assert written
    assert not [
        word
        for word in value.replace(",", " ").split()
        if len(word) > 3 and not stays(word, person=kind == "PERSON") and word in written
    ]
    assert value == said_back(one.result(), written)
    assert written == synthesis("other words").instead(kind, value)
    assert written != synthesis(key=b"o" * 32).instead(kind, value)


def test_a_first_name_alone_stands_for_the_same_person():
    one = synthesis()
    full, first, loud = (one.instead("PERSON", name) for name in ("Maria Gonzalez", "maria", "GONZALEZ"))

    assert full == f"{first.title()} {loud.title()}"
    assert "Hello Maria, is GONZALEZ right?" == said_back(one.result(), f"Hello {first.title()}, is {loud} right?")


def test_a_thousand_names_have_a_thousand_substitutes():
    one = synthesis()
    names = [f"{a}{b}{c}" for a in "BDFGHKLMNP" for b in "aeiou" for c in ["ndel", "rsch", "ltov", "nski"] * 5]
    written = {name: one.instead("PERSON", f"Anna {name}") for name in names}
    assert len(set(written.values()) - {None}) == len(set(names))
    assert all(f"Anna {name}" == said_back(one.result(), new) for name, new in written.items() if new)


def test_attack_a_substitute_that_the_request_says_already_is_not_used():
    first = synthesis().instead("PERSON", "Maria")
    one = synthesis(f"my dog is called {first}")
    other = one.instead("PERSON", "Maria")

    assert first not in other
    assert f"{first} barks at Maria" == said_back(one.result(), f"{first} barks at {other}")


def test_attack_a_number_that_the_request_says_in_other_groups_is_not_used():
    first = synthesis().instead("CREDIT_CARD", "4111 1111 1111 1111")
    assert first != synthesis(f"my order is {first.replace(' ', '-')}").instead("CREDIT_CARD", "4111 1111 1111 1111")


def test_a_value_in_disguise_gets_no_substitute():
    assert synthesis().instead("CREDIT_CARD", "NDExMTExMTExMTExMTExMQ==") is None


def test_neither_values_nor_substitutes_are_printed():
    one = synthesis()
    one.instead("PERSON", "Maria Gonzalez")
    assert "Substitutes(3)" == repr(one.result())
