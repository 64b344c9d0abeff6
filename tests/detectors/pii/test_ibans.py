import pytest

from detectors.pii.finding import values
from outgate.detectors.pii.ibans import ibans, mod97


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DE89370400440532013000 days from today", ["DE89370400440532013000"]),
        ("to DE89 3704 0044 0532 0130 00, please", ["DE89 3704 0044 0532 0130 00"]),
        ("DE 89 37040044 0532013000", ["DE 89 37040044 0532013000"]),
        ("gb82 west 1234 5698 7654 32", ["gb82 west 1234 5698 7654 32"]),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", ["MT84 MALT 0110 0001 2345 MTLC AST0 01S"]),
        ("D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", ["D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0"]),
        ("DE89 3704\n    0044 0532\n    0130 00", ["DE89 3704\n    0044 0532\n    0130 00"]),
        ("DE89 -- 3704 -- 0044 -- 0532 -- 0130 -- 00", ["DE89 -- 3704 -- 0044 -- 0532 -- 0130 -- 00"]),
        ("DE88370400440532013000", []),
        ("XX89370400440532013000", []),
        ("FR14ABCDEFGHIJKLMNOPQRSTUVW", []),
        ("in 2024 we met at 10", []),
    ],
)
def test_ibans(text: str, found: list[str]) -> None:
    assert found == values(ibans, text)


def test_check_digits() -> None:
    assert (True, False) == (mod97("GB82WEST12345698765432"), mod97("GB83WEST12345698765432"))
