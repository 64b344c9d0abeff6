"""Field Via (RFC 9110 section 7.6.3) between gateways of this kind: who has passed a request on, so that none goes in a circle.

Each writes a pseudonym of its own behind those of the gateways before it. What other intermediaries wrote stays here: it names
what lies inside.
"""

import re

from outgate.net.headers import Headers

_RECEIVED = re.compile(r"[0-9.]{1,5} (outgate-[0-9a-f]{16})")
MOST = 8
"""Gateways that a request may pass."""


def pseudonym(key: bytes) -> str:
    """The name of a gateway, from a key that its workers share, and its replicas where they share a secret."""
    return f"outgate-{key[:8].hex()}"


def passed(headers: Headers) -> tuple[str, ...]:
    """The gateways that a request has passed, in order."""
    entries = (entry.strip() for value in headers.all("via") for entry in value.split(","))
    return tuple(known[1] for entry in entries if (known := _RECEIVED.fullmatch(entry)))


def goes_round(gateways: tuple[str, ...], own: str) -> bool:
    """Whether the request was here before, or has passed too many gateways."""
    return own in gateways or len(gateways) >= MOST


def written(gateways: tuple[str, ...], own: str) -> str:
    """The field's value for the next one."""
    return ", ".join(f"1.1 {each}" for each in (*gateways, own))
