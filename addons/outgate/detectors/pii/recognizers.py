"""Presidio recognisers that Outgate runs: our finders with presidio's scores and context words.

Only the model server imports this. What a finder cannot know without a large table is asked here: whether a telephone number is
given out (phonenumbers), and whether a domain can end so (the public suffix list that tldextract brings).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial

import phonenumbers
import tldextract
from presidio_analyzer import EntityRecognizer, LocalRecognizer, RecognizerResult

from outgate.detectors.pii.addresses import emails
from outgate.detectors.pii.finders import CARD, EMAIL, FINDERS, IBAN, IP, NATIONAL_ID, PHONE, SSN, Finder, entity_of, finder
from outgate.detectors.pii.national_phones import telephones
from outgate.detectors.pii.reading import Found, Reading, read

_PRIVATE_TOPS = frozenset(
    ["example", "test", "invalid", "localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "onion", "arpa"]
)
_CONTEXT = {
    CARD: ["card", "credit", "visa"],
    EMAIL: ["email", "mail"],
    IBAN: ["iban", "bank"],
    PHONE: ["phone", "telephone", "cell", "cellphone", "mobile", "call", "fax"],
    SSN: ["social", "security", "ssn", "ssns", "ssid"],
    IP: ["ip", "ipv4", "ipv6"],
    NATIONAL_ID: [],
}


class FinderRecognizer(LocalRecognizer):  # type: ignore[misc]
    """A presidio recogniser over one of our finders."""

    def __init__(self, entity: str, finder: Finder) -> None:
        super().__init__(supported_entities=[entity], name=f"outgate_{entity.lower()}", context=_CONTEXT[entity_of(entity)])
        self._entity, self._finder = entity, finder

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[RecognizerResult]:  # noqa: ARG002
        """presidio's port: one result for each span."""
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: self.name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return [
            RecognizerResult(self._entity, start, end, score, recognition_metadata=metadata)
            for start, end, score in self._finder(_reading(text))
        ]


@lru_cache(1)
def _reading(text: str) -> Reading:
    """Every recogniser reads each text in turn."""
    return read(text)


def recognizer(kind: str) -> EntityRecognizer:
    """The recogniser of a kind. Raises ValueError for what is no kind."""
    return FinderRecognizer(kind, finder(kind, _finders()))


@lru_cache(1)
def _finders() -> dict[str, Callable[..., Iterable[Found]]]:
    return FINDERS | {EMAIL: partial(emails, is_top=_tops().__contains__), PHONE: partial(telephones, valid=given_out)}


@lru_cache(4_096)
def given_out(number: str) -> bool:
    """Whether a number can be somebody's: with its calling code, or behind the region that it is dialled in (`DE 030901820`)."""
    region, _, dialled = number.rpartition(" ")
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(dialled, region or None))
    except phonenumbers.NumberParseException:
        return False


def _tops() -> frozenset[str]:
    return frozenset(_suffixes()) | _PRIVATE_TOPS


def _suffixes() -> Iterator[str]:
    """The last labels of all public suffixes, in letters and as they are sent (RFC 3492)."""
    for suffix in tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).tlds:
        top = suffix.rpartition(".")[2]
        yield top
        if not top.isascii():
            yield top.encode("idna").decode()
