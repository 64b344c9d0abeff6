"""Parse authorities (`host:port`), and check that all the names of one request agree.

Every target has exactly one accepted spelling besides upper case, which is lowered: whatever another parser might read as
something else is refused, not repaired. Grammar: RFC 3986 section 3.2, RFC 9110 section 7.2, RFC 1123 section 2.1 for host names.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from outgate.errors import WireError

_LONGEST = 253 + len(":65535")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_BRACKETED = re.compile(r"\[([0-9a-f:.]{2,45})\](?::(.*))?", re.DOTALL)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_SPECIAL = frozenset({
    "alt", "arpa", "corp", "cluster", "example", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain",
    "localhost", "onion", "private", "svc", "test",
})  # fmt: skip
"""Last labels that are not of the public DNS (RFC 6761, RFC 6762, RFC 7686, RFC 9476), or are in use within networks."""


class Authority(NamedTuple):
    """A canonical target: a lower-case host name, dotted IPv4 or compressed IPv6 (without brackets), and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_authority(text: str, default_port: int | None = None) -> Authority:
    """The target of `host[:port]`; a missing port is `default_port`.

    Refused with WireError, each under its own code: userinfo, backslash, percent-encoding, white space and controls, anything
    but ASCII (IDN must come as A-labels), zone ids, an empty, zero-led or too large port, trailing or doubled dots, labels outside
    RFC 1123, IPv4 that is not four plain decimal numbers, IPv4 embedded in IPv6.
    """
    if not text or len(text) > _LONGEST:
        raise WireError("authority_length", "the authority is empty or too long")
    return _parse(text.lower() if text.isascii() else text, default_port)


def parse_host(text: str) -> str:
    """The canonical form of a bare host, as in SNI (IPv6 without brackets). Raises WireError as `parse_authority` does."""
    bare = f"[{text}]" if ":" in text else text
    return parse_authority(bare, 0).host


def is_public_name(host: str) -> bool:
    """Whether a canonical host is a name that the public DNS may hold: no address, no single label, no special-use domain."""
    before, _, last = host.rpartition(".")
    return bool(before) and last not in _SPECIAL and not last.isdigit() and ":" not in host


def agree(default_port: int, *, connect: str = "", sni: str = "", host: str = "", url: str = "") -> Authority:
    """The one target that all given names of a request name: CONNECT, SNI, Host or :authority, and an absolute URL's authority.

    Absent names are empty; `default_port` stands for a missing port of Host and URL, CONNECT must have its own. Raises WireError
    `destination_mismatch` where they differ, `destination_missing` where none is given.
    """
    named = {parse_authority(name, default_port) for name in (host, url) if name}
    if connect:
        named.add(parse_authority(connect))
    if not named:
        raise WireError("destination_missing", "the request names no destination")
    if len(named) > 1:
        raise WireError("destination_mismatch", "CONNECT, Host and URL name different destinations")
    target = named.pop()
    if sni and parse_host(sni) != target.host:
        raise WireError("destination_mismatch", "the TLS server name differs from the destination")
    return target


@lru_cache(maxsize=1024)
def _parse(text: str, default_port: int | None) -> Authority:
    _refuse_tricks(text)
    if text[0] == "[":
        return _bracketed(text, default_port)
    host, colon, port = text.partition(":")
    return Authority(_host(host), _port(port if colon else None, default_port))


def _refuse_tricks(text: str) -> None:
    """Name what is wrong before the grammar would only say that something is."""
    if not text.isascii():
        raise WireError("authority_not_ascii", "a host name is written in ASCII (A-labels)")
    if not text.isprintable() or " " in text:
        raise WireError("authority_whitespace", "the authority holds white space or control characters")
    for sign, code in (("@", "userinfo"), ("\\", "backslash"), ("%", "percent"), ("/", "path"), ("?", "path"), ("#", "path")):
        if sign in text:
            raise WireError(f"authority_{code}", f"the authority holds {sign!r}")


def _bracketed(text: str, default_port: int | None) -> Authority:
    found = _BRACKETED.fullmatch(text)
    if found is None:
        raise WireError("authority_ipv6", "the bracketed address is malformed")
    try:
        address = IPv6Address(found[1])
    except AddressValueError:
        raise WireError("authority_ipv6", "the bracketed address is malformed") from None
    if address.ipv4_mapped is not None or "." in found[1]:
        raise WireError("authority_embedded_ipv4", "an IPv4 address is not written as IPv6")
    return Authority(address.compressed, _port(found[2], default_port))


def _host(text: str) -> str:
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(text)
    if len(text) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise WireError("authority_host", "the host is not a name of RFC 1123, or ends in a dot")
    return text


def _ipv4(text: str) -> str:
    """A last label that is a number makes an address of the whole (WHATWG URL), so only the plain form may pass."""
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        raise WireError("authority_ipv4", "an IPv4 address is four decimal numbers without leading zeros") from None


def _port(text: str | None, default: int | None) -> int:
    if text is None:
        if default is None:
            raise WireError("authority_port", "the port is missing")
        return default
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise WireError("authority_port", "the port is not a plain number from 1 to 65535")
    return int(text)
