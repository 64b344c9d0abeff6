"""Select the caller's header fields that go on to the provider: an allow-list, so that no hop-by-hop field and no credential can.

They are chosen ahead of the cache, because some of them change what the provider answers (an organisation, a beta): what goes on is
part of what an answer depends on. No policy reads them: one whose value may hold personal data or a key, or is longer than clients
write, is left out.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from pydantic import field_validator

from outgate.dialects.registry import key_fields, spec
from outgate.inference.operation import Operation
from outgate.inference.shown import holds_token
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Settings, Stage

_SENT = frozenset(
    {
        "accept",
        "content-type",
        "idempotency-key",
        "user-agent",
        "x-stainless-retry-count",
    }
)
"""Beside those that the request's dialect names (`Spec.request_fields`)."""
_NEVER = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie", "host"})


_SHORT, _LONGEST = 64, 1_024
_PRIVATE = re.compile(r"[^ -~]|@|%40|\+\d(?:[ ().-]{0,2}\d){7}|(?:\d[ ._-]?){12}")
"""Signs beyond ASCII, an address, a telephone number or as many digits as a card has: versions and dates have fewer."""
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_REPLACED = frozenset({"idempotency-key"})
"""What leaves of it is a digest."""
_MULTIPART = re.compile(r"multipart/[a-z-]+; ?boundary=\"?[A-Za-z0-9'()+_,./:=?-]{1,70}\"?", re.IGNORECASE)
"""RFC 2046, section 5.1.1: a boundary is drawn by lot, and may be all digits."""


class SelectHeadersSettings(Settings):
    """What travels to the provider besides the body."""

    also: tuple[str, ...] = ()
    """Request header fields that go on in addition to the built-in list. Credentials can never be named here.

    A field goes on only where its value is printable ASCII of at most 1,024 characters without an `@`, a telephone number or twelve
    digits in a row (UUIDs excepted), and without twenty letters and digits in a row as keys have them: no policy reads it.
    """

    @field_validator("also")
    @classmethod
    def _no_credentials(cls, also: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.lower() for name in also)
        refused = sorted(_NEVER.union(field.name for field in key_fields()).intersection(names))
        if refused:
            raise ValueError(f"never sent as the caller wrote it: {', '.join(refused)}")
        return names


class Reads(NamedTuple):
    """What the caller sent, and in which dialect."""

    headers: Headers
    operation: Operation


class SelectHeaders(Stage):
    """Writes `headers.out`: `(lower-case name, value)` pairs in the caller's order."""

    name = "select_headers"
    settings_type = SelectHeadersSettings

    def __init__(self, settings: SelectHeadersSettings) -> None:
        self._sent = _SENT.union(settings.also)
        self._by_dialect: dict[str, frozenset[str]] = {}
        self.contract = Contract.of(Reads, writes=("headers.out",), cost=0.002)

    def run(self, facts: Reads, /) -> tuple[tuple[tuple[str, str], ...]]:
        sent = self._by_dialect.get(facts.operation.dialect) or self._known(facts.operation.dialect)
        if "connection" in facts.headers:
            sent -= _listed(facts.headers)
        return (tuple(field for field in facts.headers if field[0] in sent and _is_plain(*field)),)

    def _known(self, dialect: str) -> frozenset[str]:
        sent = self._by_dialect[dialect] = self._sent | spec(dialect).request_fields
        return sent


def _is_plain(name: str, value: str) -> bool:
    """Whether a value may leave unread."""
    if name in _REPLACED or (name == "content-type" and _MULTIPART.fullmatch(value)):
        return True
    return len(value) <= _LONGEST and (_known_public(value) if len(value) <= _SHORT else _is_public(value))


def _is_public(value: str) -> bool:
    """Whether nothing in it looks private."""
    return not _PRIVATE.search(plain := _UUID.sub("", value)) and not holds_token(plain)


_known_public = lru_cache(256)(_is_public)
"""Clients send the same few short values with every request."""


def _listed(headers: Headers) -> frozenset[str]:
    """The fields that Connection makes hop-by-hop (RFC 9110 section 7.6.1)."""
    names = ",".join(headers.all("connection")).lower()
    return frozenset(name.strip() for name in names.split(","))
