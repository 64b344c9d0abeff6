"""Prefilter for personal data: the places of a text that may hold some, each with the surroundings it is judged by.

Nothing else is sent to the model server. What is left out holds none for certain: the prefilter looks at the same views of text as
the analyzer (normalised, then every readable payload), and for each entity at something that every match must contain. Tests plant
every entity under every disguise and hold the two together.
"""

import re
from collections.abc import Iterable, Iterator

from outgate.detectors.normalise import Folded, normalise
from outgate.detectors.payloads import payloads
from outgate.detectors.pii.slices import Slice
from outgate.detectors.pii.structured import ibans

CARD, EMAIL, PHONE, IBAN, SSN, IP = "CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS"
ENTITIES = (CARD, EMAIL, PHONE, IBAN, SSN, IP)

REACH = 160
"""Characters of surroundings on each side: the words that speak for a match, and more than any separator between its groups."""
_FOUR_DIGITS = re.compile(r"\d(?:[^0-9A-WYZa-wyz]{0,4}\d){3,}")
"""Cards, phone numbers (in which an x may stand between digits) and SSNs hold at least this; so does an IPv4 address, which has
four numbers between three dots."""
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
"""Every IPv6 address holds two colons with nothing or one group between them."""
_AT = re.compile("@+")
_MAIL = 320
"""Characters of a mail address before and after its @ together, at most (RFC 5321, 4.5.3.1)."""
_NUMBERED = frozenset({CARD, PHONE, SSN, IP})

type Span = tuple[int, int]


def candidates(text: str, entities: tuple[str, ...] = ENTITIES) -> tuple[Slice, ...]:
    """The places to ask about, none overlapping; empty where the text holds nothing of these entities.

    Each is a piece of `text` that the analyzer judges alone as it judges the whole; `slices.merge` brings its findings back.
    """
    folded = normalise(text)
    places = list(_places(folded.text, entities))
    hidden = payloads(folded.text)
    places += [(one.start, one.end) for one in hidden if next(_places(one.text, entities), None) is not None]
    return tuple(_cut(text, folded, sorted(places)))


def may_contain(text: str, entities: tuple[str, ...] = ENTITIES) -> bool:
    """False only if no entity of these can be found in the text."""
    return bool(candidates(text, entities))


def _places(text: str, entities: tuple[str, ...]) -> Iterator[Span]:
    if EMAIL in entities:
        yield from ((max(0, at.start() - _MAIL), at.end() + _MAIL) for at in _AT.finditer(text))
    if not _NUMBERED.isdisjoint(entities):
        yield from ((max(0, digits.start() - 64), digits.end() + 8) for digits in _FOUR_DIGITS.finditer(text))
    if IP in entities:
        yield from ((max(0, colons.start() - 40), colons.end() + 40) for colons in _COLONS.finditer(text))
    if IBAN in entities:
        yield from ibans(text)


def _cut(text: str, folded: Folded, places: Iterable[Span]) -> Iterator[Slice]:
    """The places with their surroundings, neighbours together, as pieces of the text as it was given."""
    length = len(folded.text)
    begin = end = first = last = -1
    for start, stop in places:
        if end < 0 or start - REACH > end:
            if end >= 0:
                yield _slice(text, folded, begin, end, first, last)
            begin, first = max(0, start - REACH), start
        last = max(last, min(stop, length))
        end = min(length, last + REACH)
    if end >= 0:
        yield _slice(text, folded, begin, end, first, last)


def _slice(text: str, folded: Folded, begin: int, end: int, first: int, last: int) -> Slice:
    start, stop = folded.span(begin, end)
    return Slice(text[start:stop], start, *folded.span(first, last))
