"""The finder of each entity: what the prefilter and the recognisers of the model server both run."""

from collections.abc import Callable, Iterable

from outgate.detectors.pii.addresses import emails
from outgate.detectors.pii.cards import cards
from outgate.detectors.pii.ibans import ibans
from outgate.detectors.pii.networks import addresses
from outgate.detectors.pii.phones import phones
from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.pii.ssns import social_security_numbers

CARD, EMAIL, PHONE, IBAN, SSN, IP = "CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS"
ENTITIES = (CARD, EMAIL, PHONE, IBAN, SSN, IP)

FINDERS: dict[str, Callable[[Reading], Iterable[Found]]] = {
    CARD: cards,
    EMAIL: emails,
    PHONE: phones,
    IBAN: ibans,
    SSN: social_security_numbers,
    IP: addresses,
}
