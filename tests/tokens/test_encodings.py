import os
import shutil
import socket

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.tokens import encodings
from outgate.tokens.encodings import TokenizerDataError, load

NAMES = ("o200k_base", "cl100k_base")
LOADED = {}


def both(name):
    """Ours and tiktoken's own, loaded once."""
    if name not in LOADED:
        os.environ["TIKTOKEN_CACHE_DIR"] = str(encodings._folder())
        LOADED[name] = (load(name), tiktoken.get_encoding(name))
    return LOADED[name]


@pytest.fixture(params=NAMES)
def pair(request):
    return both(request.param)


TEXTS = [
    "",
    " ",
    "hello world",
    "it's THEY'LL we've",
    "<|endoftext|> and <|im_start|>",
    "0123456789" * 30,
    "a" * 5000,
    "\n\n\t  x\r\n  y  ",
    "안녕하세요 세계 " * 50,
    "今天天气很好。" * 50,
    "👩‍👩‍👧‍👦🇩🇪\u200b\u0301",
    "def f(x):\n    return {'a': [x] * 3}\n" * 40,
    '{"k": "\\u00e9", "n": -1.5e-7}' * 20,
]


@pytest.mark.parametrize("text", TEXTS)
def test_counts_are_tiktokens_with_special_tokens_as_text(pair, text):
    ours, reference = pair

    assert [len(reference.encode_ordinary(text))] == ours.count([text])


@settings(max_examples=400, deadline=None)
@given(text=st.text(max_size=300))
@pytest.mark.parametrize("name", NAMES)
def test_any_text_counts_as_in_tiktoken(name, text):
    ours, reference = both(name)

    assert [len(reference.encode_ordinary(text))] == ours.count([text])


@pytest.mark.parametrize("unit", ["word and (more); ", "x = 1 \n ", "naïve café 12345 ", "tab\t here  two ", "end.\n\n new 'll "])
def test_a_long_text_is_sliced_without_changing_its_count(pair, unit):
    ours, reference = pair
    text = unit * (200_000 // len(unit))

    assert [len(reference.encode_ordinary(text))] == ours.count([text])


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.text(st.sampled_from("aB1 \n\t.,'()é한"), min_size=1, max_size=12), min_size=3, max_size=12))
def test_slices_add_up_wherever_they_are_cut(parts):
    ours, reference = both("o200k_base")
    text = "".join(parts)
    whole = len(reference.encode_ordinary(text))
    for at in range(1, len(text)):
        if text[at] == " " and not text[at - 1].isspace():
            assert whole == sum(ours.count([text[:at], text[at:]]))


def test_a_million_spaces_neither_crash_nor_cost_nothing(pair):
    (count,) = pair[0].count([" " * 1_000_000])

    assert count > 1_000


def test_a_cut_in_a_text_without_spaces_costs_at_most_a_few_tokens(pair):
    ours, reference = pair
    text = "q7Zk" * 40_000
    exact = len(reference.encode_ordinary(text))

    assert abs(ours.count([text])[0] - exact) <= 8


def test_a_lone_surrogate_counts_as_a_replacement_character(pair):
    ours, _ = pair

    assert ours.count(["a\ufffdb"]) == ours.count(["a\ud800b"])


def test_missing_data_is_an_error_and_never_a_download(tmp_path, monkeypatch):
    def dial(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", dial)
    with pytest.raises(TokenizerDataError, match="missing"):
        load("o200k_base", tmp_path)


def test_changed_data_is_an_error_and_stays_on_disk(tmp_path, monkeypatch):
    file, _ = encodings._FILES["cl100k_base"]
    shutil.copy(encodings._folder() / file, tmp_path / file)
    with (tmp_path / file).open("ab") as handle:
        handle.write(b"IQ== 999999\n")

    with pytest.raises(TokenizerDataError, match="published"):
        load("cl100k_base", tmp_path)
    assert (tmp_path / file).exists()


def test_the_data_package_itself_may_be_missing(monkeypatch):
    def absent(name):
        raise encodings.PackageNotFoundError(name)

    monkeypatch.setattr(encodings, "distribution", absent)
    with pytest.raises(TokenizerDataError, match="not installed"):
        load("o200k_base")
