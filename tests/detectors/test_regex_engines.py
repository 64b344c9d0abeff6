"""Properties of the engines that detectors rely on, one of which promises nothing: detectors/regex_engines.py says who does."""

import pytest
from pydantic_core import SchemaError

from outgate.detectors.regex_engines import Automaton, Linear


def test_the_engine_of_pydantic_core_searches_anywhere_and_in_linear_time():
    automaton = Automaton("(a+)+b")

    assert (True, False) == (automaton.search("é" + "a" * 9 + "b!"), automaton.search("a" * 100_000))


@pytest.mark.parametrize("expression", ["(?=a)", r"(a)\1", "("])
def test_the_engines_are_those_without_backtracking(expression):
    with pytest.raises(SchemaError):
        Automaton(expression)
    with pytest.raises(ValueError, match="not a regular expression"):
        Linear(expression)


def test_re2_tells_places_in_any_case():
    assert [(1, 3), (4, 6)] == list(Linear("ab").spans(b"xaB-Ab"))
    assert [] == list(Linear("ab", any_case=False).spans(b"aB"))


def test_re2_sees_what_is_around_a_stretch():
    assert (True, False) == (Linear("^b").search(b"b"), Linear("^b").search(b"ab", 1))
    assert (True, False) == (Linear("a$").search(b"a"), Linear("a$").search(b"ab", 0, 1))


def test_re2_reads_characters_where_it_is_told():
    assert (True, False) == (Linear("^.$", utf8=True).search("é".encode()), Linear("^.$").search("é".encode()))


def test_an_expression_beyond_its_memory_is_refused():
    with pytest.raises(ValueError, match="not a regular expression"):
        Linear("(?:[^a]{0,999}b){9}", memory=1_000)
