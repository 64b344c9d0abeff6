"""Presidio without a model, and without the network; every disguise of every structured type."""

import logging
import socket
from time import process_time

import pytest

from detectors.pii.disguises import DISGUISES, VALUES
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.detectors.pii.prefilter import ENTITIES, candidates
from outgate.detectors.pii.slices import STEP


@pytest.fixture(name="analyzer", scope="module")
def _analyzer() -> PiiAnalyzer:
    return PiiAnalyzer()


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("entity", VALUES)
def test_planted_values_are_found_whole_in_every_disguise(analyzer: PiiAnalyzer, entity: str, disguise: str) -> None:
    for value in VALUES[entity]:
        planted = DISGUISES[disguise](value)
        text = f"Please note: {planted} and answer."
        found = analyzer.detect(text)
        start = text.index(planted)
        cover = [one for one in found if one.start <= start + 6 and one.end >= start + len(planted) - 6]
        assert cover, (value, found)
        assert candidates(text)


@pytest.mark.parametrize(
    ("text", "entity", "least"),
    [
        ("his ssn is 536904399", "US_SSN", 0.4),
        ("social security numbers: 536904399", "US_SSN", 0.4),
        ("the order 536904399 was shipped", "US_SSN", None),
        ("SSN 536-90-4399", "US_SSN", 0.85),
        ("call my phone: 312-555-0182", "PHONE_NUMBER", 0.75),
    ],
)
def test_words_nearby_make_a_match_surer(analyzer: PiiAnalyzer, text: str, entity: str, least: float | None) -> None:
    scores = [round(one.score, 2) for one in analyzer.detect(text, (entity,))]
    assert scores == ([] if least is None else [least])


def test_only_the_wanted_entities_are_found(analyzer: PiiAnalyzer) -> None:
    text = "jane@example.com 4111111111111111"
    assert ["EMAIL_ADDRESS"] == [one.entity for one in analyzer.detect(text, ("EMAIL_ADDRESS",))]
    with pytest.raises(ValueError, match="unsupported entity"):
        analyzer.detect(text, ("PERSON",))


def test_ordinary_text_holds_nothing(analyzer: PiiAnalyzer) -> None:
    text = "In 2024 the 3 teams shipped version 1.2.3 at 10:30, 12% under budget; see src/main.py line 42 and std::vector."
    assert () == analyzer.detect(text)


def test_values_are_found_at_every_border_between_slices(analyzer: PiiAnalyzer) -> None:
    for offset in range(-30, 31, 5):
        text = "x " * ((STEP + offset) // 2) + "jane.doe@example.com " + "y " * STEP
        assert ["jane.doe@example.com"] == [text[one.start : one.end] for one in analyzer.detect(text)]


def test_no_name_is_looked_up_and_no_socket_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def refuse(*args: object, **_: object) -> None:
        calls.append(args)
        raise OSError("no network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    import tldextract

    analyzer = PiiAnalyzer()
    for values in VALUES.values():
        for value in values:
            analyzer.detect(f"value {value}")
    assert "example.com" == tldextract.extract("bob@example.com").fqdn
    assert [] == calls


def test_nothing_of_a_prompt_is_logged(analyzer: PiiAnalyzer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    analyzer.detect("IBAN GB99 ÄÖÜ0 1234 5698 7654 32 and canary-7f3a@example.com 4111 1111 1111 1111")
    assert [] == [record.getMessage() for record in caplog.records]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["12 ", "1.1.1.1 ", "4111 1111 1111 1111 ", "312-555-0182 ", "a.", "a@b.co ", "1:", "@", "DE89 "])
def test_no_slice_blocks_the_model_server_for_long(analyzer: PiiAnalyzer, text: str) -> None:
    start = process_time()
    analyzer.detect((text * STEP)[:STEP])
    assert process_time() - start < 0.5


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_screen_never_says_no_to_what_the_analyzer_finds(analyzer: PiiAnalyzer, entity: str) -> None:
    for value in VALUES[entity]:
        for name, disguise in DISGUISES.items():
            text = disguise(value)
            assert candidates(text, (entity,)) or not analyzer.detect(text, (entity,)), (value, name)
