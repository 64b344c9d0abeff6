import pytest

from outgate.detectors.pii.finders import CARD, EMAIL, ENTITIES, FINDERS
from outgate.detectors.pii.reading import read
from outgate.detectors.pii.recognizers import given_out, recognizer


def test_each_entity_has_one_recogniser_and_one_finder() -> None:
    assert [[entity] for entity in ENTITIES] == [recognizer(entity).supported_entities for entity in ENTITIES]
    assert set(ENTITIES) == set(FINDERS)


def test_results_name_their_recogniser_for_the_search_of_context() -> None:
    card = recognizer(CARD)
    (result,) = card.analyze("4111111111111111", [CARD])
    assert card.id in result.recognition_metadata.values()


@pytest.mark.parametrize(
    ("domain", "expected"), [("example.com", True), ("corp.internal", True), ("b.mean", False), ("b.transpose", False)]
)
def test_an_address_ends_in_a_domain_that_exists_or_a_private_one(domain: str, expected: bool) -> None:
    assert expected is bool(recognizer(EMAIL).analyze(f"a@{domain}", [EMAIL]))
    assert list(FINDERS[EMAIL](read(f"a@{domain}")))


def test_calling_codes() -> None:
    assert (True, False, False) == (given_out("+4930901820"), given_out("+2147483647"), given_out("+"))
