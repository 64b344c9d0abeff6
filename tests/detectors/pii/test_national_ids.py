"""Numbers of persons of eight languages are found by form, check and word, and nothing else is taken for one."""

import pytest

from outgate.detectors.pii.national_ids import LANGUAGES, national_ids
from outgate.detectors.pii.reading import read

FOUND = {
    "en": ["NI number JG123456C", "it is AB 12 34 56 C", "national insurance: JG103759A", "NHS 943 476 5919"],
    "de": ["Steuer-ID 86095742719", "Steuernummer (IdNr.): 47 036 892 816", "Sozialversicherungsnummer 12 345678 W 012"],
    "fr": ["184127645108946", "2 85 07 35 238 041 40"],
    "es": ["DNI 48213567R", "mi NIF es 48.213.567-R", "X4218937R", "x-4218937-r"],
    "it": ["RSSMRA85T10A562S", "rssmra85t10a562s"],
    "pt": ["NIF 245872353", "529.982.247-25", "cpf 52998224725", "contribuinte n.o 245 872 353"],
    "nl": ["BSN 111222333", "burgerservicenummer: 1112.22.333"],
    "pl": ["PESEL 44051401359", "NIP 526-104-08-28"],
}
NONE = [
    "Steuer-ID 86095742718",
    "2 85 07 35 238 041 41",
    "DNI 48213567A",
    "X4218937A",
    "RSSMRA85T10A562T",
    "529.982.247-26",
    "BSN 111222334",
    "PESEL 44051401358",
    "86095742719 111222333 44051401359 48213567R",
    "id=184127645108946",
    "GB 12 34 56 C",
    "12529.982.247-25",
    "cpf 11111111111",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_is_found_in_its_language_alone(language):
    for text in FOUND[language]:
        assert list(national_ids(read(text), (language,))), text
        others = tuple(one for one in LANGUAGES if one != language)
        assert "NIF" in text or not list(national_ids(read(text), others)), text


@pytest.mark.parametrize("text", NONE)
def test_a_wrong_check_or_no_word_is_none(text):
    assert not list(national_ids(read(text)))
