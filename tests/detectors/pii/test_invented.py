"""Invented names differ by their number, and hardly any text says one."""

import re

from detectors.pii.precision import DATA
from outgate.detectors.pii.invented import FAMILIES, invented, stays

_LEAST = 2_000


def test_every_number_has_a_name_of_its_own():
    for family in FAMILIES:
        names = {invented(family, number) for number in range(_LEAST)}
        assert len(names) > _LEAST - 40
        assert all(name.isalpha() and name.istitle() for name in names)


def test_forms_stay_and_a_surname_that_is_one_does_not():
    assert all(stays(word, person=False) for word in ("Street", "GmbH", "de", "straße"))
    assert all(stays(word, person=True) for word in ("Dr", "frau", "van"))
    assert not any(stays(word, person=True) for word in ("Lane", "Bank", "Van", "Le"))


def test_ordinary_text_holds_next_to_none_of_them():
    said = set(re.findall(r"[a-z]{4,}", (DATA / "corpus.jsonl").read_text("utf-8").lower()))
    names = {invented(family, number).lower() for family in FAMILIES for number in range(_LEAST)}
    assert len(names & said) < 5
