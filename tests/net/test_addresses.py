"""Classes of addresses, each with the values just outside."""

from ipaddress import ip_address, ip_network

import pytest

from outgate.net.addresses import AddressClass, allowed, classify, embedded, judge

_EDGES = [
    ("0.0.0.0", "unspecified"), ("0.0.0.1", "reserved"), ("0.255.255.255", "reserved"), ("1.0.0.0", "global"),
    ("9.255.255.255", "global"), ("10.0.0.0", "private"), ("10.255.255.255", "private"), ("11.0.0.0", "global"),
    ("100.63.255.255", "global"), ("100.64.0.0", "cgnat"), ("100.127.255.255", "cgnat"), ("100.128.0.0", "global"),
    ("100.100.100.200", "metadata"), ("100.100.100.199", "cgnat"), ("100.100.100.201", "cgnat"),
    ("126.255.255.255", "global"), ("127.0.0.0", "loopback"), ("127.255.255.255", "loopback"), ("128.0.0.0", "global"),
    ("168.63.129.15", "global"), ("168.63.129.16", "metadata"), ("168.63.129.17", "global"),
    ("169.253.255.255", "global"), ("169.254.0.0", "link_local"), ("169.254.0.1", "link_local"),
    ("169.254.169.253", "link_local"), ("169.254.169.254", "metadata"),
    ("169.254.169.255", "link_local"), ("169.254.170.2", "metadata"), ("169.254.255.255", "link_local"), ("169.255.0.0", "global"),
    ("172.15.255.255", "global"), ("172.16.0.0", "private"), ("172.31.255.255", "private"), ("172.32.0.0", "global"),
    ("191.255.255.255", "global"), ("192.0.0.0", "reserved"), ("192.0.0.192", "metadata"), ("192.0.0.255", "reserved"),
    ("192.0.1.0", "global"), ("192.0.2.0", "documentation"), ("192.0.2.255", "documentation"), ("192.0.3.0", "global"),
    ("192.88.98.255", "global"), ("192.88.99.1", "6to4"), ("192.88.100.0", "global"),
    ("192.167.255.255", "global"), ("192.168.0.0", "private"), ("192.168.255.255", "private"), ("192.169.0.0", "global"),
    ("198.17.255.255", "global"), ("198.18.0.0", "benchmark"), ("198.19.255.255", "benchmark"), ("198.20.0.0", "global"),
    ("198.51.99.255", "global"), ("198.51.100.1", "documentation"), ("198.51.101.0", "global"),
    ("203.0.112.255", "global"), ("203.0.113.1", "documentation"), ("203.0.114.0", "global"),
    ("223.255.255.255", "global"), ("224.0.0.0", "multicast"), ("239.255.255.255", "multicast"),
    ("240.0.0.0", "reserved"), ("255.255.255.255", "reserved"),
    ("::", "unspecified"), ("::1", "loopback"), ("::2", "ipv4_mapped"), ("::1.2.3.4", "ipv4_mapped"),
    ("::ffff:8.8.8.8", "ipv4_mapped"), ("::ffff:0:8.8.8.8", "ipv4_mapped"), ("::1:0:0:0", "reserved"),
    ("64:ff9a::1", "reserved"), ("64:ff9b::808:808", "nat64"), ("64:ff9b:1::1", "nat64"), ("64:ff9b:2::1", "reserved"),
    ("100::1", "reserved"), ("1fff:ffff::1", "reserved"), ("2000::", "global"),
    ("2001::1", "teredo"), ("2001:0:ffff::1", "teredo"), ("2001:1::1", "reserved"), ("2001:2::1", "benchmark"),
    ("2001:1ff:ffff::1", "reserved"), ("2001:200::1", "global"), ("2001:db7:ffff::1", "global"), ("2001:db8::1", "documentation"),
    ("2001:db9::1", "global"), ("2001:ffff::1", "global"), ("2002::1", "6to4"), ("2003::1", "global"),
    ("2606:4700::1", "global"), ("3ffe:ffff::1", "global"), ("3fff::1", "documentation"), ("3fff:fff:ffff::1", "documentation"),
    ("3fff:1000::1", "global"), ("4000::1", "reserved"), ("5f00::1", "reserved"), ("fbff:ffff::1", "reserved"),
    ("fc00::1", "private"), ("fdff:ffff::1", "private"), ("fd00:ec2::254", "metadata"), ("fd00:ec2::253", "private"),
    ("fe00::1", "reserved"), ("fe7f:ffff::1", "reserved"), ("fe80::1", "link_local"), ("febf:ffff::1", "link_local"),
    ("fec0::1", "private"), ("feff:ffff::1", "private"), ("ff00::1", "multicast"), ("ff02::1", "multicast"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), _EDGES)
def test_class(text: str, code: str) -> None:
    address = ip_address(text)

    assert code == classify(address).code
    assert (code == "global") == allowed(address)


def test_every_class_is_in_the_table() -> None:
    assert {kind.code for kind in AddressClass} == {code for _, code in _EDGES}


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("::ffff:10.0.0.1", ["10.0.0.1"]),
        ("::10.0.0.1", ["10.0.0.1"]),
        ("::ffff:0:10.0.0.1", ["10.0.0.1"]),
        ("64:ff9b::10.0.0.1", ["10.0.0.1"]),
        ("64:ff9b:1::10.0.0.1", ["10.0.0.1"]),
        ("2002:a00:1::", ["10.0.0.1"]),
        ("2001:0:a00:1:0:0:f5ff:fffe", ["10.0.0.1", "10.0.0.1"]),
        ("2606:4700::5efe:10.0.0.1", ["10.0.0.1"]),
        ("2606:4700::200:5efe:10.0.0.1", ["10.0.0.1"]),
        ("2606:4700::1", []),
        ("10.0.0.1", []),
    ],
)
def test_what_is_carried(text: str, carried: list[str]) -> None:
    assert carried == [str(address) for address in embedded(ip_address(text))]


@pytest.mark.parametrize(
    ("text", "networks", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["10.2.0.0/16"], False),
        ("10.1.2.3", ["::/0"], False),
        ("::1", ["::1/128"], True),
        ("64:ff9b::8.8.8.8", ["64:ff9b::/96"], True),
        ("64:ff9b::10.0.0.1", ["64:ff9b::/96"], False),
        ("64:ff9b::10.0.0.1", ["64:ff9b::/96", "10.0.0.0/8"], True),
        ("64:ff9b::10.0.0.1", ["10.0.0.0/8"], False),
        ("::ffff:10.0.0.1", ["10.0.0.0/8"], False),
        ("2606:4700::5efe:10.0.0.1", [], False),
        ("169.254.169.254", ["169.254.0.0/16"], False),
        ("169.254.169.254", ["0.0.0.0/0"], False),
        ("169.254.169.254", ["169.254.169.254/32"], True),
        ("100.100.100.200", ["100.64.0.0/10"], False),
        ("64:ff9b::169.254.169.254", ["64:ff9b::/96", "169.254.0.0/16"], False),
        ("fe80::1%eth0", ["fe80::/10"], False),
        ("8.8.8.8", [], True),
    ],
)
def test_what_policy_opens(text: str, networks: list[str], expected: bool) -> None:
    assert expected == allowed(ip_address(text), map(ip_network, networks))


def test_judge_names_the_reason() -> None:
    assert AddressClass.METADATA is judge(ip_address("64:ff9b::169.254.169.254"), [ip_network("64:ff9b::/96")])
    assert AddressClass.NAT64 is judge(ip_address("64:ff9b::169.254.169.254"))
