"""Countries are known by name, organisations by their form."""

import pytest

from outgate.detectors.names.lists import countries, organisations


def found(finder, text):
    return [text[start:end] for start, end in finder(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from New Zealand to Peru", ["New Zealand", "Peru"]),
        ("the United States of America.", ["United States of America"]),
        ("a china plate, Japanese food, Omani", []),
        ("in the U.S.A. and the UAE", ["U.S.A.", "UAE"]),
    ],
)
def test_countries(text, names):
    assert names == found(countries, text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ask Acme Widgets Ltd. about it", ["Acme Widgets Ltd."]),
        ("Huber & Sohn GmbH & Co. KG", ["Huber & Sohn GmbH & Co. KG"]),
        ("at the University of Oslo", ["University of Oslo"]),
        ("the Group met, and we used a bank", []),
    ],
)
def test_organisations(text, names):
    assert names == found(organisations, text)
