"""One accepted spelling per target (promises E1 and E2), against thousands of others."""

import pytest

from net.spellings import address_tricks, same, tricks
from outgate.errors import WireError
from outgate.net.authority import Authority, agree, parse_authority, parse_host

_HOSTS = (("api.openai.com", 443), ("api.anthropic.com", 8443))


def test_at_least_two_thousand_tricks_and_every_one_refused() -> None:
    texts = {text for host, port in _HOSTS for text in tricks(host, port)}
    texts |= {text for address in ("127.0.0.1", "169.254.169.254", "8.8.8.8") for text in address_tricks(address, 443)}
    accepted = []
    for text in texts:
        try:
            accepted.append((text, parse_authority(text)))
        except WireError as error:
            assert text not in str(error) or len(text) < 2

    assert [] == accepted
    assert len(texts) >= 2000


@pytest.mark.parametrize(("host", "port"), _HOSTS)
def test_letter_case_is_lowered(host: str, port: int) -> None:
    assert {Authority(host, port)} == {parse_authority(text) for text in same(host, port)}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a:1", "a:1"),
        ("xn--bcher-kva.example:443", "xn--bcher-kva.example:443"),
        ("1a.b-c.3com:65535", "1a.b-c.3com:65535"),
        ("8.8.8.8:53", "8.8.8.8:53"),
        ("[::1]:443", "[::1]:443"),
        ("[2001:DB8:0:0:0::1]:443", "[2001:db8::1]:443"),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}:65535", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}:65535"),
    ],
)
def test_canonical(text: str, canonical: str) -> None:
    assert canonical == str(parse_authority(text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "authority_length"),
        ("a" * 300, "authority_length"),
        ("user@a.test:1", "authority_userinfo"),
        ("a.test\\b:1", "authority_backslash"),
        ("%61.test:1", "authority_percent"),
        ("a test:1", "authority_whitespace"),
        ("a.test/:1", "authority_path"),
        ("b\u00fccher.test:1", "authority_not_ascii"),
        ("a.test.:1", "authority_host"),
        ("127.1:1", "authority_ipv4"),
        ("[::ffff:1.2.3.4]:1", "authority_embedded_ipv4"),
        ("[fe80::1%25eth0]:1", "authority_percent"),
        ("[::g]:1", "authority_ipv6"),
        ("[::1]x:1", "authority_ipv6"),
        ("a.test", "authority_port"),
        ("a.test:0443", "authority_port"),
        ("a.test:65536", "authority_port"),
        ("[::1]:", "authority_port"),
    ],
)
def test_each_refusal_has_its_code(text: str, code: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_authority(text)

    assert code == caught.value.code


def test_missing_port_is_the_default() -> None:
    assert (Authority("a.test", 443), Authority("::1", 80)) == (parse_authority("A.test", 443), parse_authority("[::1]", 80))


def test_bare_hosts() -> None:
    assert ["a.test", "::1", "8.8.8.8"] == [parse_host(text) for text in ("A.test", "::1", "8.8.8.8")]
    for text in ("a.test:443", "a.test:1", "[::1]", "", "a.test."):
        with pytest.raises(WireError):
            parse_host(text)


_FIELDS = {"connect": "api.test:443", "sni": "api.test", "host": "api.test", "url": "api.test:443"}


def test_names_that_agree_are_one_target() -> None:
    assert Authority("api.test", 443) == agree(443, **_FIELDS)
    assert Authority("api.test", 443) == agree(443, connect="API.test:443", host="api.TEST:443")
    assert Authority("api.test", 80) == agree(80, host="api.test")
    assert Authority("::1", 443) == agree(443, connect="[::1]:443", host="[0::1]")


@pytest.mark.parametrize("field", _FIELDS)
@pytest.mark.parametrize("other", ["evil.test", "sub.api.test", "api.test.evil", "127.0.0.1", "[::1]", "api.tesT.:443"])
def test_each_field_that_deviates_is_refused(field: str, other: str) -> None:
    text = f"{other}:443" if field == "connect" and other[-1] != "3" else other
    with pytest.raises(WireError):
        agree(443, **_FIELDS | {field: text})


@pytest.mark.parametrize("field", ["connect", "host", "url"])
def test_ports_agree_as_well(field: str) -> None:
    with pytest.raises(WireError) as caught:
        agree(443, **_FIELDS | {field: "api.test:8443"})

    assert "destination_mismatch" == caught.value.code


def test_connect_needs_its_own_port_and_something_must_be_named() -> None:
    for names in ({"connect": "api.test", "host": "api.test"}, {"sni": "api.test"}, {}):
        with pytest.raises(WireError):
            agree(443, **names)
