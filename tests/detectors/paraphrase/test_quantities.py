import pytest

from outgate.detectors.paraphrase.quantities import quantities, units
from outgate.detectors.paraphrase.words import read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("two hundred and five", [(205, "")]),
        ("twenty five apples", [(25, "")]),
        ("half a dozen", [(6, "")]),
        ("a dozen eggs", [(12, "")]),
        ("1/2", [(0.5, "")]),
        ("three quarters", [(0.75, "")]),
        ("1,500", [(1500, "")]),
        ("3 million", [(3_000_000, "")]),
        ("the 2nd and the third", [(2, ""), (3, "")]),
        ("twice", [(2, "")]),
        ("ten percent", [(10, "share")]),
        ("10 per cent", [(10, "share")]),
        ("$5", [(5, "money")]),
        ("5 dollars", [(5, "money")]),
        ("24 h", [(24, "time")]),
        ("3 square meters", [(3, "length")]),
        ("nothing here", []),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, found: list[tuple[float, str]]) -> None:
    assert found == [(each.number, each.dimension) for each in quantities(read(text))]


def test_units_without_a_number_are_read_apart() -> None:
    assert {"length": [1000.0], "time": [3600.0]} == units(read("how many kilometers per hour"))
    assert {} == units(read("the second gram"[:10]))
