"""Find payment cards: an issuer's range with a length it gives out, a right check digit, and the form that cards are written in.

Sources: ISO/IEC 7812-1 (Luhn), the issuers' published ranges. One number in ten has a right check digit, so that is never enough:
without a word such as card beside it only one run, 4-4-4-4, 4-6-5, 4-6-4 and digit by digit count, and no decimal, list, id or row.
"""

import re
from collections.abc import Iterator

from outgate.detectors.pii.reading import Found, Reading, places
from outgate.detectors.pii.words import Words, named_id
from outgate.detectors.regex_engines import Linear

_DOUBLED = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_USUAL = {
    14: re.compile(r"3(?:0[0-5]|[689])"),
    15: re.compile(r"3[47]|1800|2131"),
    16: re.compile(
        r"4|5[1-5]|2(?:2(?:2[1-9]|[3-9])|[3-6]|7(?:[01]|20)|20[0-4])|6(?:011|2|4[4-9]|5)|35(?:2[89]|[3-8])|9792|8600|9860"
    ),
}
"""Issuers whose cards are known by their form alone, by the number's length."""
_ISSUER = re.compile(r"4|5[0-8]|2[2-7]|6|3[0-9]|1800|2131|8[126]|9792|9860")
"""Issuers whose cards are known beside a word: debit cards have 12 to 19 digits."""
_LENGTHS = range(19, 11, -1)
_RUN = re.compile(b"0+")
_SPACED = bytes(code if code in b"0a" else 32 for code in range(256))
_GROUPED = Linear("0000 {1,12}(?:0000 {1,12}0000 {1,12}0000|000000 {1,12}00000?)", any_case=False)
_MAY_BE_SINGLE = Linear("0" + 12 * " {1,3}0", any_case=False)
_DIGIT_BY_DIGIT = re.compile(rb"0(?<![0a]0)( {1,3})0(?:\1(?:0)){12,14}(?![0a])")
"""In a shape whose signs are all spaces."""
_ANY = re.compile(r"\d(?:[\s.\-_/·]{0,6}\d){11,}")
_GROUP = re.compile(r"\d+")
_WORDS = Words(
    r"(?<!dis)(?<!wild)(?<!stand)cards?(?!inal)|credit|debit|(?<![a-z])visa(?!g)|amex|maestro|diners|karte|tarjeta|cartao|carte"
    r"|(?<![a-z0-9])(?:cc|pan)(?![a-z0-9])",
    stems="card|credit|debit|visa|amex|maestro|diners|karte|tarjeta|cartao|carte|(?:^|[^a-z0-9])(?:cc|pan)(?:$|[^a-z0-9])",
    number=r"[0-9](?:[\s.\-_/]{0,6}[0-9]){11}",
    behind=60,
    ahead=30,
)
_QUARTET = re.compile(r"(?=.{0,3}[0-9])[0-9a-f]{4}(?![0-9a-z])")
"""Four hexadecimal digits, one of them no letter: not a word."""
_SIGNS = re.compile("[^0-9]+")
_SPACES = re.compile(r"\s+")
_LINE_END = re.compile(r"[ \t]*[\r\n]")


def cards(reading: Reading) -> Iterator[Found]:
    """Card numbers in a text; overlapping ones where a word makes more of it."""
    yield from _runs(reading)
    spaced = reading.shape.translate(_SPACED)
    yield from _groups(reading, spaced)
    yield from _single_digits(reading, spaced)
    for start, end in _WORDS.near(reading.lower):
        yield from _beside_a_word(reading, start, end)


def luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1 is right, and the number is not one digit repeated."""
    values = number.encode().translate(_VALUES)
    total = sum(values[-1::-2]) + sum(values[-2::-2].translate(_DOUBLED))
    return total % 10 == 0 and number.count(number[0]) < len(number)


def _usual(number: str) -> bool:
    issuer = _USUAL.get(len(number))
    return issuer is not None and issuer.match(number) is not None and luhn(number)


def _runs(reading: Reading) -> Iterator[Found]:
    text, shape = reading.text, reading.shape
    end = 0
    for start in places(shape, b"0" * 14):
        if start < end or (run := _RUN.match(shape, start)) is None:
            continue
        end = run.end()
        if end - start <= 16 and _usual(text[start:end]) and _stands_alone(reading, start, end):
            yield Found(start, end)


def _stands_alone(reading: Reading, start: int, end: int) -> bool:
    """Not glued to a word, no part of a decimal, path, UUID or list of numbers, not called an id."""
    text, shape = reading.text, reading.shape
    before, after = shape[max(0, start - 2) : start], shape[end : end + 2]
    if before[-1:] in _GLUED or after[:1] in (b"a", b"_", b"%") or before in _JOINED or after in _JOINS:
        return False
    listed = shape[max(0, start - 3) : start].replace(b" ", b"").endswith(b"0,")
    if listed and shape[end : end + 3].replace(b" ", b"").startswith(b",0"):
        return False
    return not named_id(text, start)


_GLUED = (b"0", b"a", b"_", b"/", b"+", b"-", b"$", b"%", b"\\")
_JOINED = (b"0.", b"0:", b"a.")
_JOINS = (b".0", b"-0", b"-a", b".a", b":0", b"/0", b"e0")


def _groups(reading: Reading, spaced: bytes) -> Iterator[Found]:
    for start, end in _GROUPED.spans(spaced):
        written = reading.text[start:end]
        signs = _SIGNS.findall(written)
        if _usual(_SIGNS.sub("", written)) and _one_hand(signs) and not _in_a_row(reading, start, end, signs[0]):
            yield Found(start, end)


def _one_hand(signs: list[str]) -> bool:
    """Short separators, or the same one everywhere."""
    if all(len(sign) <= 3 and not sign.strip(" .-_/·\n\r\t") for sign in signs):
        return True
    return len({_SPACES.sub(" ", sign) for sign in signs}) == 1


def _in_a_row(reading: Reading, start: int, end: int, sign: str) -> bool:
    """Part of a longer number or a decimal, or of a row of numbers or of hexadecimal groups with the same separator."""
    before, after = reading.shape[max(0, start - 2) : start], reading.shape[end : end + 2]
    if before[-1:] in _GLUED or after[:1] in (b"0", b"a", b"_") or before == b"0." or after == b".0":
        return True
    ahead, behind = reading.lower[max(0, start - len(sign) - 5) : start], reading.lower[end : end + len(sign) + 5]
    last = ahead[-len(sign) - 4 : -len(sign)] if ahead.endswith(sign) else ""
    first = behind[len(sign) :] if behind.startswith(sign) else ""
    return _QUARTET.match(last) is not None or _QUARTET.match(first) is not None


def _single_digits(reading: Reading, spaced: bytes) -> Iterator[Found]:
    if not _MAY_BE_SINGLE.search(spaced):
        return
    for match in _DIGIT_BY_DIGIT.finditer(spaced):
        start, end = match.span()
        signs = set(_SIGNS.findall(reading.text, start, end))
        if len(signs) == 1 and "\n" not in (sign := signs.pop()) and _usual(_SIGNS.sub("", reading.text[start:end])):
            ahead, behind = start - len(sign), end + len(sign)
            if not (reading.shape[ahead - 1 : ahead] == b"0" and reading.text[ahead:start] == sign) and not (
                reading.text[end:behind] == sign and reading.shape[behind : behind + 1] == b"0"
            ):
                yield Found(start, end)


def _beside_a_word(reading: Reading, first: int, last: int) -> Iterator[Found]:
    for run in _ANY.finditer(reading.text, first, last):
        groups = [group.span() for group in _GROUP.finditer(reading.text, *run.span())]
        covered = 0
        for i, (start, _) in enumerate(groups):
            if start < covered or not _ISSUER.match(reading.text, start):
                continue
            covered = next(_card_ends(reading.text, groups, i), 0)
            if covered:
                yield Found(start, covered)


def _card_ends(text: str, groups: list[tuple[int, int]], first: int) -> Iterator[int]:
    """Where a card ends that begins with this group, at the end of another: the longest first, but none goes on over the end of a
    line, where a usual one has ended, to the number of the next line.
    """
    number, ends = "", {}
    for start, end in groups[first : first + 19]:
        number += text[start:end]
        if len(number) > 19:
            break
        ends[len(number)] = end
    right = [length for length in _LENGTHS if length in ends and luhn(number[:length])]
    lines = [length for length in right if _usual(number[:length]) and _LINE_END.match(text, ends[length])]
    yield from (ends[length] for length in lines or right)
