"""Numbers that films use and networks for documentation have the form of the number whose place they take."""

import re

import phonenumbers
import pytest

from outgate.detectors.pii.cards import cards
from outgate.detectors.pii.fictional import FICTIONS, written_like
from outgate.detectors.pii.ibans import mod97
from outgate.detectors.pii.reading import read

PHONES = {
    "(503) 226-4471": r"\(\d{3}\) 555-01\d\d",
    "+1 503 226 4471": r"\+1 \d{3} 555 01\d\d",
    "1-503-226-4471": r"1-\d{3}-555-01\d\d",
    "617-423-9080 ext 12": r"\d{3}-555-01\d\d ext \d\d",
    "226-4471": r"555-01\d\d",
    "+44 1273 681 942": r"\+44 7700 900 \d{3}",
    "07911 482305": r"07700 900\d{3}",
    "+33 (0)5 56 44 71 93": r"\+33 \(0\)6 39 98 \d\d \d\d",
    "06 73 41 88 25": r"06 39 98 \d\d \d\d",
    "+49 176 84215530": r"\+49 302 3125\d{4}",
    "0049 30 8842170": r"0049 30 23125\d\d",
    "+61 412 763 518": r"\+61 255 50\d \d{3}",
    "+34 654 318 907": r"\+34 00\d \d{3} \d{3}",
    "+351 936 418 572": r"\+351 00\d \d{3} \d{3}",
    "654 318 907": r"000 \d{3} \d{3}",
}


def digits(count):
    return "7391824650385917264038572916403857291640"[:count]


@pytest.mark.parametrize("given", PHONES)
def test_a_phone_becomes_one_of_its_country_that_nobody_has(given):
    assert re.fullmatch(PHONES[given], FICTIONS["PHONE_NUMBER"](given, digits))


@pytest.mark.parametrize("given", ["+34 654 318 907", "+351 936 418 572", "+48 604 317 852", "+39 347 5528419", "+31 6 28154390"])
def test_where_no_range_is_reserved_the_number_is_not_given_out(given):
    assert not phonenumbers.is_valid_number(phonenumbers.parse(FICTIONS["PHONE_NUMBER"](given, digits)))


@pytest.mark.parametrize("given", ["4111 1111 1111 1111", "371449635398431", "5555-5555-5555-4444"])
def test_a_card_has_a_right_check_digit_and_no_issuer(given):
    written = FICTIONS["CREDIT_CARD"](given, digits)

    number = [int(char) for char in written if char.isdigit()]
    assert 0 == sum(sum(divmod(digit * (1 + at % 2), 10)) for at, digit in enumerate(reversed(number))) % 10
    assert written_like(given, "9" * 20) == written_like(written, "9" * 20)
    assert not list(cards(read(f"card {written}")))


@pytest.mark.parametrize("given", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "no93 8601 1117 947"])
def test_an_account_has_its_country_and_right_check_digits(given):
    written = FICTIONS["IBAN_CODE"](given, digits)

    assert mod97("".join(filter(str.isalnum, written)))
    assert (given[:2].upper(), len(given)) == (written[:2], len(written))


def test_other_numbers_are_nobodys():
    assert re.fullmatch(r"9\d\d-0[1-9]-\d{4}", FICTIONS["US_SSN"]("536-22-8726", digits))
    assert re.fullmatch(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+", FICTIONS["IP_ADDRESS"]("81.169.145.72", digits))
    assert FICTIONS["IP_ADDRESS"]("2a00:1450:4001:81b::200e", digits).startswith("2001:db8:")


@pytest.mark.parametrize("kind", FICTIONS)
@pytest.mark.parametrize(
    "disguised",
    ["NDExMSAxMTExIDExMTEgMTExMQ==", "\uff14\uff11\uff11\uff11 1111 1111 1111", "%34111 1111 1111 1111", "&#52;111111111111111"],
)
def test_a_value_in_disguise_has_none_as_signs_of_it_would_stay(kind, disguised):
    assert FICTIONS[kind](disguised, digits) is None
