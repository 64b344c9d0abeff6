import pytest

from outgate.detectors.finding import Finding, disjoint


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([], (), id="nothing"),
        pytest.param([("B", 5, 9, 1.0), ("A", 0, 3, 0.5)], (("A", 0, 3, 0.5), ("B", 5, 9, 1.0)), id="in order"),
        pytest.param([("A", 0, 5, 0.5), ("B", 3, 9, 1.0)], (("B", 0, 9, 1.0),), id="the surer names the union"),
        pytest.param([("A", 0, 5, 0.5), ("B", 0, 9, 0.5)], (("B", 0, 9, 0.5),), id="else the longer"),
        pytest.param([("A", 0, 3, 1.0), ("B", 3, 5, 1.0)], (("A", 0, 3, 1.0), ("B", 3, 5, 1.0)), id="neighbours stay apart"),
        pytest.param([("A", 0, 4, 0.4), ("B", 2, 6, 0.9), ("C", 5, 9, 0.5)], (("B", 0, 9, 0.9),), id="a chain is one"),
    ],
)
def test_disjoint(findings: list[tuple], expected: tuple) -> None:
    assert expected == tuple(map(tuple, disjoint(Finding(*found) for found in findings)))
