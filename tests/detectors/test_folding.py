# ruff: noqa: RUF001
import pytest

from outgate.detectors.folding import FoldTable, circled, fold_character


@pytest.mark.parametrize(
    ("char", "plain"),
    [("a", "a"), ("Ａ", "A"), ("а", "a"), ("ο", "o"), ("é", "e"),
     ("ﬁ", "fi"), ("٤", "4"), ("𝟜", "4"), ("𝓲", "i"), ("\u200b", ""),
     ("\u202e", ""), ("\ufe0f", ""), ("\u0301", ""), ("\U000e0041", ""), ("\x00", ""), ("\u00a0", " "),
     ("\u2028", "\n"), ("\t", "\t"),
     ("\u3164", ""), ("中", "中"), ("–", "-"), ("＠", "@"), ("｡", ".")],
)  # fmt: skip
def test_a_character_folds_to_what_it_reads_as(char: str, plain: str) -> None:
    assert plain == fold_character(char)


def test_letters_in_boxes_and_flags_are_letters() -> None:
    assert "ABZ" == "".join(circled(ord(char)) for char in "🅰🄱🇿")
    assert "" == circled(ord("A"))


def test_the_table_remembers_no_more_than_its_bound() -> None:
    table = FoldTable()
    assert "".join(map(chr, range(0x4E00, 0x9000))) == "".join(map(chr, range(0x4E00, 0x9000))).translate(table)
    assert 16_384 == len(table)
