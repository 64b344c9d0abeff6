"""Backends, endpoints and names: found as addressed, and made once."""

from dataclasses import replace

import pytest

from outgate.errors import PolicyError
from outgate.upstreams.catalog import Backend, Catalog, Endpoint, TlsSettings


def backend(name: str, **changes) -> Backend:
    values = {"provider": "acme", "dialect": "openai", "host": f"{name}.test", "endpoints": (Endpoint(name="e", host="x", port=1),)}
    return Backend(name=name, **(values | changes))


def test_found_by_name_provider_and_destination() -> None:
    a = backend("a", aliases=("a.svc", "b.svc:8080"))
    b = backend("b", provider="other", host="::1", port=8443)
    catalog = Catalog((a, b))

    assert (a, None, (a,), ()) == (
        catalog.by_name("a"),
        catalog.by_name("x"),
        catalog.by_provider("acme"),
        catalog.by_provider("x"),
    )
    for destination, expected in {
        "a.test:443": a, "a.test:80": None, "a.svc:443": a, "a.svc:80": a, "a.svc:8443": None,
        "b.svc:8080": a, "b.svc:443": None, "[::1]:8443": b, "a.test": None, "": None,
    }.items():  # fmt: skip
        assert expected == catalog.by_destination(destination), destination


def test_two_keys_of_one_provider_share_its_name_and_the_first_answers() -> None:
    first, second = backend("a", host="api.test"), backend("b", host="api.test")
    catalog = Catalog((first, second))

    assert ((first, second), first) == (catalog.by_provider("acme"), catalog.by_destination("api.test:443"))


@pytest.mark.parametrize(
    ("backends", "codes"),
    [
        ([backend("a"), backend("a")], ["E_BACKEND_TWICE"]),
        ([backend("a", endpoints=())], ["E_ENDPOINTS"]),
        ([backend("a", endpoints=(Endpoint(name="e", host="x", port=1), Endpoint(name="e", host="y", port=1)))], ["E_ENDPOINTS"]),
        ([backend("a", aliases=("s:80",)), backend("b", aliases=("s",))], ["E_ALIAS_TWICE"]),
        ([backend("a", aliases=("b.test",)), backend("b")], ["E_ALIAS_TWICE"]),
        ([backend("a", endpoints=()), backend("a")], ["E_BACKEND_TWICE", "E_ENDPOINTS"]),
        ([backend("a", aliases=("a.test",))], []),
    ],
)
def test_all_problems_at_once(backends: list[Backend], codes: list[str]) -> None:
    found = []
    try:
        Catalog(backends)
    except PolicyError as error:
        found = [problem.code for problem in error.problems]

    assert codes == found


@pytest.mark.parametrize(
    ("changes", "authority", "server_name"),
    [
        ({}, "a.test", "a.test"),
        ({"port": 8443}, "a.test:8443", "a.test"),
        ({"tls": TlsSettings(enabled=False)}, "a.test:443", "a.test"),
        ({"tls": TlsSettings(enabled=False), "port": 80}, "a.test", "a.test"),
        ({"tls": TlsSettings(sni="front.test")}, "a.test", "front.test"),
        ({"host": "::1", "port": 1}, "[::1]:1", "::1"),
    ],
)
def test_names_on_the_wire(changes: dict, authority: str, server_name: str) -> None:
    to = backend("a", **changes)

    assert (authority, server_name) == (to.authority, to.server_name)
    assert (authority, server_name if to.tls.enabled else "") == (to.origination.host, to.origination.sni)


@pytest.mark.parametrize(
    ("tls", "verified", "alpn"),
    [
        (TlsSettings(), ("a.test",), ("http/1.1",)),
        (TlsSettings(sni="front.test"), ("front.test",), ("http/1.1",)),
        (TlsSettings(sni="front.test", san=("b.test", "c.test")), ("b.test", "c.test"), ("http/1.1",)),
        (TlsSettings(enabled=False, san=("b.test",)), (), ()),
    ],
)
def test_names_verified_and_protocols_offered(tls: TlsSettings, verified: tuple, alpn: tuple) -> None:
    origination = backend("a", tls=tls).origination

    assert (verified, alpn, tls) == (origination.verified, origination.alpn, origination.tls)


def test_a_changed_backend_has_an_origination_of_its_own() -> None:
    to = backend("a")

    assert ("b.test", "b.test") == (replace(to, host="b.test").origination.host, replace(to, host="b.test").origination.sni)
    assert to.origination == backend("a").origination


def test_equal_backends_share_a_pool_and_different_ones_do_not() -> None:
    assert hash(backend("a")) == hash(backend("a"))
    assert backend("a") == backend("a")
    assert backend("a") != backend("a", path_prefix="/v2")
