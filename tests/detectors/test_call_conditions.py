"""Conditions on arguments: of all values where a rule allows, of one where it denies; other shapes never help."""

import time

import pytest
from pydantic import ValidationError

from outgate.detectors.call_conditions import Condition

CASES = [
    ({"at": "/path", "under": "/srv"}, {"path": "/srv/a/../b"}, True),
    ({"at": "/path", "under": "/srv"}, {"path": "/srv"}, True),
    ({"at": "/path", "under": "/srv"}, {"path": "/srv/../etc/x"}, False),
    ({"at": "/path", "under": "/srv"}, {"path": "/srvx"}, False),
    ({"at": "/path", "under": "/srv"}, {"path": "srv/a"}, False),
    ({"at": "/path", "under": "/srv"}, {"path": "//srv/a"}, True),
    ({"at": "/path", "under": "/srv"}, {"path": "/srv/\0/../../etc"}, False),
    ({"at": "/path", "under": "/srv"}, {"path": ["/srv/a", "/srv/b"]}, True),
    ({"at": "/path", "under": "/srv"}, {"path": ["/srv/a", "/etc"]}, False),
    ({"at": "/path", "under": "/srv"}, {"path": {"x": 3}}, False),
    ({"at": "/path", "under": "/srv"}, {}, False),
    ({"at": "/edits/*/file", "starts_with": "src/"}, {"edits": [{"file": "src/a"}, {"file": "src/b"}]}, True),
    ({"at": "/edits/*/file", "starts_with": "src/"}, {"edits": [{"file": "src/a"}, {"file": "doc/b"}]}, False),
    ({"at": "/edits/1", "one_of": ["b"]}, {"edits": ["a", "b"]}, True),
    ({"at": "/a~1b", "one_of": [1]}, {"a/b": 1}, True),
    ({"at": "/n", "one_of": [1]}, {"n": True}, False),
    ({"at": "/n", "at_most": 5}, {"n": 5}, True),
    ({"at": "/n", "at_most": 5}, {"n": "5"}, False),
    ({"at": "/n", "at_least": 5}, {"n": 4.9}, False),
    ({"at": "/n", "at_least": 0}, {"n": True}, False),
    ({"at": "/q", "matches": "^SELECT "}, {"q": "SELECT 1"}, True),
    ({"at": "/q", "contains": "drop"}, {"q": "a DROP table"}, True),
    ({"at": "/u", "hosts": ["*.example.com"]}, {"u": "https://a.example.com/x?y"}, True),
    ({"at": "/u", "hosts": ["*.example.com"]}, {"u": "https://a.b.example.com/x"}, False),
    ({"at": "/u", "hosts": ["**.example.com"]}, {"u": "http://a.b.EXAMPLE.com./x"}, True),
    ({"at": "/u", "hosts": ["example.com"]}, {"u": "https://example.com@evil.test/"}, False),
    ({"at": "/u", "hosts": ["example.com"]}, {"u": "https://evil.test\\@example.com/"}, False),
    ({"at": "/u", "hosts": ["example.com"]}, {"u": "ftp://example.com/"}, False),
    ({"at": "/u", "hosts": ["example.com"]}, {"u": "https://example.com:99999/"}, False),
    ({"at": "/u", "hosts": ["example.com"]}, {"u": " https://example.com/"}, False),
]


@pytest.mark.parametrize(("condition", "arguments", "holds"), CASES)
def test_a_condition_that_allows_needs_every_value(condition, arguments, holds):
    assert holds == Condition(**condition).compiled(every=True)(arguments)


DENIES = [
    ({"at": "/path", "under": "/etc"}, {"path": ["/srv", {"x": "/srv/../etc/x"}]}, True),
    ({"at": "/path", "under": "/etc"}, {"path": "/srv"}, False),
    ({"contains": "rm -rf"}, {"a": [{"b": "x; RM -RF /"}]}, True),
    ({"contains": "rm -rf"}, {"rm -rf": 1}, True),
    ({"at": "/n", "at_least": 5}, {"n": [1, 9]}, True),
    ({"at": "/n", "at_least": 5}, {}, False),
]


@pytest.mark.parametrize(("condition", "arguments", "holds"), DENIES)
def test_a_condition_that_denies_needs_one_value(condition, arguments, holds):
    assert holds == Condition(**condition).compiled(every=False)(arguments)


def test_too_many_values_are_not_allowed_and_are_denied():
    many = {"l": [0] * 100_001}
    condition = Condition(at="/l", at_least=0)

    assert (False, True) == (condition.compiled(every=True)(many), condition.compiled(every=False)(many))


@pytest.mark.parametrize(
    "stated", [{}, {"under": "/a", "contains": "b"}, {"matches": "("}, {"matches": "(?=a)"}, {"at": "path", "one_of": [1]}]
)
def test_a_condition_that_is_none_is_refused(stated):
    with pytest.raises(ValidationError):
        Condition(**stated)


def test_a_megabyte_is_judged_in_linear_time():
    text = {"q": "a" * 1_000_000}
    begun = time.process_time()
    for stated in ({"matches": "(a+)+$"}, {"contains": "ab"}, {"under": "/a"}, {"hosts": ["x"]}, {"starts_with": "b"}):
        Condition(at="/q", **stated).compiled(every=True)(text)

    assert time.process_time() - begun < 1
