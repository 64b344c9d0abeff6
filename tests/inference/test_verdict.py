"""Verdicts: values of ids, kinds and counts."""

from dataclasses import FrozenInstanceError

import pytest

from outgate.inference.verdict import FAILED, SKIPPED, Action, Extent, Verdict, extents


def test_text_is_measured_by_kind_in_characters() -> None:
    found = extents([("user", "hello"), ("key", "ä"), ("user", "you")])

    assert (Extent("key", 1, 1), Extent("user", 2, 8)) == found
    assert () == extents([])


def test_a_verdict_is_allowed_of_nothing_unless_it_says_otherwise() -> None:
    assert Verdict(action=Action.ALLOWED, matches=(), scanned=(), unjudged=(), revision="") == Verdict()
    assert ("failed", "skipped", ()) == (FAILED.action, SKIPPED.action, SKIPPED.scanned)


def test_a_verdict_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        Verdict().action = Action.DENIED
