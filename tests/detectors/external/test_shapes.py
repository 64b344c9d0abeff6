"""Answers are JSON objects of just the right types; questions are JSON, whatever the text."""

import orjson
import pytest

from outgate.detectors.external.shapes import decoded, encoded, member, number, sendable


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b'{"a":NaN}', b"{}{}", b"[" * 100_000])
def test_anything_but_an_object_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        decoded(body)


@pytest.mark.parametrize("value", [True, "0.5", None, -0.1, 1.1, float("nan")])
def test_a_score_is_a_number_from_0_to_1(value):
    with pytest.raises(ValueError, match="score"):
        number(value)


def test_a_flag_is_no_number():
    assert 1 == member(1, int)
    with pytest.raises(ValueError, match="type int"):
        member(True, int)


def test_half_a_surrogate_pair_can_be_sent():
    assert {"t": "a\ufffdb"} == orjson.loads(encoded({"t": sendable("a\ud800b")}))
