"""The finder of each entity: what the prefilter and the recognisers of the model server both run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from outgate.detectors.pii.addresses import emails
from outgate.detectors.pii.cards import cards
from outgate.detectors.pii.ibans import ibans
from outgate.detectors.pii.national_ids import LANGUAGES, national_ids
from outgate.detectors.pii.national_phones import telephones
from outgate.detectors.pii.networks import addresses
from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.ssns import social_security_numbers

CARD, EMAIL, PHONE, IBAN, SSN, IP = "CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS"
NATIONAL_ID = "NATIONAL_ID"
ENTITIES = (CARD, EMAIL, PHONE, IBAN, SSN, IP, NATIONAL_ID)

type Finder = Callable[[Reading], Iterable[Found]]
FINDERS: dict[str, Finder] = {
    CARD: cards,
    EMAIL: emails,
    PHONE: telephones,
    IBAN: ibans,
    SSN: social_security_numbers,
    IP: addresses,
    NATIONAL_ID: national_ids,
}
BY_LANGUAGE = frozenset({PHONE, NATIONAL_ID})
"""Entities whose words and forms are those of languages: `NATIONAL_ID:de,fr` finds those of two, `NATIONAL_ID` those of all."""


def kinds(entities: Iterable[str], languages: Sequence[str] = LANGUAGES) -> tuple[str, ...]:
    """What is asked for to find these entities in these languages."""
    if set(languages) == set(LANGUAGES):
        return tuple(entities)
    said = ",".join(sorted(set(languages)))
    return tuple(f"{entity}:{said}" if entity in BY_LANGUAGE else entity for entity in entities)


def entity_of(kind: str) -> str:
    """What is found for it. Raises ValueError for what is no kind."""
    entity, sign, languages = kind.partition(":")
    if entity not in FINDERS or (sign and (entity not in BY_LANGUAGE or not set(languages.split(",")) <= {*LANGUAGES, ""})):
        raise ValueError("unsupported entity")
    return entity


def finder(kind: str, finders: Mapping[str, Callable[..., Iterable[Found]]] = FINDERS) -> Finder:
    """The finder of a kind, made of those of the entities. Raises ValueError for what is no kind."""
    find = finders[entity_of(kind)]
    _, sign, languages = kind.partition(":")
    return partial(find, languages=tuple(filter(None, languages.split(",")))) if sign else find
