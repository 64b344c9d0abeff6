import pytest

from detectors.pii.finding import values
from outgate.detectors.pii.networks import addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("203.0.114.7 - - [29/Nov/2026", ["203.0.114.7"]),
        ("from 93.184.216.34:443 to 93.184.216.0/24", ["93.184.216.34", "93.184.216.0"]),
        ("host 8.8.8.8", ["8.8.8.8"]),
        ("https://8.8.4.4/x", ["8.8.4.4"]),
        ("root@93.184.216.34:/srv", ["93.184.216.34"]),
        ("::ffff:93.184.216.34", ["::ffff:93.184.216.34"]),
        ("2606:2800:220:1:248:1893:25C8:1946", ["2606:2800:220:1:248:1893:25C8:1946"]),
        ("[2a00:1450:4001:81b::200e]:443", ["2a00:1450:4001:81b::200e"]),
        ("client 93.184.216.34.", ["93.184.216.34"]),
    ],
)
def test_addresses_that_may_be_somebodys(text: str, found: list[str]) -> None:
    assert found == values(addresses, text)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "127.0.0.1",
        "10.1.2.3",
        "172.16.3.4",
        "192.168.1.10",
        "169.254.1.1",
        "100.64.1.2",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "198.18.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "2001:db8::1",
        "2002:c000:0204::1",
        "ff02::1",
        "64:ff9b::808:808",
    ],
)
def test_J2_special_purpose_addresses_belong_to_nobody(address: str) -> None:
    assert [] == values(addresses, f"bind to {address}, not to host {address}")


@pytest.mark.parametrize(
    "text",
    [
        "Chrome/120.0.0.0 Safari/537.36",
        "Edg/120.0.2210.91",
        "pip install foo==1.2.3.4",
        "foo>=120.3.4.5",
        "Section 2.1.3.4",
        "RFC 5280 section 4.1.2.4",
        "OID 2.5.4.8",
        "1.3.6.1.4.1",
        "v121.5.6.7",
        "version 121.5.6.7",
        '"version": "121.5.6.7"',
        "libfoo-121.5.6.7.tar.gz",
        "121.5.6.7-beta",
        "4.8.15.16",
        "use fe::ed as f;",
        "std::dec << a::b()",
        "x[:, ::2]",
        "values[1::2]",
        "values[2000::3]",
        "12:30:00",
        "121.5.6.7.in-addr.arpa",
    ],
)
def test_J2_versions_sections_and_slices_are_no_addresses(text: str) -> None:
    assert [] == values(addresses, text)
