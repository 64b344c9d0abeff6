from detectors.fakes import prompt
from outgate.detectors.finding import Finding
from outgate.detectors.windows import (
    ATTACK_EDGE,
    ATTACK_WIDTH,
    VALUE_EDGE,
    apportion,
    attack_text,
    attack_windows,
    part_windows,
    text_of,
)
from outgate.inference.prompt import Channel


def test_parts_of_one_message_are_read_together() -> None:
    assert ["4111 11111111"] == [text_of(window) for window in part_windows(prompt("4111 1111", "1111", turn=0).leaves)]


def test_messages_and_definitions_are_not() -> None:
    assert [] == list(part_windows(prompt("4111 1111", "1111").leaves))
    assert [] == list(part_windows(prompt("4111 1111", "1111", turn=0, channel=Channel.TOOL_DEFINITION).leaves))


def test_of_long_parts_only_the_ends_are_read() -> None:
    found = list(part_windows(prompt("a" * 1000, "b", "c" * 1000, turn=0).leaves))
    assert ["a" * VALUE_EDGE + "b" + "c" * VALUE_EDGE] == [text_of(window) for window in found]
    assert [0, 1, 2] == [piece.leaf for piece in found[0]]


def test_a_finding_is_shared_out_among_the_leaves_it_touches() -> None:
    (window,) = part_windows(prompt("x" * 1000, "12", "34", turn=0).leaves)
    end = VALUE_EDGE + 3
    assert [(0, Finding("E", 998, 1000, 1.0)), (1, Finding("E", 0, 2, 1.0)), (2, Finding("E", 0, 1, 1.0))] == list(
        apportion(window, [Finding("E", VALUE_EDGE - 2, end, 1.0)])
    )
    assert [] == list(apportion(window, [Finding("E", 0, 5, 1.0)]))


def test_short_leaves_are_read_over_up_to_eight_neighbours() -> None:
    assert [(0, ATTACK_WIDTH), (1, ATTACK_WIDTH + 1), (2, ATTACK_WIDTH + 1)] == list(attack_windows([3] * (ATTACK_WIDTH + 1)))[:3]


def test_long_leaves_are_read_in_pairs() -> None:
    assert [(0, 2), (1, 3)] == list(attack_windows([5_000] * 3))
    assert [] == list(attack_windows([5_000]))


def test_of_the_outer_leaves_only_the_facing_ends_are_read() -> None:
    assert '"' + "a" * ATTACK_EDGE + "\nb\n" + "c" * ATTACK_EDGE == attack_text(
        ["x" + "a" * ATTACK_EDGE, "b", "c" * ATTACK_EDGE + "x"]
    )
