"""Cache-Control of requests: directives, their arguments, and what is no directive (RFC 9111 sections 4.2.1 and 5.2.1)."""

import pytest

from outgate.net.cache_control import NO_WISHES, CacheControl, cache_control


@pytest.mark.parametrize(
    ("values", "wishes"),
    [
        ((), NO_WISHES),
        (("",), NO_WISHES),
        (("no-store",), CacheControl(no_store=True)),
        (("No-Cache",), CacheControl(no_cache=True)),
        (("no-store", "no-cache"), CacheControl(no_store=True, no_cache=True)),
        (("only-if-cached , max-age=60",), CacheControl(only_if_cached=True, max_age=60.0)),
        (('max-age="60"',), CacheControl(max_age=60.0)),
        (("max-age=60, max-age=5",), CacheControl(max_age=5.0)),
        (("max-age",), CacheControl(max_age=0.0)),
        (("max-age=-1",), CacheControl(max_age=0.0)),
        (("max-age=99999999999999999999",), CacheControl(max_age=float("inf"))),
        (("min-fresh=7",), CacheControl(min_fresh=7.0)),
        (("min-fresh=x",), CacheControl(min_fresh=float("inf"))),
        (("max-stale=5, no-transform, immutable",), NO_WISHES),
        (('extension="a, no-store, b", no-cache',), CacheControl(no_cache=True)),
        ((";;; ,,, no-store",), CacheControl(no_store=True)),
        (("x=1," * 300 + "no-store",), CacheControl(no_store=True, no_cache=True)),
    ],
)
def test_directives_are_read(values, wishes):
    assert cache_control(values) == wishes


@pytest.mark.parametrize(
    ("wishes", "age", "taken"),
    [
        (NO_WISHES, 9.0, True),
        (NO_WISHES, 10.0, False),
        (CacheControl(max_age=5.0), 5.0, True),
        (CacheControl(max_age=5.0), 5.1, False),
        (CacheControl(min_fresh=5.0), 5.0, False),
        (CacheControl(no_cache=True), 0.0, False),
    ],
)
def test_an_age_is_taken_or_not(wishes, age, taken):
    assert wishes.accepts(age, 10.0) is taken
