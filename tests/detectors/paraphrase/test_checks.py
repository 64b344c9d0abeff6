import pytest

from outgate.detectors.paraphrase.checks import CHECKS, DOUBTS, NOT_JUDGED, Differences, differences


def test_equal_texts_have_no_veto() -> None:
    text = 'Who sold 3 `apples` to Ann before May 2020, not in Rome, for "$5"?'

    assert Differences() == differences(text, text)


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ("Which 3 rivers are longest?", "Which 4 rivers are shortest?", ("number", "antonym", "scope", "exchange")),
        ("How do cats sleep?", "How do dogs sleep?", ("kind", "exchange")),
        ("How do cats sleep?", "怎么睡觉", (NOT_JUDGED,)),
        ("How do I fry an egg?", "how to fry an egg", ()),
    ],
)
def test_vetoes_are_named(a: str, b: str, names: tuple[str, ...]) -> None:
    assert names == differences(a, b).vetoes
    assert names == differences(b, a).vetoes


@pytest.mark.parametrize(
    "text", ["", " ", "?", "1", "`", "'", "a" * 100_000, "1/0", "1" * 5_000, "no " * 20_000, "\ud800", "in in in to"]
)
def test_no_text_breaks_a_check(text: str) -> None:
    found = differences(text, "What is 1/0?")

    assert {*found.vetoes, *found.doubts} <= {*CHECKS, *DOUBTS, NOT_JUDGED}
    assert () == differences(text, text).doubts


def test_doubts_are_looked_for_where_there_is_no_veto() -> None:
    assert Differences((), ("moved",)) == differences("Why is the sky so blue now?", "Why is now the sky so blue?")
    assert Differences((), ("added",)) == differences("How do I fry an egg?", "How do I quickly fry an egg?")
    assert Differences(("number",), ()) == differences("How do I fry 2 eggs?", "How do I quickly fry 3 eggs?")
