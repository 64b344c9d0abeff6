"""Presidio recognizers that Outgate runs: presidio's own for phone numbers, SSNs and IP addresses, ours where presidio's miss
spellings (cards with any separator, IBANs in lower case) or take quadratic time or the network (e-mail addresses).
"""

from collections.abc import Callable, Iterable

from presidio_analyzer import EntityRecognizer, LocalRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import IpRecognizer, PhoneRecognizer, UsSsnRecognizer

from outgate.detectors.pii.addresses import emails
from outgate.detectors.pii.prefilter import CARD, EMAIL, ENTITIES, IBAN, IP, PHONE, SSN
from outgate.detectors.pii.structured import cards, ibans

type Spans = Callable[[str], Iterable[tuple[int, int]]]


class SpanRecognizer(LocalRecognizer):  # type: ignore[misc]
    """A presidio recognizer over one of our span finders."""

    def __init__(self, entity: str, spans: Spans, score: float, context: list[str]) -> None:
        super().__init__(supported_entities=[entity], name=f"outgate_{entity.lower()}", context=context)
        self._entity, self._spans, self._score = entity, spans, score

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[RecognizerResult]:  # noqa: ARG002
        """presidio's port: one result for each span."""
        metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: self.name, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return [
            RecognizerResult(self._entity, start, end, self._score, recognition_metadata=metadata)
            for start, end in self._spans(text)
        ]


_MAKERS: dict[str, Callable[[], EntityRecognizer]] = {
    CARD: lambda: SpanRecognizer(CARD, cards, 1.0, ["card", "credit", "visa"]),
    EMAIL: lambda: SpanRecognizer(EMAIL, emails, 1.0, ["email", "mail"]),
    IBAN: lambda: SpanRecognizer(IBAN, ibans, 1.0, ["iban", "bank"]),
    PHONE: PhoneRecognizer,
    SSN: UsSsnRecognizer,
    IP: IpRecognizer,
}


def recognizers() -> list[EntityRecognizer]:
    """A recognizer for each supported entity."""
    return [_MAKERS[entity]() for entity in ENTITIES]
