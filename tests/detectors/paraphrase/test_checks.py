import pytest

from outgate.detectors.paraphrase.checks import CHECKS, NOT_JUDGED, vetoes


def test_equal_texts_have_no_veto() -> None:
    text = 'Who sold 3 `apples` to Ann before May 2020, not in Rome, for "$5"?'

    assert () == vetoes(text, text)


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
    assert names == vetoes(a, b)
    assert names == vetoes(b, a)


@pytest.mark.parametrize(
    "text", ["", " ", "?", "1", "`", "'", "a" * 100_000, "1/0", "1" * 5_000, "no " * 20_000, "\ud800", "in in in to"]
)
def test_no_text_breaks_a_check(text: str) -> None:
    assert isinstance(vetoes(text, "What is 1/0?"), tuple)
    assert not any(CHECKS[name] is None for name in vetoes(text, text) if name != NOT_JUDGED)
