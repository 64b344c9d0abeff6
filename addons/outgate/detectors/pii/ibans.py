"""Find IBANs: a country, the form of its account numbers, and right check digits; in any case, with separators, over lines.

Source: ISO 13616 and its registry of forms (n digits, a letters, c both), MOD 97-10. Linear: each character starts at most a
constant number of checks.
"""

import re
from collections.abc import Iterator
from functools import cache
from string import ascii_letters

from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.regex_engines import Automaton

_FORMS = {
    "AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
    "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c", "CZ": "20n",
    "DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n", "FK": "2a12n",
    "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n", "GR": "7n16c", "GT": "4c20c",
    "HN": "4a20n", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c",
    "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c", "LI": "5n12c", "LT": "16n", "LU": "3n13c",
    "LV": "4a13c", "LY": "21n", "MC": "10n11c2n", "MD": "20c", "ME": "18n", "MK": "3n10c2n", "MN": "16n", "MR": "23n",
    "MT": "4a5n18c", "MU": "4a19n3a", "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c", "PL": "24n",
    "PS": "4a21c", "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c", "SC": "4a20n3a",
    "SD": "14n", "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n", "SV": "4a20n", "TL": "19n",
    "TN": "20n", "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}  # fmt: skip
_CLASSES = {"n": "[0-9]", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"}
_SIGNS = "[^A-Za-z0-9]{0,12}"
"""What may stand between two characters: several signs, or the end of a line and the next one's indentation."""

_CHECK = re.compile(r"\d(?:(?<=[A-Za-z]\d)|(?<=[A-Za-z][\s\-.]\d)|(?<=[A-Za-z][\s\-.]{2}\d))[\s\-.]?\d")
_COUNTRY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][\s\-.]?[A-Za-z][\s\-.]{0,2}\Z")
"""Looked for from the check digits backwards: letters are many, digits few."""
_BEGINS = 8
"""Characters of the account number that are looked at before any is counted."""


def _beginning(form: str) -> str:
    """How an account number of this form begins."""
    kinds = "".join(kind * int(count) for count, kind in re.findall(r"(\d+)([nac])", form))[:_BEGINS]
    return "".join(f"{_SIGNS}{_CLASSES[kind]}" for kind in kinds)


def _countries(beginning: str) -> str:
    return "|".join(
        f"{code[0].lower()}[{_SPACE}.-]?{code[1].lower()}" for code, form in _FORMS.items() if _beginning(form) == beginning
    )


_SPACE = r"\s\x1c-\x1f"
_HOLDS_IBAN = Automaton(
    "(?:^|[^a-z0-9])(?:"
    + "|".join(
        f"(?:{_countries(beginning)})[{_SPACE}.-]{{0,2}}[0-9][{_SPACE}.-]?[0-9]{beginning}"
        for beginning in sorted({_beginning(form) for form in _FORMS.values()})
    )
    + ")"
)
"""Every IBAN begins like this, in lower case: a country, two digits, and the kinds of characters that its form has next."""
_WINDOW = 1_024
"""Characters looked at together for the check digits of an IBAN."""
_BEFORE, _AFTER = 6, 160
"""What stands in front of the check digits, and after them within the characters that every IBAN has."""
_BARE = re.compile("[^A-Za-z0-9]+")
_VALUES = str.maketrans({letter: str(int(letter, 36)) for letter in ascii_letters})
"""The number that stands for each letter."""


def ibans(reading: Reading) -> Iterator[Found]:
    """IBANs in a text."""
    text, shape = reading.text, reading.shape
    done = last = 0
    while (digit := shape.find(b"0", last)) >= 0:
        first, last = digit, digit + _WINDOW
        if not _HOLDS_IBAN.search_ascii(reading.lower[max(0, first - _BEFORE) : first + _WINDOW + _AFTER]):
            continue
        position = max(first, done)
        while (check := _CHECK.search(text, position)) is not None and check.start() < last:
            position = check.start() + 1
            country = _COUNTRY.search(text[max(0, check.start() - _BEFORE) : check.start()])
            start = check.start() - len(country[0]) if country else 0
            if country and start >= done and (end := _end(text, start, check.end())):
                yield Found(start, end)
                position = done = end


@cache
def _tail(country: str) -> re.Pattern[str]:
    """What stands behind the check digits of a country's IBAN."""
    counts = re.findall(r"(\d+)([nac])", _FORMS[country])
    return re.compile("".join(rf"(?:{_SIGNS}{_CLASSES[kind]}){{{count}}}" for count, kind in counts))


def _end(text: str, start: int, position: int) -> int:
    """The offset after the IBAN that begins here and whose check digits end at `position`, 0 where none does."""
    head = _BARE.sub("", text[start:position])
    country = head[:2].upper()
    tail = _tail(country).match(text, position) if country in _FORMS else None
    if tail is None or text[tail.end() : tail.end() + 1].isalnum() or not mod97(head + _BARE.sub("", tail[0])):
        return 0
    return tail.end() if _grouped(tail[0]) else 0


def _grouped(tail: str) -> bool:
    """Digits in any groups; with letters in it, groups of one length but for the first and the last, as words are not."""
    groups = [len(group) for group in _BARE.split(tail) if group]
    return not any(map(str.isalpha, tail)) or len(set(groups[1:-1])) < 2


def mod97(iban: str) -> bool:
    """ISO 7064 MOD 97-10 over letters and digits without separators."""
    return iban.isascii() and int((iban[4:] + iban[:4]).translate(_VALUES)) % 97 == 1


def check_digits(country: str, account: str) -> str:
    """The two digits that make an IBAN of this country and account right."""
    return next(f"{digits:02}" for digits in range(2, 99) if mod97(f"{country}{digits:02}{account}"))
