"""Detect structured personal data with presidio-analyzer, without a model, a download or the network.

Imported by the model server only: presidio and phonenumbers cost 90 MB. A text is normalised first; findings come back in
offsets of the text as it was given. A finding inside an encoded token covers the whole token.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import tldextract
import tldextract.tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from outgate.detectors.finding import Finding
from outgate.detectors.pii.context import NearbyWords
from outgate.detectors.pii.finders import ENTITIES, entity_of
from outgate.detectors.pii.recognizers import recognizer
from outgate.detectors.pii.slices import Sliced, sliced

THRESHOLD = 0.4


class NoModel(NlpEngine):  # type: ignore[misc]
    """A language engine that knows no words: the recognizers used here match patterns, and context is found by NearbyWords."""

    def load(self) -> None:
        """Nothing to load."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:  # noqa: ARG002
        return NlpArtifacts([], [], [], [], self, language)

    def process_batch(self, texts: Iterable[str], language: str, **_: Any) -> Any:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:  # noqa: ARG002
        return False

    def is_punct(self, word: str, language: str) -> bool:  # noqa: ARG002
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


class PiiAnalyzer:
    """Presidio over our recognisers: of the entities, and of each choice of languages that is asked for.

    Not thread-safe; `run` may raise whatever presidio raises.
    """

    def __init__(self) -> None:
        _silence()
        self._known = set(ENTITIES)
        self._registry = RecognizerRegistry(recognizers=[recognizer(entity) for entity in ENTITIES], supported_languages=["en"])
        self._engine = AnalyzerEngine(
            registry=self._registry, nlp_engine=NoModel(), supported_languages=["en"], context_aware_enhancer=NearbyWords()
        )

    def split(self, item: str) -> Sliced:
        """The text as pieces for `run`."""
        return sliced(item)

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[tuple[Finding, ...]]:
        """Findings of each piece for these kinds. Raises ValueError for a kind that is not supported."""
        entities = list(options)
        for kind in entities:
            if kind not in self._known:
                self._registry.add_recognizer(recognizer(kind))
                self._known.add(kind)
        return [self._analyze(piece, entities) for piece in pieces]

    def merge(self, job: Sliced, found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
        """What the pieces of one text say about it, disjoint, in its own offsets."""
        return job.findings(found)

    def detect(self, text: str, entities: Sequence[str] = ENTITIES) -> tuple[Finding, ...]:
        """Split, run and merge in one step."""
        job = self.split(text)
        return self.merge(job, self.run(job.pieces, entities))

    def _analyze(self, text: str, entities: list[str]) -> tuple[Finding, ...]:
        if not entities:
            return ()
        results = self._engine.analyze(text, language="en", entities=entities, score_threshold=THRESHOLD)
        return tuple(Finding(entity_of(one.entity_type), one.start, one.end, one.score) for one in results)


def _silence() -> None:
    """No network and no prompt text in logs: presidio logs what it could not validate, tldextract fetches a list."""
    for name in ("presidio-analyzer", "presidio_analyzer", "decision_process", "tldextract", "filelock"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    tldextract.tldextract.TLD_EXTRACTOR = offline
    tldextract.extract = offline
