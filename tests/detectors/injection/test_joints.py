from outgate.detectors.injection.joints import EDGE, WIDTH, joined, spans


def test_short_leaves_are_read_over_up_to_eight_neighbours() -> None:
    assert [(0, WIDTH), (1, WIDTH + 1), (2, WIDTH + 1)] == list(spans([3] * (WIDTH + 1)))[:3]


def test_long_leaves_are_read_in_pairs() -> None:
    assert [(0, 2), (1, 3)] == list(spans([5_000] * 3))
    assert [] == list(spans([5_000]))


def test_of_the_outer_leaves_only_the_facing_ends_are_read() -> None:
    assert "a" * EDGE + " b " + "c" * EDGE == joined(["x" + "a" * EDGE, "b", "c" * EDGE + "x"])
