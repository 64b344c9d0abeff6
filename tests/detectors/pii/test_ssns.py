import pytest

from detectors.pii.finding import values
from outgate.detectors.pii.ssns import social_security_numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("536-90-4399", ["536-90-4399"]),
        ("note: 536 90 4399 and", ["536 90 4399"]),
        ("her ssn is 536904399", ["536904399"]),
        ("the order 536904399 was shipped", []),
        ("666-90-4399", []),
        ("536-00-4399", []),
        ("1 536 90 4399 2", []),
        ("536-90-43991", []),
        ("a536-90-4399", []),
        ("536-90-4399-11", []),
        ("078-05-1120", []),
    ],
)
def test_social_security_numbers(text: str, found: list[str]) -> None:
    assert found == values(social_security_numbers, text)
