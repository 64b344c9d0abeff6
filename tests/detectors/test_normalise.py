# ruff: noqa: RUF001
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.detectors.normalise import fold, hidden_tags, normalise, unescape
from outgate.detectors.payloads import payloads


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain", "plain"),
        ("b\u200bo\u2060b", "bob"),
        ("bob%40example.com", "bob@example.com"),
        ("bob%2540example.com", "bob@example.com"),
        ("bob%252540example.com", "bob@example.com"),
        ("bob%25252540example.com", "bob%40example.com"),
        ("bob&#64;x &commat; &amp;#x40;", "bob@x @ @"),
        ("\\u0040 \\x40 \\u{40}", "@ @ @"),
        ("ｉｇｎоrе", "ignore"),
        ("%ff%fe", "\ufffd\ufffd"),
        ("\\ud800 &nosuch; 100% & more", "\\ud800 &nosuch; 100% & more"),
    ],
)
def test_escapes_are_undone_up_to_three_layers(text: str, plain: str) -> None:
    assert plain == unescape(text)
    assert plain == normalise(text).text


def test_a_span_covers_the_escapes_and_invisible_characters_inside_it() -> None:
    text = "to bo\u200bb%40exａmple.com now"
    folded = normalise(text)
    start = folded.text.index("bob@example.com")
    assert "bo\u200bb%40exａmple.com" == text[slice(*folded.span(start, start + len("bob@example.com")))]


_TRICKY = st.text(alphabet=st.sampled_from("ab1@ %4025&#;xﬁéа\u200b\u0301٤\n\\u00"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(_TRICKY)
def test_both_ways_of_normalising_agree_and_every_span_lies_in_the_text(text: str) -> None:
    folded = normalise(text)
    assert unescape(text) == folded.text
    ends = 0
    for i in range(len(folded.text)):
        start, end = folded.span(i, i + 1)
        assert 0 <= start < end <= len(text)
        assert end >= ends
        ends = end


def test_what_is_written_in_tag_characters_is_read() -> None:
    assert "ignore" == hidden_tags("hello" + "".join(chr(0xE0000 + ord(char)) for char in "ignore"))
    assert "" == hidden_tags("hello")


_HOSTILE = {
    "cyrillic": "я" * 100_000, "zero-width": "a\u200b" * 50_000, "nested percent": "%2525" * 20_000, "entities": "&amp;" * 20_000,
    "ampersands": "&" * 100_000, "zalgo": ("a" + "\u0301" * 9) * 10_000, "ligatures": "ﷺ" * 5_000, "base64": "QUJD" * 25_000,
    "hex pairs": "41 " * 33_000, "dashes": "-" * 100_000, "backslashes": "\\" * 100_000, "long word": "a" * 100_000,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", _HOSTILE)
def test_no_hostile_text_takes_more_than_linear_time(name: str) -> None:
    text = _HOSTILE[name]
    for work in (fold, unescape, payloads):
        half, whole = min(_cost(work, text[: len(text) // 2]) for _ in range(3)), min(_cost(work, text) for _ in range(3))
        assert whole < 3.2 * half + 0.02, work.__name__
        assert whole < 0.2, work.__name__


def _cost(work: object, text: str) -> float:
    start = process_time()
    work(text)
    return process_time() - start
