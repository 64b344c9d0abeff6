"""Classify IP addresses, and judge whether one may be dialled.

Only plainly global unicast may be, unless policy names the range. An address that carries another one (IPv4-mapped, NAT64, 6to4,
Teredo ...) is judged by both. Ranges: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and the RFCs named.
"""

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network


class AddressClass(Enum):
    """What an address is; `code` is stable, for logs and metrics."""

    GLOBAL = "global"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    CGNAT = "cgnat"
    NAT64 = "nat64"
    SIX_TO_FOUR = "6to4"
    TEREDO = "teredo"
    IPV4_MAPPED = "ipv4_mapped"
    UNSPECIFIED = "unspecified"
    MULTICAST = "multicast"
    RESERVED = "reserved"
    DOCUMENTATION = "documentation"
    BENCHMARK = "benchmark"

    @property
    def code(self) -> str:
        return self.value


_C = AddressClass
# First match wins: single addresses before the ranges that hold them.
_TABLE: tuple[tuple[Network, AddressClass], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", _C.METADATA),  # every large cloud
        ("169.254.170.2/32", _C.METADATA),  # container task credentials
        ("169.254.170.23/32", _C.METADATA),  # pod identity
        ("100.100.100.200/32", _C.METADATA),  # lies in CGNAT
        ("168.63.129.16/32", _C.METADATA),  # host agent on a public address
        ("192.0.0.192/32", _C.METADATA),
        ("0.0.0.0/32", _C.UNSPECIFIED),
        ("0.0.0.0/8", _C.RESERVED),  # RFC 1122: this network
        ("10.0.0.0/8", _C.PRIVATE),  # RFC 1918
        ("100.64.0.0/10", _C.CGNAT),  # RFC 6598
        ("127.0.0.0/8", _C.LOOPBACK),  # RFC 1122
        ("169.254.0.0/16", _C.LINK_LOCAL),  # RFC 3927
        ("172.16.0.0/12", _C.PRIVATE),  # RFC 1918
        ("192.0.0.0/24", _C.RESERVED),  # RFC 6890: protocol assignments
        ("192.0.2.0/24", _C.DOCUMENTATION),  # RFC 5737
        ("192.88.99.0/24", _C.SIX_TO_FOUR),  # RFC 7526: relay anycast, withdrawn
        ("192.168.0.0/16", _C.PRIVATE),  # RFC 1918
        ("198.18.0.0/15", _C.BENCHMARK),  # RFC 2544
        ("198.51.100.0/24", _C.DOCUMENTATION),  # RFC 5737
        ("203.0.113.0/24", _C.DOCUMENTATION),  # RFC 5737
        ("224.0.0.0/4", _C.MULTICAST),  # RFC 5771
        ("233.252.0.0/24", _C.MULTICAST),
        ("240.0.0.0/4", _C.RESERVED),  # RFC 1112, broadcast with it
        ("fd00:ec2::254/128", _C.METADATA),
        ("fd00:ec2::23/128", _C.METADATA),
        ("fd20:ce::254/128", _C.METADATA),
        ("::/128", _C.UNSPECIFIED),
        ("::1/128", _C.LOOPBACK),
        ("::ffff:0:0/96", _C.IPV4_MAPPED),  # RFC 4291
        ("::ffff:0:0:0/96", _C.IPV4_MAPPED),  # RFC 2765: translated
        ("::/96", _C.IPV4_MAPPED),  # RFC 4291: compatible, deprecated
        ("64:ff9b::/96", _C.NAT64),  # RFC 6052
        ("64:ff9b:1::/48", _C.NAT64),  # RFC 8215: local use
        ("100::/64", _C.RESERVED),  # RFC 6666: discard
        ("100:0:0:1::/64", _C.RESERVED),  # RFC 9780: dummy
        ("2001::/32", _C.TEREDO),  # RFC 4380
        ("2001:2::/48", _C.BENCHMARK),  # RFC 5180
        ("2001:db8::/32", _C.DOCUMENTATION),  # RFC 3849
        ("2001::/23", _C.RESERVED),  # RFC 2928: protocol assignments
        ("2002::/16", _C.SIX_TO_FOUR),  # RFC 3056
        ("3fff::/20", _C.DOCUMENTATION),  # RFC 9637
        ("5f00::/16", _C.RESERVED),  # RFC 9602: segment routing
        ("fc00::/7", _C.PRIVATE),  # RFC 4193
        ("fe80::/10", _C.LINK_LOCAL),  # RFC 4291
        ("fec0::/10", _C.PRIVATE),  # RFC 3879: site-local, deprecated
        ("ff00::/8", _C.MULTICAST),  # RFC 4291
        ("2000::/3", _C.GLOBAL),  # RFC 4291: all that is assigned as global unicast
        ("::/0", _C.RESERVED),
    )
)


def literal(host: str) -> Address | None:
    """The address that a host is; None where it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def classify(address: Address) -> AddressClass:
    """The class of the address itself, whatever it carries."""
    return next((kind for network, kind in _TABLE if address in network), AddressClass.GLOBAL)


def embedded(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses an IPv6 address carries: where its packets would go in the end."""
    if isinstance(address, IPv4Address):
        return ()
    number, kind = int(address), classify(address)
    if kind is AddressClass.SIX_TO_FOUR:
        return (IPv4Address((number >> 80) & 0xFFFFFFFF),)
    if kind is AddressClass.TEREDO:
        return (IPv4Address((number >> 64) & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF))
    if kind in (AddressClass.IPV4_MAPPED, AddressClass.NAT64) or (number >> 32) & 0xFFFFFFFF in (0x5EFE, 0x2005EFE):
        return (IPv4Address(number & 0xFFFFFFFF),)  # the last is ISATAP, RFC 5214
    return ()


def judge(address: Address, networks: Iterable[Network] = ()) -> AddressClass | None:
    """Why the address may not be dialled; None where it may.

    `networks` are the ranges that policy opens. An address that carries IPv4 must be allowed itself and in all it carries.
    A metadata service opens only to a network of that one address: opening CGNAT or link-local does not open it.
    """
    return _judge(address, tuple(networks))


def allowed(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Whether the address may be dialled, where policy opens these ranges besides global unicast."""
    return judge(address, networks) is None


@lru_cache(maxsize=4096)
def _judge(address: Address, networks: tuple[Network, ...]) -> AddressClass | None:
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return AddressClass.LINK_LOCAL
    for part in (address, *embedded(address)):
        kind = classify(part)
        if kind is not AddressClass.GLOBAL and not any(_opens(network, part, kind) for network in networks):
            return kind
    return None


def _opens(network: Network, address: Address, kind: AddressClass) -> bool:
    return address in network and (kind is not AddressClass.METADATA or network.num_addresses == 1)


def network_of(peer: str) -> str:
    """The part of an address that one peer has: all of IPv4, the first 64 bits of IPv6 (RFC 6177), of which a host has the rest."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
