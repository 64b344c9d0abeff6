"""Patterns and words of a policy: in linear time, in normalised text, in places of the text as it was given."""

import pytest

from outgate.guards.custom import LISTED, Custom
from outgate.stores.memo import Memo


def found(text, patterns=None, words=()):
    custom = Custom(Memo(bytes(32)), patterns or {}, words)
    return [(one.entity, text[one.start : one.end]) for one in custom.search(text)]


def test_patterns_find_their_kind():
    assert [("STAFF", "E-123456")] == found("ask E-123456", {"STAFF": "E-[0-9]{6}"})


@pytest.mark.parametrize("text", ["N\u200bightingale", "Nightingale", "&#78;ightingale"])
def test_disguises_cost_nothing(text):
    assert [(LISTED, text)] == found(text, words=["Nightingale"])


def test_an_expression_that_matches_nothing_finds_nothing():
    assert [] == found("abc", {"NONE": "x*"})


def test_a_lone_surrogate_moves_no_place():
    assert [(LISTED, "Nightingale")] == found("\ud800 Nightingale", words=["nightingale"])


def test_what_is_no_expression_is_refused():
    with pytest.raises(ValueError, match="regular expression"):
        found("a", {"STAFF": "("})
