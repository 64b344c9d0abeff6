"""Prefilter for personal data: a text that certainly holds none is not sent to the model server.

A no is exact: it looks at the same views of the text as the analyzer (normalised, then every readable payload), and for
each entity at something that every match must contain. Tests plant every entity under every disguise and hold the two together.
"""

import re

from outgate.detectors.normalise import unescape
from outgate.detectors.payloads import payloads
from outgate.detectors.pii.structured import MAY_BE_IBAN, ibans
from outgate.detectors.regex_engines import Automaton

CARD, EMAIL, PHONE, IBAN, SSN, IP = "CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS"
ENTITIES = (CARD, EMAIL, PHONE, IBAN, SSN, IP)

_FOUR_DIGITS = re.compile(r"\d(?:[^0-9A-WYZa-wyz]{0,4}\d){3}")
"""Cards, phone numbers (in which an x may stand between digits) and SSNs hold at least this; so does an IPv4 address, which has
four numbers between three dots."""
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
"""Every IPv6 address holds two colons with nothing or one group between them."""
_STRETCH, _BEFORE, _AFTER = 4096, 8, 160
"""Characters looked at together for IBANs, and what belongs to one that begins in them: four for each of its 34, at most."""
_TRIED = 3
"""Stretches that look like IBANs and hold none, after which it is cheaper to ask than to go on."""
_LOOKS_LIKE_IBAN = Automaton(MAY_BE_IBAN)
_NUMBERED = frozenset({CARD, PHONE, SSN, IP})


def may_contain(text: str, entities: tuple[str, ...] = ENTITIES) -> bool:
    """False only if no entity of these can be found in the text."""
    plain = unescape(text)
    if _shows(plain, entities):
        return True
    return any(_shows(payload.text, entities) for payload in payloads(plain))


def _shows(text: str, entities: tuple[str, ...]) -> bool:
    if EMAIL in entities and "@" in text:
        return True
    if not _NUMBERED.isdisjoint(entities) and _FOUR_DIGITS.search(text):
        return True
    if IP in entities and _COLONS.search(text):
        return True
    return IBAN in entities and _may_hold_iban(text)


def _may_hold_iban(text: str) -> bool:
    tried = 0
    for first in range(0, len(text), _STRETCH):
        near = text[max(0, first - _BEFORE) : first + _STRETCH + _AFTER]
        if _LOOKS_LIKE_IBAN.search(near):
            tried += 1
            if tried > _TRIED or next(ibans(near), None) is not None:
                return True
    return False
