from outgate.detectors.windows import ATTACK_EDGE, ATTACK_WIDTH, attack_text, attack_windows


def test_short_leaves_are_read_over_up_to_eight_neighbours() -> None:
    assert [(0, ATTACK_WIDTH), (1, ATTACK_WIDTH + 1), (2, ATTACK_WIDTH + 1)] == list(attack_windows([3] * (ATTACK_WIDTH + 1)))[:3]


def test_long_leaves_are_read_in_pairs() -> None:
    assert [(0, 2), (1, 3)] == list(attack_windows([5_000] * 3))
    assert [] == list(attack_windows([5_000]))


def test_of_the_outer_leaves_only_the_facing_ends_are_read() -> None:
    assert '"' + "a" * ATTACK_EDGE + "\nb\n" + "c" * ATTACK_EDGE == attack_text(
        ["x" + "a" * ATTACK_EDGE, "b", "c" * ATTACK_EDGE + "x"]
    )
