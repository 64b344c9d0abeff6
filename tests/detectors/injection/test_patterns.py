from time import process_time

import pytest

from outgate.detectors.injection.patterns import LONGEST, bounded


@pytest.mark.parametrize("pattern", ["project (?:apollo|zeus)", r"\bsecret.{0,30}plan\b", "[a-z]{1,5}x", "a?b?c"])
def test_bounded_patterns_are_taken(pattern: str) -> None:
    assert pattern == bounded(pattern).pattern


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+b", "upper bound"), ("a*b", "upper bound"), ("x{3,}", "upper bound"), ("a{0,9999}b", "upper bound"),
        ("(a{0,20}){0,20}b", "ways"), ("(a|a){1,30}b", "ways"), ("a{0,30}a{0,30}b", "ways"), (r"(a)\1", "back-references"),
        ("(?=a)b", "look-arounds"), ("(?<!a)b", "look-arounds"), ("a" * (LONGEST + 1), "characters"), ("(", "not a regular"),
        ("", "nothing at all"), ("a?", "nothing at all"), ("(?P<x>a)(?(x)b|c)", "back-references"),
    ],
)  # fmt: skip
def test_patterns_that_may_take_any_time_are_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bounded(pattern)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "text"), [("a{0,60}b", "a" * 100_000), ("(?:a|b){0,4}c", "ab" * 50_000), ("ab.{0,60}c", "ab" * 50_000)]
)
def test_what_is_taken_is_linear(pattern: str, text: str) -> None:
    start = process_time()
    assert bounded(pattern).search(text) is None
    assert process_time() - start < 0.5
