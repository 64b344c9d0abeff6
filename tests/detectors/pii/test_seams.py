from detectors.fakes import prompt
from outgate.detectors.finding import Finding
from outgate.detectors.pii.seams import EDGE, apportion, seams, text_of
from outgate.inference.prompt import Channel


def test_parts_of_one_message_are_read_together() -> None:
    assert ["4111 11111111"] == [text_of(seam) for seam in seams(prompt("4111 1111", "1111", turn=0).leaves)]


def test_messages_and_definitions_are_not() -> None:
    assert [] == list(seams(prompt("4111 1111", "1111").leaves))
    assert [] == list(seams(prompt("4111 1111", "1111", turn=0, channel=Channel.TOOL_DEFINITION).leaves))


def test_of_long_parts_only_the_ends_are_read() -> None:
    found = list(seams(prompt("a" * 1000, "b", "c" * 1000, turn=0).leaves))
    assert ["a" * EDGE + "b" + "c" * EDGE] == [text_of(seam) for seam in found]
    assert [0, 1, 2] == [piece.leaf for piece in found[0]]


def test_a_finding_is_shared_out_among_the_leaves_it_touches() -> None:
    (seam,) = seams(prompt("x" * 1000, "12", "34", turn=0).leaves)
    end = EDGE + 3
    assert [(0, Finding("E", 998, 1000, 1.0)), (1, Finding("E", 0, 2, 1.0)), (2, Finding("E", 0, 1, 1.0))] == list(
        apportion(seam, [Finding("E", EDGE - 2, end, 1.0)])
    )
    assert [] == list(apportion(seam, [Finding("E", 0, 5, 1.0)]))
