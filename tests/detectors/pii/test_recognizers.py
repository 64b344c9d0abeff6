import pytest

from outgate.detectors.pii.finders import CARD, EMAIL, ENTITIES, FINDERS
from outgate.detectors.pii.reading import read
from outgate.detectors.pii.recognizers import given_out, recognizers


def test_each_entity_has_one_recogniser_and_one_finder() -> None:
    assert list(ENTITIES) == [entity for one in recognizers() for entity in one.supported_entities]
    assert set(ENTITIES) == set(FINDERS)


def test_results_name_their_recogniser_for_the_search_of_context() -> None:
    by_entity = dict(zip(ENTITIES, recognizers(), strict=True))
    (result,) = by_entity[CARD].analyze("4111111111111111", [CARD])
    assert by_entity[CARD].id in result.recognition_metadata.values()


@pytest.mark.parametrize(
    ("domain", "expected"), [("example.com", True), ("corp.internal", True), ("b.mean", False), ("b.transpose", False)]
)
def test_an_address_ends_in_a_domain_that_exists_or_a_private_one(domain: str, expected: bool) -> None:
    (mail,) = (one for one in recognizers() if one.supported_entities == [EMAIL])
    assert expected is bool(mail.analyze(f"a@{domain}", [EMAIL]))
    assert list(FINDERS[EMAIL](read(f"a@{domain}")))


def test_calling_codes() -> None:
    assert (True, False, False) == (given_out("+4930901820"), given_out("+2147483647"), given_out("+"))
