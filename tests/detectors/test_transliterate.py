# ruff: noqa: RUF001
"""A transliteration is as long as its text, and says of each character what folding says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.detectors.folding import FOLD
from outgate.detectors.normalise import fold
from outgate.detectors.transliterate import _INERT, _SCRIPTS, FOREIGN, _drawn, transliterate

_DOTTED = {"…"}


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("naïve café…", "naive cafe."), ("а bс", "a bc"),
        ("中文, ok？", f"{FOREIGN * 2}, ok?"),
        ("ｉｇｎｏｒｅ", "ignore"), ("i\u200bg\u00adn\ufe0fore", "ignore"), ("𝐢𝐠𝐧𝐨𝐫𝐞", "ignore"), ("go 😀", f"go {FOREIGN}"),
        ("½", "1/2"),
        ("\x00a\x7fb\r", "ab\n"), ("", ""),
    ],
)  # fmt: skip
def test_a_text_is_drawn_in_ascii(text: str, drawn: str) -> None:
    assert drawn == transliterate(text)[1]


_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("abO @%9?\n\r\x00éßøÉłсжЯοωＡ１。，中か한①½ﬁ…™😀\u200b\u0301\ufe0f𝐢🅰\U000e0041"), st.characters()
    )
)


@settings(max_examples=500, deadline=None)
@given(_TEXT)
def test_folding_what_was_sketched_is_folding_the_text(text: str) -> None:
    raw, drawn = transliterate(text)
    assert fold(text) == fold(raw)
    assert len(raw) == len(drawn)
    assert drawn.isascii()
    assert all(_agree(char, one) for char, one in zip(raw, drawn, strict=True))


def _agree(char: str, drawn: str) -> bool:
    folded = char.translate(FOLD)
    if drawn == FOREIGN:
        return char == "?" or (folded != "" and not any(one.isascii() for one in folded))
    return folded == drawn or char in _DOTTED


@pytest.mark.parametrize("script", _SCRIPTS, ids=range(len(_SCRIPTS)))
def test_a_table_knows_what_its_characters_fold_to(script: object) -> None:
    known = [chr(code) for code in range(0x80, 0x3100) if not script.unusual.search(chr(code))]
    assert 100 < len(known)
    assert [] == [char for char in known if not _agree(char, _drawn(char, script))]


def test_inert_characters_hold_no_ascii_and_do_not_vanish() -> None:
    for first, last in _INERT:
        for code in range(first, last + 1):
            assert _agree(chr(code), FOREIGN), hex(code)
