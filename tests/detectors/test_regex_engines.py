"""Private parts of Python and pydantic-core that a release could break: detectors/regex_engines.py says who relies on it."""

import re

import pytest
from pydantic_core import SchemaError

from outgate.detectors.regex_engines import Automaton, ops, parse


def test_the_parser_of_re_gives_the_trees_that_patterns_are_counted_by():
    [(branch, (_, choices)), (repeat, (least, most, inner))] = parse("(?:ab|cd)x{2,5}", re.IGNORECASE)

    assert (ops.BRANCH, 2) == (branch, len(choices))
    assert (ops.MAX_REPEAT, 2, 5, ops.LITERAL) == (repeat, least, most, inner[0][0])


@pytest.mark.parametrize(
    ("pattern", "op"),
    [
        ("(?P<a>x)(?P=a)", "GROUPREF"),
        ("(a)(?(1)b|c)", "GROUPREF_EXISTS"),
        ("(?=a)", "ASSERT"),
        ("(?!a)", "ASSERT_NOT"),
        ("a*?", "MIN_REPEAT"),
        ("a*+", "POSSESSIVE_REPEAT"),
        ("(?>a)", "ATOMIC_GROUP"),
        ("(a)", "SUBPATTERN"),
    ],
)
def test_what_is_refused_or_counted_has_its_name(pattern, op):
    assert getattr(ops, op) in [each[0] for each in parse(pattern)]


def test_a_repeat_without_a_bound_is_marked():
    assert ops.MAXREPEAT is parse("a*")[0][1][1]


def test_the_engine_of_pydantic_core_searches_anywhere_and_in_linear_time():
    automaton = Automaton("(a+)+b")

    assert (True, False) == (automaton.search("é" + "a" * 9 + "b!"), automaton.search("a" * 100_000))


@pytest.mark.parametrize("expression", ["(?=a)", r"(a)\1", "("])
def test_the_engine_is_the_one_without_backtracking(expression):
    with pytest.raises(SchemaError):
        Automaton(expression)
