"""Find telephone numbers as people of a language write them: with the zero of long distance, or beside a word of the language.

Source: the numbering plans, asked of phonenumbers in the model server: whether a number is given out decides what form leaves open.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from outgate.detectors.pii.phones import listed_behind, phones, with_extension
from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.words import Words
from outgate.detectors.regex_engines import Linear


class Tongue(NamedTuple):
    """Where a language is spoken, and the words of it that a number stands behind, as they are found and as stems."""

    regions: tuple[str, ...]
    words: str
    stems: str


_TONGUES = {
    "en": Tongue(("GB", "IE", "AU", "NZ", "ZA", "IN"), r"\bnumber\b|\bunder\b|\bon\b", "number|under|on"),
    "de": Tongue(
        ("DE", "AT", "CH"),
        r"\bnummer\b|telefon|\bruf|anruf|\bmobil|\bhandy|\berreich\w+|\bunter\b|\btel\b|\bfax\b|\bdurchwahl",
        "nummer|telefon|ruf|mobil|handy|erreich|unter|tel|fax|durchwahl",
    ),
    "fr": Tongue(
        ("FR", "BE", "CH", "LU"),
        r"\bnumero\b|telephone|portable|\bappel\w*|\bjoign\w+|\bjoindre\b|\bfixe\b|\bau\b|\btel\b",
        "numero|telephone|portable|appel|joign|joindre|fixe|au|tel",
    ),
    "es": Tongue(
        ("ES", "MX", "AR", "CO", "CL", "PE"),
        r"\bnumero\b|telefono|\bmovil\b|celular|\bllam\w+|whatsapp|\bcontact\w+|\btel\b|\btfno\b",
        "numero|telefono|movil|celular|llam|whatsapp|contact|tel|tfno",
    ),
    "it": Tongue(
        ("IT", "CH"),
        r"\bnumero\b|telefon\w*|cellulare|\bchiam\w+|\bcontatt\w+|\bfisso\b|\btel\b|\bcell\b",
        "numero|telefon|cellulare|chiam|contatt|fisso|tel|cell",
    ),
    "pt": Tongue(
        ("PT", "BR"),
        r"\bnumero\b|telefone|telemovel|celular|\bligu?e\w*|\bligar\b|\bcontact\w+|\bcontato\b|whatsapp|\btel\b",
        "numero|telefone|telemovel|celular|lig|contact|contato|whatsapp|tel",
    ),
    "nl": Tongue(
        ("NL", "BE"),
        r"\bnummer\b|telefoon|mobiel|\bbel\b|\bbellen\b|bereikbaar|\bbereik\w*|\bop\b|\btel\b",
        "nummer|telefoon|mobiel|bel|bereik|op|tel",
    ),
    "pl": Tongue(
        ("PL",),
        r"\bnumer\w*|telefon\w*|\btel\b|\bkom\b|komork\w+|\bdzwon\w+|zadzwon\w*|\bpod\b|kontakt\w*",
        "numer|telefon|tel|kom|dzwon|pod|kontakt",
    ),
}
LANGUAGES = tuple(_TONGUES)
_LEAST, _MOST = 8, 13
_BEGINS = Linear(
    r"(?:^|[^0-9a-z.,+:/-])\(?0[0-9]{1,4}\)?(?: ?[./-] ?| )[0-9]{2,8}(?:[ .-][0-9]{2,8}){0,4}(?:$|[^0-9a-z%])", any_case=False
)
_WITH_ZERO = re.compile(r"(?<![\w.,+:/-])(?<!\d )\(?0\d{1,4}\)?(?: ?[./-] ?| )\d{2,8}(?:[ .-]\d{2,8}){0,4}(?![\w%]|[ .:/-]\d|,\d)")
_NO_NUMBER = re.compile(
    r"0?\d[./ -]\d\d[./ -](?:\d\d){1,2}(?!\d)(?![./ -]\d\d(?:[./ -]\d\d)*\Z)|[^.]*\d[ /-]+\d[^.]*\.|[^ /-]*\.[^ /-]*[ /-]"
)
"""Dates, and dots beside other signs: times, ranges of dates, versions."""
_NUMBER = r"[0-9](?:[ .\-/()]{0,3}[0-9]){6}"


class _Search:
    """The search for numbers of some languages."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        tongues = [_TONGUES[language] for language in languages]
        self._regions = tuple(dict.fromkeys(region for tongue in tongues for region in tongue.regions))
        words, stems = (
            "|".join(dict.fromkeys("|".join(some).split("|"))) for some in zip(*(one[1:] for one in tongues), strict=True)
        )
        self._words = Words(words, stems=stems, number=_NUMBER, behind=0, ahead=0)

    def __call__(self, reading: Reading, valid: Callable[[str], bool]) -> Iterator[Found]:
        for start, end in _with_zero(reading):
            if self._given_out(reading.text[start:end], valid):
                yield with_extension(reading.text, start, end)
        done = 0
        for word in self._words.find(reading.lower):
            for start, end in listed_behind(reading, word.end(), strong=True):
                if start >= done and self._given_out(reading.text[start:end], valid):
                    yield with_extension(reading.text, start, end)
                    done = end

    def _given_out(self, number: str, valid: Callable[[str], bool]) -> bool:
        digits = "".join(filter(str.isdigit, number))
        if not _LEAST <= len(digits) <= _MOST or number.startswith("+"):
            return False
        return any(valid(f"{region} {digits}") for region in self._regions)


def _with_zero(reading: Reading) -> Iterator[tuple[int, int]]:
    for start, _ in _BEGINS.spans(reading.lower.encode()):
        found = _WITH_ZERO.match(reading.text, start + (reading.lower[start] not in "(0"))
        if found is not None and not _NO_NUMBER.match(found[0]) and sum(map(str.isdigit, found[0])) > _LEAST:
            yield found.span()


_search = cache(_Search)


def telephones(reading: Reading, valid: Callable[[str], bool] = bool, languages: tuple[str, ...] = LANGUAGES) -> Iterator[Found]:
    """Telephone numbers: by their form, and as the people of these languages write them. `valid` says whether one is given out."""
    yield from phones(reading, valid)
    if languages:
        yield from _search(languages)(reading, valid)
