"""Find telephone numbers: by a plus sign, by the form of North America, or beside a word such as phone, fax or call.

Source: ITU-T E.164 (15 digits at most). A run of digits that nothing speaks for is none: times, ids and counters look the same.
"""

import re
from collections.abc import Callable, Iterator

from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.words import Words
from outgate.detectors.regex_engines import Linear

SCORE = 0.4

_SIGNS = r"[ .\-/()]{0,3}"
_END = r"(?!(?!(?:x|ext)[.: ]?\d)[\w%]|\.\d)"
"""No letter or digit follows, but for an extension, and no decimal goes on."""
_LINE = rf"(?:{_SIGNS}|{_SIGNS}\n[ \t]{{0,12}})"
_PLUS = re.compile(rf"\+(?<![\w)\]}}+.\\*?]\+)\(?[1-9](?:{_LINE}\d){{7,14}}{_END}")
_NANP = Linear("000[-.]0000", any_case=False)
_AREA = re.compile(r"(?<![\w.+/-])(?:1[ .-])?(?:\([2-9]\d\d\)[ -]?|[2-9]\d\d[.-])\Z")
_ANYBODYS = "2345678"
"""The rest of a number whose area code is asked about: there are few of these, so that answers are remembered."""
_EXTENSION = re.compile(r"[ ,]{0,2}(?:x|ext\.?|extension|#)[ :]?\d{1,6}(?!\w)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])[+(]{0,2}\d(?:" + _SIGNS + r"\d){6,14}" + _END)
_NO_NUMBER = re.compile(
    r"\d{4}-\d\d?-\d\d?(?!-?\d)|\d\d?[./]\d\d?[./]\d{4}|\d{4}/\d\d?/\d\d?|\d+\.\d+\Z|\d{1,3}(?:\.\d{1,3}){3}\Z|\d \d \d|(\d)\1+\Z"
)
_GROUP = re.compile(r"\d+")
_UNDIALLED = re.compile(r"\(0\)|[^\d+]")
_STRONG = (
    r"(?<![a-z])(?:tele)?(?:phones?|fax|fon)|(?<![a-z])(?:cell|mobile)[ _-]?phones?|(?<![a-z])tel(?![a-z])|telefon|whatsapp"
    r"|(?<![a-z])(?:mobile|handy|mobil|movil|celular|sms|hotline)(?![a-z])|toll.free"
    r"|(?:call|reach|ring|text|dial) (?:me|us|him|her|them|at|on|back)\b|\bdial\b"
    r"|(?:my|contact|his|her|their|our|your|registered) (?:new |old |contact |cell |home |work )?number"
)
_SOFT = (
    r"|\bcall(?:ing|ed)?\b|\banswer(?:ing|ed)?\b|messages? to\b|\btext(?:ing|ed)?\b|\bcontact\b|\bregistered\b|\bcell\b"
    r"|\boffice\b|\bring\b"
)
_WORDS = Words(
    f"(?P<strong>{_STRONG}){_SOFT}",
    stems="phone|fax|tel|fon|whatsapp|mobil|handy|movil|celular|sms|hotline|toll.free|call|reach|ring|text|dial|number"
    "|answer|messages? to|contact|registered|cell|office",
    number=r"[0-9](?:[ .\-/()]{0,3}[0-9]){6}",
    behind=0,
    ahead=0,
)
_GAP = re.compile(r"[^\d+(\n]{0,24}\n?[^\d+(\n]{0,12}")
_OTHER = re.compile(r"(?:\b|_)(?:id|ids|time|date|hash|stack|count|len|size|version|code|width|height|index|px|ms)\b")
_AND = re.compile(r"\s{0,2}(?:,|;|/|or|and|und)\s{1,2}")
_BEFORE = re.compile(r"(?<![\w.+-])[+(]{0,2}\d(?:" + _SIGNS + r"\d){6,14}(?=(?: ?(?:x|ext\.?) ?\d{1,6})?[ \-(\[]{1,3}\Z)")


def phones(reading: Reading, valid: Callable[[str], bool] = bool) -> Iterator[Found]:
    """Telephone numbers in a text. `valid` is asked where form alone does not say enough: for a number with its calling code."""
    yield from _international(reading, valid)
    yield from _american(reading, valid)
    yield from _beside_words(reading)


def _international(reading: Reading, valid: Callable[[str], bool]) -> Iterator[Found]:
    text = reading.text
    for match in _PLUS.finditer(text):
        start = match.start()
        groups = [group.end() for group in _GROUP.finditer(match[0])]
        for end in reversed(groups):
            number = match[0][:end]
            grouped = len(groups) > 2 and "\n" not in number and text[start - 1 : start] not in ("\n", "")
            if sum(map(str.isdigit, number)) > 7 and (grouped or valid(_UNDIALLED.sub("", number))):
                yield with_extension(text, start, start + end)
                break


def _american(reading: Reading, valid: Callable[[str], bool]) -> Iterator[Found]:
    text = reading.text
    for first, end in _NANP.spans(reading.shape):
        ahead = text[max(0, first - 10) : first]
        area = _AREA.search(ahead)
        if area is None or text[first] in "01" or _continues(text, end):
            continue
        if area[0][-1] in ".-" and area[0][-1] != text[first + 3] and ")" not in area[0]:
            continue
        start = first - len(area[0])
        if valid(f"+1{_digits(area[0])[-3:]}{_ANYBODYS}"):
            yield with_extension(text, start, end)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _continues(text: str, end: int) -> bool:
    after = text[end : end + 2]
    return (after[:1].isalnum() and after[:1] not in "xX") or after[:1] == "_" or (after[:1] in "-./" and after[1:].isdigit())


def with_extension(text: str, start: int, end: int) -> Found:
    """The number that stands here, with the extension behind it."""
    extension = _EXTENSION.match(text, end)
    return Found(start, extension.end() if extension else end, SCORE)


def _beside_words(reading: Reading) -> Iterator[Found]:
    done = 0
    for word in _WORDS.find(reading.lower):
        strong = word["strong"] is not None
        ahead = _BEFORE.search(reading.text, max(0, word.start() - 32), word.start())
        if ahead is not None and ahead.start() >= done and (end := _phone_end(ahead, strong=False)) == ahead.end():
            yield with_extension(reading.text, ahead.start(), end)
        for start, end in listed_behind(reading, word.end(), strong=strong):
            if start >= done:
                yield with_extension(reading.text, start, end)
                done = end


def listed_behind(reading: Reading, at: int, *, strong: bool) -> Iterator[tuple[int, int]]:
    """The number behind a word, and those that are listed with it."""
    gap = _GAP.match(reading.text, at)
    if gap is None or _OTHER.search(reading.lower, at, gap.end()):
        return
    at = gap.end()
    for _ in range(4):
        number = _NUMBER.match(reading.text, at)
        if number is None or not (end := _phone_end(number, strong=strong)):
            return
        yield at, end
        comma = _AND.match(reading.text, end)
        if comma is None:
            return
        at = comma.end()


def _phone_end(number: re.Match[str], *, strong: bool) -> int:
    """Where a number ends that may be a telephone's; 0 for a date, an address, a decimal or, without a strong word, one run."""
    if _NO_NUMBER.match(number[0]):
        return 0
    groups = [group.span() for group in _GROUP.finditer(number[0])]
    if len(groups) == 1 and not strong:
        return 0
    count = 0
    for i, (start, end) in enumerate(groups):
        count += end - start
        if count < 7 or not i or i + 1 == len(groups) or ")" in (sign := _sign(number[0], groups, i)):
            continue
        if sign != _sign(number[0], groups, i + 1):
            return number.start() + end
    return number.start() + groups[-1][1]


def _sign(number: str, groups: list[tuple[int, int]], i: int) -> str:
    return number[groups[i - 1][1] : groups[i][0]]
