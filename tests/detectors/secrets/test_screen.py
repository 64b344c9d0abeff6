"""The screen lets through what may hold a secret, with its surroundings, and asks nothing about prose and plain code."""

import pytest

from outgate.detectors.secrets.screen import candidates

PROSE = "The committee met on 12 March 2024 and asked its secretary to send the minutes. A key point was the password policy. " * 20
CODE = "def total(items: list[Item]) -> int:\n    return sum(item.price for item in items)  # see #1234 and v2.10.3\n" * 20


@pytest.mark.parametrize("text", [PROSE, CODE, "", "\ud800 lone"])
def test_ordinary_text_asks_nothing(text):
    assert () == candidates(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 500 + " AKIAQ3EGRZ7YVL2MJX5K",
        "db://u:pw9x@h",
        "password: tiger9!Zx",
        "The password is: tiger9!Zx",
        "curl -u me:pa55word host",
        "-----BEGIN PRIVATE KEY-----",
        "dump: " + b"AKIAQ3EGRZ7YVL2MJX5K".hex(" "),
        "dump: " + b"AKIAQ3EGRZ7YVL2MJX5K".hex(":"),
    ],
)
def test_what_may_be_one_is_asked_about(text):
    (place,) = candidates(text)

    assert text[place.first : place.last].strip() in text
    assert len(place.text) <= 400
