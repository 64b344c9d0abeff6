"""Find IP addresses that may be somebody's: globally reachable, and written where an address is meant.

Sources: RFC 6890 and the IANA special-purpose registries, as Python's `ipaddress` knows them. Loopback, unspecified, private,
documentation and multicast addresses belong to nobody. Four numbers between dots are as often a version or an object identifier.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network

from outgate.detectors.pii.reading import Found, Reading
from outgate.detectors.regex_engines import Linear

_THREE_DOTS = Linear("0{1,3}(?:[.]0{1,3}){3}", any_case=False)
_INSIDE = ("0.", "10.", "127.", "192.168.")
"""How most addresses that are nobody's begin."""
_V4 = re.compile(
    r"(?<![\w.])(?:0{0,2}\d|\d\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?:\d{1,2}|[01]\d\d|2[0-4]\d|25[0-5])){3}(?![\w%]|\.\w|-\w|\(|\+)"
)
_MAPPED = re.compile(r"(?<![\w:])::(?:ffff:(?:0{1,4}:)?)?\Z", re.IGNORECASE)
_VERSION_SIGN = re.compile(r"(?:[=<>~^!]=|[\w)\]][/@-]|~>|[v§~^])\s?\Z")
_VERSION_WORD = re.compile(
    r"(?:versions?|ver|release|rev|revision|build|sections?|sec|chapter|clause|figure|table|appendix|oid|rfc|v|x509|firmware|driver)"
    r"[\"'`]?[\s:=(\[.]{0,4}[\"'`]?\Z"
)
_ADDRESS_WORD = re.compile(
    r"(?:\b|_)(?:ips?|ip ?v[46]|addr|address(?:es)?|hosts?|servers?|dns|ping|gateway|client|remote|peer|nameservers?|resolvers?"
    r"|inet6?|src|dst|source|destination|from|to|via|connect(?:ed|ing)?|bind|listen(?:ing)?|route|curl|ssh|dig|trace(?:route)?)"
    r"\b[^\n]{0,24}\Z"
)
_NEAR = 40
_V6 = re.compile(r"[23](?<![\w:.].)[0-9a-f]{3}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![\w:]|\.\d)")
_NOBODYS = (ip_network("2001::/23"), ip_network("2001:db8::/32"), ip_network("2002::/16"), ip_network("3fff::/20"))


def addresses(reading: Reading) -> Iterator[Found]:
    """IP addresses in a text."""
    yield from _version_4(reading)
    yield from _version_6(reading)


def _version_4(reading: Reading) -> Iterator[Found]:
    text = reading.text
    for start, _ in _THREE_DOTS.spans(reading.shape):
        match = None if text.startswith(_INSIDE, start) else _V4.match(text, start)
        if match is not None and _is_somebodys(match[0]) and _meant(reading, match):
            mapped = _MAPPED.search(text[max(0, start - 14) : start])
            yield Found(start - len(mapped[0] if mapped else ""), match.end())


def _is_somebodys(value: str) -> bool:
    parts = [int(part) for part in value.split(".")]
    return parts[0] < 224 and IPv4Address(".".join(map(str, parts))).is_global


def _meant(reading: Reading, match: re.Match[str]) -> bool:
    """Not a version, a section or an object identifier; small numbers, which these are made of, need a word of networks."""
    ahead = reading.lower[max(0, match.start() - _NEAR) : match.start()]
    if ahead.endswith(("://", "@")):
        return True
    if _VERSION_SIGN.search(ahead) or _VERSION_WORD.search(ahead):
        return False
    return any(int(part) > 99 for part in match[0].split(".")) or _ADDRESS_WORD.search(ahead) is not None


def _version_6(reading: Reading) -> Iterator[Found]:
    if ":" not in reading.lower:
        return
    for match in _V6.finditer(reading.lower):
        try:
            address = IPv6Address(match[0])
        except ValueError:
            continue
        groups = [group for group in match[0].split(":") if group]
        if len(groups) > 2 and not any(address in network for network in _NOBODYS):
            yield Found(match.start(), match.end())
