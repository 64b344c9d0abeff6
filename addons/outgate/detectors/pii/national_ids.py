"""Find numbers that a state gives to persons, by language: tax, insurance and identity numbers, each with the check of its country.

Sources: HMRC (national insurance), NHS, BZSt (Steuer-ID), Insee (NIR), Ministerio del Interior (DNI, NIE), Agenzia delle Entrate
(codice fiscale), Portal das Finanças (NIF), Receita Federal (CPF), Rijksoverheid (BSN), MSWiA (PESEL). A form that other numbers
have counts beside a word only.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.words import Words, named_id
from outgate.detectors.regex_engines import Linear

_SURE = 0.6
_NI = r"(?!bg|gb|kn|nk|nt|tn|zz)[a-ceghj-prtw-z][a-ceghj-nprtw-z]"
_LETTERS_OF_DNI = "trwagmyfpdxbnjzsqvhlcke"
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


class Number(NamedTuple):
    """A kind of number in lower case: its form, whether it is right (signs left out), and the words that it needs beside it."""

    form: str
    check: Callable[[str], bool]
    words: str = ""


def _weighted(number: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _nhs(number: str) -> bool:
    return 11 - _weighted(number, range(10, 1, -1)) % 11 == (int(number[9]) or 11)


def _tax_id(number: str) -> bool:
    """ISO 7064 MOD 11,10; one digit of the first ten stands two or three times."""
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return number[0] != "0" and (11 - product) % 10 == int(number[10]) and len(set(number[:10])) in (8, 9)


def _nir(number: str) -> bool:
    plain = number.replace("2a", "19").replace("2b", "18")
    return plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:])


def _dni(number: str) -> bool:
    return _LETTERS_OF_DNI[int(number[:8]) % 23] == number[8]


def _nie(number: str) -> bool:
    return _dni(str("xyz".index(number[0])) + number[1:])


def _fiscal_code(number: str) -> bool:
    values = [int(char) if char.isdigit() else ord(char) - ord("a") for char in number]
    return (sum(_ODD[value] if at % 2 == 0 else value for at, value in enumerate(values[:15])) - values[15]) % 26 == 0


def _nif(number: str) -> bool:
    rest = 11 - _weighted(number, range(9, 1, -1)) % 11
    return int(number[8]) == (0 if rest > 9 else rest)


def _cpf(number: str) -> bool:
    def digit(count: int) -> int:
        return _weighted(number, range(count + 1, 1, -1)) * 10 % 11 % 10

    return len(set(number)) > 1 and digit(9) == int(number[9]) and digit(10) == int(number[10])


def _bsn(number: str) -> bool:
    return len(set(number)) > 1 and (_weighted(number, range(9, 1, -1)) - int(number[8])) % 11 == 0


def _pesel(number: str) -> bool:
    return _weighted(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0 and 1 <= int(number[2:4]) % 20 <= 12


def _nip(number: str) -> bool:
    return _weighted(number, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(number[9])


def _any(number: str) -> bool:
    return len(set(number)) > 1


_NUMBERS: dict[str, tuple[Number, ...]] = {
    "en": (
        Number(_NI + r" \d\d \d\d \d\d ?[a-d]", _any),
        Number(_NI + r"\d{6}[a-d]", _any, r"national.{0,3}insurance|\bni(?:no)?\b"),
        Number(r"\d{3}[ -]?\d{3}[ -]?\d{4}", _nhs, r"\bnhs\b"),
    ),
    "de": (
        Number(r"\d\d ?\d{3} ?\d{3} ?\d{3}", _tax_id, r"steuer|\bidnr|\bidentifikations"),
        Number(r"\d\d ?\d{6} ?[a-z] ?\d{3}", _any, r"sozialversicherung|rentenversicherung|versicherungsn|\bsvnr|\brvnr"),
    ),
    "fr": (Number(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[ab]) ?\d{3} ?\d{3} ?\d\d", _nir),),
    "es": (
        Number(r"\d{8}[ -]?[a-z]|\d\d\.\d{3}\.\d{3}[ -]?[a-z]", _dni, r"\bdni\b|\bd\.n\.i|\bnif\b|\bdocumento|\bidentidad"),
        Number(r"[xyz][ -]?\d{7}[ -]?[a-z]", _nie),
    ),
    "it": (Number(r"[a-z]{6} ?\d\d[a-ehlmprst]\d\d ?[a-z]\d{3}[a-z]", _fiscal_code),),
    "pt": (
        Number(r"\d{3}\.\d{3}\.\d{3}-\d\d", _cpf),
        Number(r"\d{11}", _cpf, r"\bcpf\b"),
        Number(r"\d{3}[ .]?\d{3}[ .]?\d{3}", _nif, r"\bnif\b|\bcontribuinte|\bfiscal\b"),
    ),
    "nl": (Number(r"\d{4}[ .]?\d\d[ .]?\d{3}|\d{9}", _bsn, r"\bbsn|burgerservice|\bsofi"),),
    "pl": (
        Number(r"\d{11}", _pesel, r"\bpesel"),
        Number(r"\d{3}-?\d{3}-?\d\d-?\d\d", _nip, r"\bnip\b"),
    ),
}
LANGUAGES = tuple(_NUMBERS)
_SIGNS = re.compile(r"[ .\-]")
_REACH = 60
_DIGITS = r"[0-9](?:[ .\-]?[0-9]){6}|[0-9]{6}"


class _Search:
    """The search for one kind of number."""

    def __init__(self, number: Number) -> None:
        self._check, self._form = number.check, re.compile(rf"(?<![\w.+/-])(?:{number.form})(?![\w%]|[-.]\d)", re.ASCII)
        stems = number.words.replace(r"\b", "")
        self._words = Words(number.words, stems=stems, number=_DIGITS, behind=_REACH, ahead=_REACH) if stems else None
        plain = re.sub(r"\(\?![^)]*\)", "", number.form).replace(r"\d", "[0-9]")
        bordered = rf"(?:^|[^0-9a-z.+/-])(?:{plain})(?:$|[^0-9a-z%])"
        self._linear, self.sign = Linear(bordered, any_case=False), number.words or bordered

    def __call__(self, reading: Reading) -> Iterator[Found]:
        lower = reading.lower
        for first, last in self._words.near(lower) if self._words else self._linear.spans(lower.encode()):
            for found in self._form.finditer(lower, max(0, first - 1), min(len(lower), last + 2)):
                told = self._words is not None or not named_id(reading.text, found.start())
                if told and self._check(_SIGNS.sub("", found[0])):
                    yield Found(found.start(), found.end(), _SURE)


@cache
def _searches(language: str) -> tuple[_Search, ...]:
    """Compiled when a text is first read: a policy that is only checked reads none."""
    return tuple(map(_Search, _NUMBERS[language]))


@cache
def _may_hold(languages: tuple[str, ...]) -> Linear:
    """What every text has that holds such a number: its form, or a word for it."""
    searches = [search for language in languages for search in _searches(language)]
    return Linear("|".join(search.sign for search in searches), any_case=False)


def national_ids(reading: Reading, languages: tuple[str, ...] = LANGUAGES) -> Iterator[Found]:
    """Numbers of persons, as they are given in the countries of these languages."""
    if languages and _may_hold(languages).search(reading.lower.encode()):
        for language in languages:
            for search in _searches(language):
                yield from search(reading)


def compile_all() -> None:
    """Compile now what the first text would wait for."""
    _may_hold(LANGUAGES)
