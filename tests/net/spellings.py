"""Spellings of a host and a port on which two parsers may disagree: for unit tests and for those through the listener.

`tricks(host, port)` gives texts that must all be refused; `same(host, port)` those that must come out canonical;
`address_tricks(ip, port)` other ways to write one IPv4 address.
"""
# ruff: noqa: RUF001 - look-alikes are what this file is about

from collections.abc import Iterator
from ipaddress import IPv4Address

_WHITE = ("\t", "\n", "\r", "\x0b", "\x0c", " ", "\x00", "\x1f", "\x7f", "\x85", "\xa0", "\u2003", "\u200b", "\ufeff", "\u2028")
_DOTS = ("\u3002", "\uff0e", "\uff61", "%2e", "%2E", "..", "\u2024", ",", "\u00b7")
_COLONS = ("\uff1a", "%3a", "::", ";", "\u2236")
_EVIL = "evil.test"


def same(host: str, port: int) -> Iterator[str]:
    """Spellings that are accepted and come out as one: only letter case differs."""
    yield f"{host}:{port}"
    yield f"{host.upper()}:{port}"
    yield f"{host.title()}:{port}"
    for index in range(len(host)):
        yield f"{host[:index]}{host[index].upper()}{host[index + 1 :]}:{port}"


def tricks(host: str, port: int) -> Iterator[str]:
    """Texts that another parser might take for `host:port` or for something else."""
    plain = f"{host}:{port}"
    for part in (_inserted(plain), _ports(host, port), _identities(plain), _dotted(host, port), _lookalikes(host, port)):
        yield from (text for text in part if text.lower() != plain)


def address_tricks(address: str, port: int) -> Iterator[str]:
    """Other spellings of one IPv4 address: short, decimal, octal, hexadecimal, padded, embedded in IPv6."""
    number = int(IPv4Address(address))
    a, b, c, d = (number >> shift & 255 for shift in (24, 16, 8, 0))
    forms = [
        f"{number}",
        f"0x{number:x}",
        f"0X{number:08X}",
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
    ]
    for form in ("{:d}", "0x{:x}", "0{:o}", "00{:o}", "0{:d}", "{:03d}"):
        for kept in range(4):
            octets = [
                str(each) if index == kept and form != "{:d}" else form.format(each) for index, each in enumerate((a, b, c, d))
            ]
            forms.append(".".join(octets))
    forms += [
        f"{a}.{b}.{c}.{d}.",
        f"{a}.{b}.{c}.{d}.0",
        f"{a}.{b}.{c}",
        f"{a}.{b}.{c}.{256 + d}",
        f"{a}..{c}.{d}",
        f"0x{a:x}.{b}.{c}.{d}",
    ]
    forms += [f"[::ffff:{address}]", f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]", f"[::{address}]", f"[64:ff9b::{address}]"]
    forms += [f"[{address}]", f"::ffff:{address}", f"[::ffff:{address}%25lo]", f"[::ffff:{address}%lo]", f"[v1.{address}]"]
    yield from (f"{form}:{port}" for form in dict.fromkeys(forms) if form != address)


def _inserted(plain: str) -> Iterator[str]:
    for sign in (
        *_WHITE,
        "%",
        "%00",
        "%20",
        "%09",
        "\\",
        "/",
        "?",
        "#",
        "@",
        "|",
        "^",
        "`",
        '"',
        "'",
        "<",
        ">",
        "{",
        "}",
        "(",
        "$",
        "&",
        "*",
        "+",
        "=",
        "!",
        "~",
        "_",
    ):
        for index in range(len(plain) + 1):
            yield f"{plain[:index]}{sign}{plain[index:]}"


def _ports(host: str, port: int) -> Iterator[str]:
    forms = (
        "",
        "0",
        "00",
        f"0{port}",
        f"00000{port}",
        f"+{port}",
        f"-{port}",
        f"{port}.",
        f"{port}.0",
        f"{port}e0",
        f"0x{port:x}",
        f"0o{port:o}",
    )
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in str(port))
    arabic = "".join(chr(ord(digit) + 0x630) for digit in str(port))
    for form in (
        *forms,
        wide,
        arabic,
        f"{port}:{port}",
        f"{port + 65536}",
        "65536",
        "99999",
        f"{port}{'0' * 20}",
        f"{port}\u00b2",
        "https",
        f"{port}_0",
        "1_0",
    ):
        yield f"{host}:{form}"


def _identities(plain: str) -> Iterator[str]:
    for user in ("", "user", "user:pw", "user%40", f"{_EVIL}:443", f"{_EVIL}:443\\", f"{_EVIL}#", f"{_EVIL}/", f"{_EVIL}%00"):
        yield f"{user}@{plain}"
        yield f"{plain}@{user or _EVIL}"
    for scheme in ("https://", "http://", "//", "\\\\", "https:", "https:\\\\", "ftp://", "[", "[["):
        yield f"{scheme}{plain}"
    for tail in (
        "/",
        "/x",
        "?x",
        "#x",
        "\\x",
        f",{_EVIL}:443",
        f" {_EVIL}:443",
        f"\r\nhost: {_EVIL}",
        f"\t{_EVIL}",
        "]",
        f"%00.{_EVIL}",
    ):
        yield f"{plain}{tail}"


def _dotted(host: str, port: int) -> Iterator[str]:
    labels = host.split(".")
    for dot in _DOTS:
        for index in range(1, len(labels)):
            yield f"{'.'.join(labels[:index])}{dot}{'.'.join(labels[index:])}:{port}"
        yield f"{host}{dot}:{port}"
        yield f"{dot}{host}:{port}"
    for colon in _COLONS:
        yield f"{host}{colon}{port}"
    yield from (
        f"{host}.:{port}",
        f"{host}..:{port}",
        f".{host}:{port}",
        f"-{host}:{port}",
        f"{host}-:{port}",
        f":{port}",
        ":",
        "",
        ".",
        f".:{port}",
    )
    yield from (
        f"{'a' * 64}.{host}:{port}",
        f"{'a.' * 130}{host}:{port}",
        f"{host}.123:{port}",
        f"{host}.0x7f:{port}",
        f"[{host}]:{port}",
    )


def _lookalikes(host: str, port: int) -> Iterator[str]:
    """Letters that fold, normalise or look alike: IDNA maps most of them to ASCII."""
    twins = {
        "a": "аａⓐ",
        "e": "еｅ",
        "i": "іı",
        "o": "оοｏ",
        "p": "рｐ",
        "s": "ѕſⓢ",
        "c": "сⅽ",
        "n": "ｎ",
        "m": "ⅿ",
        "t": "ｔ",
        "k": "\u212a",
    }
    for index, letter in enumerate(host):
        for twin in twins.get(letter, ""):
            yield f"{host[:index]}{twin}{host[index + 1 :]}:{port}"
    for mark in ("\u00ad", "\u200d", "\u0301", "\u202e", "\U000e0061"):
        for index in range(1, len(host)):
            yield f"{host[:index]}{mark}{host[index:]}:{port}"
