"""Find US social security numbers and tax numbers of the same form: 3-2-4 with one separator, or nine digits beside a word.

Source: the Social Security Administration's rules of 2011: no area 000 or 666, no group 00, no serial 0000.
"""

import re
from collections.abc import Iterator

from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.words import Words
from outgate.detectors.regex_engines import Linear

_GROUPED = Linear("000-00-0000|000 00 0000|000[.]00[.]0000", any_case=False)
_WORDS = Words(
    r"(?<![a-z])(?:ssns?|itins?)(?![a-z])|ss#|social.{0,3}sec",
    stems="ssn|itin|ss#|social.{0,3}sec",
    number="[0-9]{9}",
    behind=80,
    ahead=80,
)
_NINE = re.compile(r"(?<![\w.])\d{9}(?![\w]|\.\d)")
_SAMPLES = frozenset({"123456789", "987654320", "078051120"})


def social_security_numbers(reading: Reading) -> Iterator[Found]:
    """The numbers in a text; those without separators with a score that a word has to raise."""
    text, shape = reading.text, reading.shape
    for start, end in _GROUPED.spans(shape):
        if _possible(text[start:end]) and not _in_a_row(shape, start, end):
            yield Found(start, end, 0.5)
    for first, last in _WORDS.near(reading.lower):
        for run in _NINE.finditer(text, first, last):
            if _possible(run[0]):
                yield Found(run.start(), run.end(), 0.05)


def _possible(number: str) -> bool:
    digits = "".join(filter(str.isdigit, number))
    if digits in _SAMPLES or len(set(digits)) == 1:
        return False
    return digits[:3] not in ("000", "666") and digits[3:5] != "00" and digits[5:] != "0000"


def _in_a_row(shape: bytes, start: int, end: int) -> bool:
    """Glued to a word or a number, or in a longer row of numbers."""
    before, after = shape[max(0, start - 2) : start], shape[end : end + 2]
    return (
        before[-1:] in (b"0", b"a", b"_", b"-", b"/", b"+")
        or after[:1] in (b"0", b"a", b"_")
        or before in (b"0 ", b"0.", b"0,")
        or after in (b" 0", b".0", b"-0", b",0", b"-a", b"/0")
    )
