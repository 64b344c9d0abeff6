from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.detectors.finding import Finding
from outgate.detectors.pii.slices import OVERLAP, STEP, merge, slices


def _find(text: str) -> list[Finding]:
    found, at = [], text.find("X")
    while at >= 0:
        end = text.find("Y", at)
        if end < 0:
            break
        found.append(Finding("E", at, end + 1, 1.0))
        at = text.find("X", end)
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3 * STEP), st.integers(0, OVERLAP - 2)), max_size=6))
def test_slicing_finds_what_the_whole_text_holds(places: list[tuple[int, int]]) -> None:
    text = "".join("." * gap + "X" + "." * length + "Y" for gap, length in places)
    parts = list(slices(text))
    assert _find(text) == merge(parts, [_find(part.text) for part in parts])


def test_no_slice_is_longer_than_its_bound() -> None:
    assert all(len(part.text) <= STEP + OVERLAP + 128 for part in slices("x" * 1_000_000))
    assert [("short", 0)] == [(part.text, part.offset) for part in slices("short")]
