import pytest

from detectors.pii.finding import values
from outgate.detectors.pii.phones import phones
from outgate.detectors.pii.recognizers import given_out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+49 30 901820", ["+49 30 901820"]),
        ("at +4930901820,", ["+4930901820"]),
        ("+1 (312) 555-0182 x123", ["+1 (312) 555-0182 x123"]),
        ("(212) 555-0123", ["(212) 555-0123"]),
        ("212-555-0123", ["212-555-0123"]),
        ("212.555.0123", ["212.555.0123"]),
        ("1-800-829-1040", ["1-800-829-1040"]),
        ("+1 312-555-\n    0182", ["+1 312-555-\n    0182"]),
    ],
)
def test_a_plus_or_the_form_of_north_america_is_enough(text: str, found: list[str]) -> None:
    assert found == values(phones, text, valid=given_out)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tel: 0494 92 82 32", ["0494 92 82 32"]),
        ("Phone:\n60-56-85-91", ["60-56-85-91"]),
        ('"phone": "5551234567"', ["5551234567"]),
        ("phone_number=5551234567", ["5551234567"]),
        ("call me at 555-1234 or 555-4321", ["555-1234", "555-4321"]),
        ("fax 030/901820", ["030/901820"]),
        ("07700 063 966-Fax", ["07700 063 966"]),
        ("001-825-741-0957x5184 fax", ["001-825-741-0957x5184"]),
        ("phone 312-555-0182 12 days", ["312-555-0182"]),
        ("answering at 78 651 450", ["78 651 450"]),
        ("phone_id: 123456789", []),
        ("call 1720309186", []),
        ("callback(1720309186)", []),
        ("call 2026-11-29", []),
        ("phone 10.0.0.1", []),
        ("phone 3.14159265", []),
    ],
)
def test_a_word_speaks_for_a_number_beside_it(text: str, found: list[str]) -> None:
    assert found == values(phones, text, valid=given_out)


@pytest.mark.parametrize(
    "text",
    [
        "created_at=1720309186",
        "Which came first: 1720309186 or 1719999999?",
        "loss=0.4962405542447559",
        "id 49952399-c4aa-4ac1-b7dc-76fb0f17a300",
        "arn:aws:iam::180017062739:role/ci",
        "pid 19883 took 168638 us",
        "2147483647",
        "0123456789",
        "rgb(120, 130, 140) 255 255 255 0",
        "0] - 2015-01-30",
        "claude-haiku-4-5-20251001",
        "ports 8080 8443 9090 3000 5432",
        "UTC+0200",
        "+2147483647",
        "@@ -120,345 +678,9101 @@",
        "[0-9]+123456789",
        "0000-0002-1825-0097",
        "4096 2026-11-29 15:04",
    ],
)
def test_J1_times_ids_and_counters_are_no_numbers_to_call(text: str) -> None:
    assert [] == values(phones, text, valid=given_out)
