"""Judge whether a call may bring secrets of the request to its tool: by the tool's name, and by the hosts that a command names.

In doubt it may not. What is a file and what is a host cannot be told for certain: `deploy.sh` is a name of either.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from outgate.detectors.call_rules import arguments_of
from outgate.detectors.normalise import unescape
from outgate.detectors.payloads import payloads
from outgate.detectors.pii.links import is_named
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.pii.spellings import FOUND
from outgate.inference.calls import Call
from outgate.net.patterns import covers

_DOTTED = re.compile(r"(?<=//)(?:[^\s/?#\"'\\]{0,256}@)?[\w.-]+|(?<![\w.-])[\w.-]*\w\.\w[\w.-]*")
"""The host of a URL, behind the name and password of a user; or any name with a dot."""
_SOCKET = re.compile(r"/(?:dev/(?:tcp|udp)|inet[46]?/(?:tcp|udp)/[^/\s]+)/([^/\s\"'`;|&)]+)")
"""A connection that Bash or awk opens by the name of a file."""
_NUMBER = re.compile(r"(?<![\w.])(?:0x[0-9a-f]{7,}|0[0-7]{9,}|[0-9]{8,10})(?![\w.])")
"""An IPv4 address as one number."""
_COLONS = re.compile(r"(?<![\w:])[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])")
_PATH = re.compile(r"(?:^|[\s\w.~$}\"'=])/\Z")
"""What stands in front of a name in a path; behind two slashes, or one of a scheme, stands a host."""
_NO_HOST = re.compile(
    r"(?!0x[0-9a-f]*\.)[\w-]*[A-Za-z_][\w-]*(?:\.[\w-]+)*\."
    r"(?:\d[\w-]*|c|cfg|conf|cpp|crt|css|csv|env|example|go|h|hpp|html?|ini|java|js|json|jsx|key|kt|local|lock|log|mjs|pem|php|sql|toml|ts|tsx|txt|xml|ya?ml)\Z"
    r"|[\w-]+\.py\Z",
    re.IGNORECASE,
)
"""Endings of files and versions that are no domain's; `.py` is one, whose names have two dots. A name that begins as a
hexadecimal number does is an address.
"""
_LONG = 256
"""Characters from which on a name is no file that is known."""
_OCTAL = re.compile(r"\\0?([0-7]{3})")
_SHELL = re.compile(r"\\\n|\$?\([^()]*\)|`[^`]*`|\$\{[^{}]*\}|\$[@*]|,{0,4}[}\]]|[\"'\\{\[]")
"""What a shell takes away from within a word: quotes, braces, and expansions, which may be empty."""


class Tools(NamedTuple):
    """Names of tools, as patterns: of those that write files of the caller's, and of those that run commands for it."""

    edits: tuple[str, ...]
    runs: tuple[str, ...]


def holds(call: Call, secrets: Placeholders) -> bool:
    """Whether any placeholder of these stands in a call, however it is spelled."""
    written = f"{call.name}\n{call.arguments}"
    return any(
        secrets.named(one["label"], one["letters"]) is not None
        for text in (written, unescape(written))
        for one in FOUND.finditer(text)
    )


def may_bring(call: Call, secrets: Placeholders, tools: Tools) -> bool:
    """Whether the placeholders in a call may become secrets again.

    A command may have them where each host that it names is one that the caller named; `asked` leaves out what tools returned.
    """
    if call.fault:
        return False
    if covers(tools.edits, call.name):
        return True
    arguments = arguments_of(call)
    if arguments is None or not covers(tools.runs, call.name):
        return False
    return all(is_named(host, secrets.asked) for host in _hosts(_text(arguments)))


def _text(value: Any) -> str:
    """All strings of a value, member names included."""
    if isinstance(value, dict):
        return "\n".join(_text(each) for pair in value.items() for each in pair)
    return "\n".join(map(_text, value)) if isinstance(value, list) else str(value)


def _hosts(command: str) -> Iterator[str]:
    """Whatever may be a host in a command, also in what is encoded there."""
    plain = unescape(command)
    bare = _SHELL.sub("", _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), plain))
    for text in (plain, bare, *(payload.text for payload in payloads(plain))):
        yield from _hosts_in(text.lower())


def _hosts_in(text: str) -> Iterator[str]:
    for name in _DOTTED.finditer(text):
        if text.startswith("//", max(0, name.start() - 2)) or not _is_file(text, name):
            yield name[0].rpartition("@")[2].strip(".-_")
    yield from _SOCKET.findall(text)
    yield from _NUMBER.findall(text)
    yield from filter(_is_address, _COLONS.findall(text))


def _is_file(text: str, name: re.Match[str]) -> bool:
    return (
        name[0][0] == "."
        or _PATH.search(text, max(0, name.start() - 2), name.start()) is not None
        or (len(name[0]) < _LONG and bool(_NO_HOST.match(name[0])))
    )


def _is_address(text: str) -> bool:
    try:
        return text.count(":") > 1 and IPv6Address(text) is not None
    except ValueError:
        return False
