"""JSON escapes, whole and cut anywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgate.detectors import escapes

TEXTS = st.text(st.sampled_from('ab"\\\n\t\u00e9\u2028\U0001f600u0'), max_size=12)


@given(TEXTS, st.data())
def test_what_is_read_of_a_piece_is_the_beginning_of_the_text_however_it_is_cut(text, data):
    raw = json.dumps(text)[1:-1]
    cut = data.draw(st.integers(0, len(raw)))
    first = escapes.read(raw[:cut], final=False)
    rest = escapes.read(raw[first.places[-1] :], final=True)

    assert text == first.text + rest.text
    assert cut - first.places[-1] < escapes.LONGEST


@given(TEXTS)
def test_places_tell_where_each_character_begins(text):
    raw = json.dumps(text)[1:-1]
    read = escapes.read(raw, final=True)

    assert len(read.text) + 1 == len(read.places)
    assert list(text) == [json.loads(f'"{raw[start:end]}"') for start, end in zip(read.places, read.places[1:], strict=False)]


@given(TEXTS)
def test_an_escaped_text_is_read_back(text):
    raw = text.translate(escapes.ESCAPES)

    assert text == json.loads(f'"{raw}"') == escapes.read(raw, final=True).text


@pytest.mark.parametrize("raw", ["\\ud83d", "\\ud83d\\", "\\ud83d\\ude0", "\\u00", "\\"])
def test_an_escape_that_is_only_begun_waits_for_the_rest(raw):
    assert ("x", [0, 1]) == (escapes.read("x" + raw, final=False).text, list(escapes.read("x" + raw, final=False).places))
