from time import process_time

import pytest

from outgate.detectors.injection.patterns import LONGEST, bounded


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("project (?:apollo|zeus)", "of Project Zeus"),
        (r"\bsecret.{0,30}plan\b", "our secret big plan"),
        ("[a-z]+x", "box"),
        ("größe.*egal", "größe ist egal"),
    ],
)
def test_expressions_of_the_engine_are_taken_and_match_anywhere(pattern: str, text: str) -> None:
    assert (True, False) == (bounded(pattern).search(text.encode()), bounded(pattern).search(b"nothing of it"))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "not a regular"), ("(?=a)b", "not a regular"), ("(?<!a)b", "not a regular"), ("(", "not a regular"),
        ("(?P<x>a)(?(x)b|c)", "not a regular"), ("a" * (LONGEST + 1), "characters"), ("(?:[^a]{0,999}b){9}", "not a regular"),
        ("", "nothing at all"), ("a?", "nothing at all"), ("x*", "nothing at all"),
    ],
)  # fmt: skip
def test_what_the_engine_cannot_run_in_linear_time_or_matches_everything_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bounded(pattern)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?:a+)+b", "a" * 100_000), ("a*a*a*b", "a" * 100_000), ("(?:a|b){0,4}c", "ab" * 50_000), ("ab.{0,60}c", "ab" * 50_000),
        ("(?:a|aa){1,30}b", "a" * 100_000),
    ],
)  # fmt: skip
def test_time_is_linear_whatever_the_pattern(pattern: str, text: str) -> None:
    start = process_time()
    assert not bounded(pattern).search(text.encode())
    assert process_time() - start < 0.5
