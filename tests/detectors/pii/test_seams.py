from collections.abc import Sequence

import pytest

from detectors.fakes import prompt
from outgate.detectors.finding import Finding
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.detectors.pii.seams import EDGE, crossing, seams
from outgate.inference.prompt import Channel, Leaf

_ANALYZER = PiiAnalyzer()


def _across(leaves: Sequence[Leaf]) -> list[tuple[str, str]]:
    """What is found across borders: each share, with its entity."""
    own = {i: _ANALYZER.detect(leaf.text) for i, leaf in enumerate(leaves)}
    return sorted(
        {
            (share.entity, leaves[leaf].text[share.start : share.end])
            for seam in seams(leaves)
            for leaf, share in crossing(seam, _ANALYZER.detect(seam.text), own)
        }
    )


def _said(*texts: str) -> tuple[Leaf, ...]:
    return prompt(*texts).leaves


@pytest.mark.parametrize(
    "texts",
    [
        ("my number is 4111 1111", "1111 1111"),
        ("my number is 4111 11", "11 1111 1111 thanks"),
        ("4111", "1111", "1111", "1111"),
        ("write to jane.doe@exam", "ple.com please"),
        ("DE89 3704 0044", "0532 0130 00"),
        ("it is +49 30", "901820"),
        ("536-90-", "4399"),
        ("x " * 200 + "4111 1111", "1111 1111" + " y" * 200),
    ],
)
def test_A8_a_value_cut_over_two_messages_of_one_role_is_found(texts: tuple[str, ...]) -> None:
    assert len({*texts}) == len(_across(_said(*texts)))


@pytest.mark.parametrize(
    "texts",
    [
        ("write to bob@example.com", "Thanks for all"),
        ("this is bob", "jane@example.com is she"),
        ("the total is 555", "1234 files were read"),
        ("call me at 555", "1234 is the code"),
        ("4111 1111 1111 1111", "2024"),
        ("drwxr-xr-x 2 root root 4096", "2026-11-29 15:04"),
        ("push to user@host", "next.js is a framework"),
        ("version 93.184", ".216.34"),
    ],
)
def test_what_happens_to_meet_is_left_alone(texts: tuple[str, ...]) -> None:
    assert [] == _across(_said(*texts))


def test_messages_of_one_role_meet_over_the_others() -> None:
    user, assistant = Channel.USER, Channel.ASSISTANT
    leaves = [Leaf(0, 0, "4111 1111", user, 0), Leaf(0, 1, "and?", assistant, 1), Leaf(0, 2, "1111 1111", user, 2)]
    assert [("CREDIT_CARD", "1111 1111"), ("CREDIT_CARD", "4111 1111")] == _across(leaves)


@pytest.mark.parametrize("channel", [Channel.TOOL_ARGUMENTS, Channel.PARAMETER])
@pytest.mark.parametrize("texts", [("4111 1111", "1111 1111"), ("4111", "1111", "1111", "1111"), ("DE89 3704 0044", "0532013000")])
def test_A9_members_and_items_are_read_together(channel: Channel, texts: tuple[str, ...]) -> None:
    assert len({*texts}) == len(_across(prompt(*texts, channel=channel, turn=0).leaves))


@pytest.mark.parametrize("texts", [("1024", "2048", "4096", "8192"), ("4111", "1111", "1111", "1111", "4096"), ("555", "123-4567")])
def test_lists_of_numbers_are_left_alone(texts: tuple[str, ...]) -> None:
    assert [] == _across(prompt(*texts, channel=Channel.TOOL_ARGUMENTS, turn=0).leaves)


def test_of_long_leaves_only_the_ends_are_read() -> None:
    seam, _ = seams(prompt("1" * 1000, "b", "3" * 1000, turn=0).leaves)
    assert "1" * EDGE + "b" + "3" * EDGE == seam.text


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_value_in_many_pieces_is_found_wherever_it_begins(at: int) -> None:
    value = "4111111111111111"
    leaves = _said(*["number"] * at, *value, *["number"] * 60)
    assert {("CREDIT_CARD", "1"), ("CREDIT_CARD", "4")} == set(_across(leaves))


def test_a_longer_conversation_has_the_seams_of_a_shorter_one() -> None:
    texts = [f"number {i} or {i}@b.co" for i in range(60)]
    shorter, longer = ({seam.text for seam in seams(_said(*texts[:count]))} for count in (59, 60))
    assert len(longer - shorter) <= 2


def test_prose_that_meets_is_not_read() -> None:
    assert [] == list(seams(_said("word " * 100, "word " * 100, "in 2024 " + "word " * 100)))


def test_a_finding_is_shared_out_among_the_leaves_it_touches() -> None:
    seam, _ = seams(prompt("x" * 999 + "1", "12", "34", turn=0).leaves)
    assert [(0, Finding("E", 998, 1000, 1.0)), (1, Finding("E", 0, 2, 1.0)), (2, Finding("E", 0, 1, 1.0))] == list(
        crossing(seam, [Finding("E", EDGE - 2, EDGE + 3, 1.0)], {})
    )
    assert [] == list(crossing(seam, [Finding("E", 0, 5, 1.0)], {}))


def test_parts_of_one_message_meet_a_space_apart_too() -> None:
    leaves = [Leaf(0, 0, "card 4111 1111", Channel.TOOL_RESULT, 2), Leaf(0, 1, "1111 1111", Channel.TOOL_RESULT, 2)]
    assert [("CREDIT_CARD", "1111 1111"), ("CREDIT_CARD", "4111 1111")] == _across(leaves)
