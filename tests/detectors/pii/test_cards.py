import pytest

from detectors.pii.finding import values
from outgate.detectors.pii.cards import cards, luhn

_VISA, _AMEX = "4111111111111111", "378282246310005"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"pay {_VISA} now", [_VISA]),
        (_AMEX, [_AMEX]),
        (f"1 {_VISA}", [_VISA]),
        (f"{_VISA} {_AMEX}", [_VISA, _AMEX]),
        ("4111 1111 1111 1111 thanks", ["4111 1111 1111 1111"]),
        ("4111-1111-1111-1111", ["4111-1111-1111-1111"]),
        ("3782 822463 10005", ["3782 822463 10005"]),
        ("3056 930902 5904", ["3056 930902 5904"]),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"]),
        ('{"card":[4111,1111,1111,1111]}', ["4111,1111,1111,1111"]),
        (r'"number:\n4111 1111 1111 1111"', ["4111 1111 1111 1111"]),
    ],
)
def test_a_card_is_known_by_its_form_and_check_digit(text: str, found: list[str]) -> None:
    assert found == values(cards, text)


@pytest.mark.parametrize("sign", [" -- ", "\n", "\n        ", " / ", "--", "  ", ", ", '","'])
def test_A8b_the_groups_of_a_card_may_stand_signs_and_lines_apart(sign: str) -> None:
    written = sign.join(("4111", "1111", "1111", "1111"))
    assert [written] == values(cards, f"it is {written} thanks")


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "0000000000000000",
        f"9{_VISA}9",
        "message id 4805516988295200954",
        "0.4111111111111111",
        f"{_VISA}.5",
        f"1.5,{_VISA},2",
        f"sha256:5d8f{_VISA}be62",
        f"order_id={_VISA}",
        f'"traceId": "{_VISA}"',
        f"/orders/{_VISA}",
        f"order-{_VISA}",
        "10.24, 20.48, 40.96, 81.92",
        "1024, 4111, 1111, 1111, 1111",
        "00000010: 4111 1111 1111 1111 0000 1234 1234 1234",
        "0.539210105890946",
        "drwxr-xr-x 2 root root 4096 2026-11-29 15:04 x",
        "4000 2026-11-29 15",
        "480551698829520095",
    ],
)
def test_J1_what_only_has_the_digits_of_a_card_is_left_alone(text: str) -> None:
    assert [] == values(cards, text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("my maestro card 501864667909 is", ["501864667909"]),
        ("card number 4222222222222", ["4222222222222"]),
        ("41 11 11 11 11 11 11 11 is my credit card", ["41 11 11 11 11 11 11 11"]),
        (f"card: x{_VISA}y", [_VISA]),
        ("a card 4111 -- 1111 - 1111 / 1111 ok", ["4111 -- 1111 - 1111 / 1111"]),
        ("discard 501864667909", []),
        ("501864667909", []),
    ],
)
def test_a_word_such_as_card_speaks_for_what_form_alone_does_not_show(text: str, found: list[str]) -> None:
    assert found == values(cards, text)


def test_check_digits() -> None:
    assert (True, False, False) == (luhn(_VISA), luhn("4111111111111112"), luhn("0" * 16))


@pytest.mark.parametrize("end", ["\n", "\r\n", "  \n    "])
def test_a_card_ends_with_its_line_where_the_next_has_a_number(end: str) -> None:
    numbers = ["\t".join((str(number), "IBAN")) for number in range(1, 200)]
    assert {("4111 1111 1111 1111",)} == {tuple(values(cards, f"2\tcard 4111 1111 1111 1111{end}{one}")) for one in numbers}


def test_a_card_goes_on_over_its_line_where_it_is_not_whole() -> None:
    assert ["4111 1111 1111\n1111"] == values(cards, "card 4111 1111 1111\n1111\n3 x")
