"""Find payment cards and IBANs in normalised text: by length, checksum and group borders, separators allowed.

Sources: ISO/IEC 7812-1 (Luhn, issuer ranges), ISO 13616 (IBAN lengths, MOD 97-10). Linear: each character starts at most a
constant number of checks.
"""

import re
from collections.abc import Iterator

from outgate.detectors.regex_engines import Automaton

_RUN = re.compile(r"(?<!\d)\d(?:[\s.\-_/·,]{0,3}\d){12,}")
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = (19, 18, 17, 16, 15, 14, 13)
_ISSUER = re.compile(r"4|5[0-8]|2[2-7]|6[0-9]|3[0-9]|1800|2131|81|9792|8600")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_IBAN_CHECK = re.compile(r"\d(?:(?<=[A-Za-z]\d)|(?<=[A-Za-z][\s\-.]\d)|(?<=[A-Za-z][\s\-.]{2}\d))[\s\-.]?\d")
_IBAN_COUNTRY = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][\s\-.]?[A-Za-z][\s\-.]{0,2}\Z")
"""Looked for from the check digits backwards: letters are many, digits few."""
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip
_COUNTRIES = {
    first: "".join(code[1] for code in _IBAN_LENGTHS if code[0] == first) for first in {code[0] for code in _IBAN_LENGTHS}
}
_SPACE = r"\s\x1c-\x1f"
MAY_BE_IBAN = (
    rf"(?:^|[^A-Za-z0-9])(?i:{'|'.join(f'{first}[{_SPACE}.-]?[{seconds}]' for first, seconds in sorted(_COUNTRIES.items()))})"
    rf"[{_SPACE}.-]{{0,2}}[0-9][{_SPACE}.-]?[0-9](?:[{_SPACE}\-._/]{{0,3}}[A-Za-z0-9]){{11}}"
)
"""Every IBAN begins like this: a country, two digits, and eleven characters more, the fewest (Norway)."""
_HOLDS_IBAN = Automaton(MAY_BE_IBAN)
_DIGITS = bytes(48 if chr(code) in "0123456789" else 46 for code in range(256))
_WINDOW = 1_024
"""Characters looked at together for the check digits of an IBAN."""
_BEFORE, _AFTER = 6, 64
"""What stands in front of the check digits, and after them within the characters that every IBAN has."""
_BARE = re.compile("[^A-Za-z0-9]+")
_NOTHING = re.compile("(?!)")
_TAILS = {country: re.compile(rf"(?:[\s\-._/]{{0,3}}[A-Za-z0-9]){{{length - 4}}}") for country, length in _IBAN_LENGTHS.items()}


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of card numbers: 13 to 19 digits from one group border to another, an issuer's range, a right check digit."""
    for run in _RUN.finditer(text):
        yield from _cards_in(text, run.start(), run.end())


def _cards_in(text: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    at: list[int] = []
    opens: set[int] = set()
    closes: set[int] = set()
    for group in _GROUP.finditer(text, first, last):
        opens.add(len(at))
        at.extend(range(group.start(), group.end()))
        closes.add(len(at))
    digits = "".join(text[i] for i in at)
    covered = 0
    for begin in sorted(opens):
        if begin < covered or not _ISSUER.match(digits, begin):
            continue
        for length in _CARD_LENGTHS:
            end = begin + length
            if end in closes and luhn(digits[begin:end]):
                yield at[begin], at[end - 1] + 1
                covered = end
                break


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1 is right, and the number is not one digit repeated."""
    values = [int(digit) for digit in reversed(digits)]
    total = sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])
    return total % 10 == 0 and len(set(digits)) > 1


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of IBANs in any case, with separators: the country's length, and MOD 97 equal to one."""
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    done = last = 0
    while (digit := digits.find(b"0", last)) >= 0:
        first, last = digit, digit + _WINDOW
        if not _HOLDS_IBAN.search(text[max(0, first - _BEFORE) : first + _WINDOW + _AFTER]):
            continue
        position = max(first, done)
        while (check := _IBAN_CHECK.search(text, position)) is not None and check.start() < last:
            position = check.start() + 1
            country = _IBAN_COUNTRY.search(text[max(0, check.start() - _BEFORE) : check.start()])
            start = check.start() - len(country[0]) if country else 0
            if country and start >= done and (end := _iban_end(text, start, check.end())):
                yield start, end
                position = done = end


def _iban_end(text: str, start: int, position: int) -> int:
    """The offset after the IBAN that begins here and whose check digits end at `position`, 0 where none does."""
    head = _BARE.sub("", text[start:position])
    tail = _TAILS.get(head[:2].upper(), _NOTHING).match(text, position)
    if tail is None or text[tail.end() : tail.end() + 1].isalnum() or not mod97(head + _BARE.sub("", tail[0])):
        return 0
    return tail.end()


def mod97(iban: str) -> bool:
    """ISO 7064 MOD 97-10 over letters and digits without separators."""
    turned = (iban[4:] + iban[:4]).upper()
    return iban.isascii() and int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
