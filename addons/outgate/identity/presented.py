"""Parse the token that a client presents: in Proxy-Authorization, or where clients of a dialect put their key.

Sources: RFC 7617, RFC 6750, RFC 9110 section 11.7.
"""

import binascii
from base64 import b64decode
from typing import NamedTuple

from outgate.dialects.registry import key_fields
from outgate.dialects.spec import KeyField
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers

_LARGEST = 8192


class Presented(NamedTuple):
    """A token, and the workload it is said to be of."""

    name: str | None
    token: str


def presented_by(conn: Connection, headers: Headers) -> Presented | None:
    """The token a client presents. Inside a tunnel its Authorization belongs to the provider, and is never looked at."""
    found = _found(conn, headers)
    return found if found is not None and len(found.token) <= _LARGEST else None


def _found(conn: Connection, headers: Headers) -> Presented | None:
    if conn.entry is Entry.CONNECT:
        return _from_field(conn.proxy_authorization.reveal() if conn.proxy_authorization is not None else "")
    if conn.entry is Entry.ABSOLUTE:
        return _from_field(headers.get("proxy-authorization") or "")
    return next(filter(None, (_from_key(field, headers.get(field.name)) for field in key_fields())), None)


def _from_key(field: KeyField, value: str | None) -> Presented | None:
    if not value or field.name == "authorization":
        return _from_field(value or "")
    held = value[: len(field.prefix)].lower() == field.prefix.lower()
    return Presented(None, value[len(field.prefix) :]) if held and len(value) > len(field.prefix) else None


def _from_field(value: str) -> Presented | None:
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return Presented(None, rest)
    if scheme.lower() != "basic" or len(rest) > 2 * _LARGEST:
        return None
    try:
        name, colon, token = b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Presented(name, token) if colon and token else None
