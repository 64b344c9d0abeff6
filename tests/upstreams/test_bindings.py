"""Bindings: who may use a secret, and for which requests."""

import pytest

from outgate.inference.principal import Principal
from outgate.upstreams.bindings import EVERYONE, EVERYTHING, Holders, Placeholder, Scope

APP = Principal(name="app", groups=frozenset({"coders"}))


@pytest.mark.parametrize(
    ("scope", "method", "path", "taken"),
    [
        (EVERYTHING, "DELETE", "/any", True),
        (Scope(("GET",)), "GET", "/a", True),
        (Scope(("GET",)), "POST", "/a", False),
        (Scope((), ("/a/*",)), "GET", "/a/b", True),
        (Scope((), ("/a/*",)), "GET", "/a/b/c", False),
        (Scope((), ("/a/**",)), "GET", "/a/b/c", True),
        (Scope((), ("/a/**",)), "GET", "/A/b", False),
    ],
)
def test_a_scope_takes_methods_and_paths(scope, method, path, taken):
    assert taken == scope.takes(method, path)


@pytest.mark.parametrize(
    ("holders", "has"),
    [(EVERYONE, True), (Holders(("app",)), True), (Holders((), ("coders",)), True), (Holders(("other",), ("others",)), False)],
)
def test_holders_are_named_or_in_a_group(holders, has):
    assert has == holders.has(APP)


def test_what_is_excluded_is_not_taken():
    bound = Placeholder(name="p", text="t", scope=Scope((), ("/a/**",)), excluded=(Scope(("GET",), ("/a/me",)),))

    assert [True, False, True] == [bound.takes(APP, *asked) for asked in (("GET", "/a/x"), ("GET", "/a/me"), ("PUT", "/a/me"))]


def test_they_say_what_they_take():
    assert ("GET, PUT /a/**", "every method **") == (str(Scope(("GET", "PUT"), ("/a/**",))), str(EVERYTHING))
    assert ("every workload", "app, group coders") == (str(EVERYONE), str(Holders(("app",), ("coders",))))
