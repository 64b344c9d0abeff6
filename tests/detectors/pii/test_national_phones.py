"""Telephone numbers of nine countries without a calling code are found as people write them; dates, rows and ids are none."""

import pytest

from outgate.detectors.pii.national_phones import LANGUAGES, telephones
from outgate.detectors.pii.reading import read
from outgate.detectors.pii.recognizers import given_out

FOUND = {
    "en": ["020 7946 1234", "(0161) 496 4000", "you get us under 07911 123456"],
    "de": ["030 901820 22", "0171/9253471", "Anruf unter 0711 2163399", "0049 89 4471903"],
    "fr": ["01 42 68 53 00", "01.42.68.53.00", "appelez le 0142685300"],
    "es": ["mi numero es 912 345 678", "llamame al 654318907"],
    "it": ["06 4456 7128", "il cellulare: 347 5528419"],
    "pt": ["telemovel 912 345 678", "ligue para (11) 98431-7726"],
    "nl": ["06-28154390", "bel 0182 633915"],
    "pl": ["numer 604 317 852", "zadzwon pod 22 841 63 09"],
}
NONE = [
    "05.01.2006 04.30",
    "03.10-14.03.10",
    "01-02-2024",
    "01 02 2024",
    "01001-000",
    "00000340: 0500 0000 474e 5500",
    "01 02 03 04 05 06 07 08",
    "0.142.685.300",
    "654 318 907",
    "604 317 852",
    "v0142 685 300",
    "total: 0142,68 53",
    "0x0142 685300",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_is_found_in_its_language(language):
    for text in FOUND[language]:
        found = list(telephones(read(text), given_out, (language,)))
        assert found, text
        assert all(text.endswith(text[one.start : one.end]) for one in found)


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_is_not_given_out(text):
    assert not list(telephones(read(text), given_out))


def test_without_its_language_a_number_needs_a_form_of_all():
    assert not list(telephones(read("zadzwon pod 22 841 63 09"), given_out, ("en",)))
    assert list(telephones(read("+48 22 841 63 09"), given_out, ("en",)))
