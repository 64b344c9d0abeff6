"""A credential that comes in pieces of a stream ends the answer before it is whole."""

import pytest

from outgate.errors import WireError
from outgate.exchange.echo import Echo

KEY = "sk-proj-AbCd0123456789efGhIjKl"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_no_more_than_half_of_it_has_come_when_the_answer_ends(size):
    echo, text, passed = Echo((KEY,)), f"your key is {KEY}, keep it", ""
    with pytest.raises(WireError, match="repeats the gateway's own credential"):
        for at in range(0, len(text), size):
            echo.see("answer", text[at : at + size])
            passed += text[at : at + size]

    assert KEY[: len(KEY) // 2] not in passed


def test_pieces_of_other_texts_between_do_not_hide_it():
    echo = Echo((KEY,))
    with pytest.raises(WireError):
        for each in KEY:
            echo.see("one", each)
            echo.see("other", "x")


def test_other_text_goes_on():
    echo = Echo((KEY,))
    for each in ["sk-proj-", "Ab", "other", "sk-", "proj-", "x"] * 100:
        echo.see("answer", each)
    Echo(()).see("answer", KEY)
