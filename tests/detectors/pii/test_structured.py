import pytest

from outgate.detectors.pii.structured import cards, ibans, luhn, mod97

_VISA, _AMEX = "4111111111111111", "378282246310005"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"pay {_VISA} now", [_VISA]),
        ("4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("4111-1111-1111-1111", ["4111-1111-1111-1111"]),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"]),
        ("4111\n1111\n1111\n1111", ["4111\n1111\n1111\n1111"]),
        (f"x{_VISA}y", [_VISA]),
        (f"1 {_VISA}", [_VISA]),
        ("3782 822463 10005", ["3782 822463 10005"]),
        (f"{_VISA} {_AMEX}", [_VISA, _AMEX]),
        ("4111111111111112", []),
        ("0000000000000000", []),
        (f"9{_VISA}9", []),
        ("4111111", []),
    ],
)
def test_cards(text: str, found: list[str]) -> None:
    assert found == [text[start:end] for start, end in cards(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DE89370400440532013000 days from today", ["DE89370400440532013000"]),
        ("to DE89 3704 0044 0532 0130 00, please", ["DE89 3704 0044 0532 0130 00"]),
        ("gb82 west 1234 5698 7654 32", ["gb82 west 1234 5698 7654 32"]),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", ["MT84 MALT 0110 0001 2345 MTLC AST0 01S"]),
        ("D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", ["D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0"]),
        ("DE88370400440532013000", []),
        ("XX89370400440532013000", []),
        ("in 2024 we met at 10", []),
    ],
)
def test_ibans(text: str, found: list[str]) -> None:
    assert found == [text[start:end] for start, end in ibans(text)]


def test_checksums() -> None:
    assert (True, False, False) == (luhn(_VISA), luhn("4111111111111112"), luhn("0" * 16))
    assert (True, False) == (mod97("GB82WEST12345698765432"), mod97("GB83WEST12345698765432"))
