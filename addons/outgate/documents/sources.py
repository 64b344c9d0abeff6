"""Fetch what references stand for, through the one outbound client: a file at the provider, a URL that the policy allows.

An address is never dialled because a caller names it: its host must be a provider of the policy, and is dialled as that.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from outgate.dialects.attachments import Attachment
from outgate.dialects.registry import spec
from outgate.documents.settings import HydrateSettings
from outgate.errors import UpstreamError
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import Credentials

_ODD = re.compile(r"(?:^|/)\.{1,2}(?:/|;|\Z)|[\\\x00-\x20\x7f]")
"""A dot segment, with parameters or without, and what some servers read as a slash or an end."""
_PRINTED = re.compile(r"[!-~]+")


class UnresolvedError(Exception):
    """A reference that the policy lets resolve, and that could not be; the argument says why."""


class Place(NamedTuple):
    """Where to fetch: a backend and the target there."""

    backend: Backend
    target: str
    fields: tuple[tuple[str, str], ...] = ()


class Sources:
    """The bytes of what an attachment refers to; None where the policy lets nobody fetch it."""

    def __init__(self, settings: HydrateSettings, catalog: Catalog, client: Client, credentials: Credentials) -> None:
        self._settings, self._catalog, self._client, self._credentials = settings, catalog, client, credentials

    async def fetch(self, attachment: Attachment, destination: str) -> bytes | None:
        """Raises UnresolvedError."""
        place = self._place(attachment, destination)
        if place is None:
            return None
        auth = self._credentials.bound(place.backend) if place.backend.credential is not None else None
        try:
            found = await self._client.fetch(
                place.backend, "GET", place.target, place.fields, limit_bytes=self._settings.max_bytes, auth=auth
            )
        except UpstreamError as error:
            raise UnresolvedError(f"it could not be fetched ({error.kind})") from None
        if found.status != 200:
            raise UnresolvedError(f"where it is kept, the answer was {found.status}")
        return found.body

    def _place(self, attachment: Attachment, destination: str) -> Place | None:
        if attachment.file_id:
            return self._at_provider(attachment.file_id, destination) if self._settings.provider_files else None
        if any(_begins(attachment.url, each) for each in self._settings.urls):
            return self._at_url(attachment.url)
        return None

    def _at_provider(self, file_id: str, destination: str) -> Place | None:
        backend = self._catalog.by_destination(destination)
        if backend is None:
            return None
        if file_id in (".", ".."):  # which a server takes for a step in its path
            return None
        target = f"{backend.path_prefix}/v1/files/{quote(file_id, safe='')}/content"
        return Place(backend, target, spec(backend.dialect).file_fields)

    def _at_url(self, url: str) -> Place | None:
        parts = urlsplit(url)
        backend = self._catalog.by_destination(f"{parts.hostname}:{parts.port or 443}")
        if backend is None:
            return None
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        return Place(backend, target)


def _begins(url: str, prefix: str) -> bool:
    """Whether a URL lies below a prefix, whatever a server may make of its path: none with dot segments does."""
    parts = urlsplit(url)
    plain = parts.scheme == "https" and parts.username is None and not parts.fragment
    odd = _ODD.search(unquote(unquote(parts.path))) or "%2f" in parts.path.lower()
    return plain and _PRINTED.fullmatch(url) is not None and url.startswith(prefix) and not odd
