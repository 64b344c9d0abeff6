"""Placeholders that hold one another are refused: one would be taken for the other."""

from outgate.policy.lint_bindings import indistinct
from outgate.policy.source import parse_source
from outgate.policy.validate import validate

POLICY = """\
version: 1
providers:
  git:
    host: git.test
    dialect: none
    placeholders:
      a: {text: outgate-placeholder-5c0ffee5e11ab, credential: {env: A}}
      b: {text: outgate-placeholder-5c0ffee5e11ab%s, credential: {env: B}}
"""


def found(more):
    source = parse_source(POLICY % more, "p.yaml")
    return [(problem.code, problem.line) for problem in indistinct(source, validate(source)[0].policy)]


def test_a_text_that_holds_another_is_refused_at_its_line():
    assert [("E_PLACEHOLDER_WITHIN", 8)] == found("-2")


def test_one_text_may_be_bound_twice():
    assert [] == found("")
