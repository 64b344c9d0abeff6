"""Fetch what references stand for: a file at the provider, a URL, an object in a bucket, a file of a folder that the policy names.

All but folders go through the one outbound client. An address is never dialled because a caller names it: its host must be a
provider of the policy, and is dialled as that.
"""

from asyncio import to_thread
from typing import NamedTuple
from urllib.parse import quote

from outgate.dialects.attachments import Attachment
from outgate.dialects.registry import spec
from outgate.documents.folders import UnreadFileError, read_file
from outgate.documents.references import (
    ObjectReference,
    allowed,
    inside,
    lies_below,
    object_at,
    object_named,
    path_of,
    root_of,
    split,
)
from outgate.documents.settings import BucketSettings, HydrateSettings
from outgate.errors import FailureKind, UpstreamError
from outgate.net.headers import Headers
from outgate.upstreams.catalog import Backend, Catalog
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import BoundCredential, Credentials

_LONGEST = 256
"""Characters of a version: what is longer is fetched again."""
_ETAG, _DATE = "etag", "last-modified"


class UnresolvedError(Exception):
    """A reference that the policy lets resolve, and that could not be; the argument says why."""


class Place(NamedTuple):
    """Where to fetch: a backend and the target there. `own` targets bring their own rights; `lasting` ones never change."""

    backend: Backend
    target: str
    fields: tuple[tuple[str, str], ...] = ()
    own: bool = False
    lasting: bool = False

    @property
    def name(self) -> str:
        """What tells it from every other place."""
        return f"{self.backend.name}\n{self.target}"


class LocalPlace(NamedTuple):
    """A file of this machine: the folder of the policy, and the steps in it."""

    folder: str
    steps: tuple[str, ...]
    lasting: bool = False

    @property
    def name(self) -> str:
        return "\n".join(("", self.folder, *self.steps))


class Fetched(NamedTuple):
    """Bytes, and what changes when they do; empty where nothing tells."""

    data: bytes
    version: str


class Sources:
    """Places of what attachments refer to, and their bytes."""

    def __init__(self, settings: HydrateSettings, catalog: Catalog, client: Client, credentials: Credentials) -> None:
        self._settings, self._catalog, self._client, self._credentials = settings, catalog, client, credentials

    def place(self, attachment: Attachment, destination: str) -> Place | LocalPlace | None:
        """Where it is; None where the policy lets nobody fetch it."""
        if attachment.file_id:
            return self.file(attachment.file_id, destination) if self._settings.provider_files else None
        found = self._in_bucket(attachment.url)
        if found is not None:
            return found
        if any(lies_below(attachment.url, each) for each in self._settings.urls):
            return self._at_url(attachment.url)
        file = inside(attachment.url, self._settings.folders)
        return LocalPlace(*file) if file is not None else None

    async def fetch(self, place: Place | LocalPlace, known: str = "") -> Fetched | None:
        """The bytes there; None where they are still the known version. Raises UnresolvedError."""
        if isinstance(place, Place):
            return await self._asked(place, known)
        try:
            file = await to_thread(read_file, place.folder, place.steps, self._settings.max_bytes, known)
        except UnreadFileError as error:
            raise UnresolvedError(str(error)) from None
        return Fetched(*file) if file is not None else None

    def file(self, file_id: str, destination: str) -> Place | None:
        """A file at the provider that is addressed."""
        backend = self._catalog.by_destination(destination)
        if backend is None:
            return None
        if file_id in (".", ".."):  # which a server takes for a step in its path
            return None
        target = f"{backend.path_prefix}/v1/files/{quote(file_id, safe='')}/content"
        return Place(backend, target, spec(backend.dialect).file_fields, lasting=True)

    async def _asked(self, place: Place, known: str) -> Fetched | None:
        auth = await self._auth(place)
        fields = (*place.fields, *_unless(known))
        try:
            found = await self._client.fetch(
                place.backend, "GET", place.target, fields, limit_bytes=self._settings.max_bytes, auth=auth
            )
        except UpstreamError as error:
            raise UnresolvedError(_why(error)) from None
        if found.status == 304 and known:
            return None
        if found.status != 200:
            raise UnresolvedError(_told(found.status))
        return Fetched(found.body, _version(found.headers))

    async def _auth(self, place: Place) -> BoundCredential | None:
        if place.own or place.backend.credential is None:
            return None
        await self._credentials.ready(place.backend)
        auth = self._credentials.bound(place.backend)
        if auth is None:
            raise UnresolvedError("the gateway has no credential for where it is kept")
        return auth

    def _at_url(self, url: str) -> Place | None:
        """A URL of a provider; keys that sign are for the objects of buckets alone."""
        parts = split(url)
        backend = self._catalog.by_destination(f"{parts.hostname}:{parts.port or 443}") if parts is not None else None
        if parts is None or backend is None or (backend.credential is not None and backend.credential.sigv4 is not None):
            return None
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        return Place(backend, target)

    def _in_bucket(self, url: str) -> Place | None:
        named = object_named(url)
        for bucket in self._settings.buckets:
            backend = self._catalog.by_name(bucket.provider)
            found = (named or object_at(url, bucket, backend)) if backend is not None else None
            if backend is not None and found is not None and allowed(found, bucket):
                return _object(found, bucket, backend)
        return None


def _object(found: ObjectReference, bucket: BucketSettings, backend: Backend) -> Place | None:
    try:
        target = root_of(bucket, backend) + path_of(found.key)
    except UnicodeEncodeError:
        return None
    return Place(backend, f"{target}?{found.query}" if found.query else target, own=bool(found.query))


def _unless(known: str) -> tuple[tuple[str, str], ...]:
    """The field that asks for the file only where it is another than the known one."""
    name, _, value = known.partition(":")
    if not value:
        return ()
    return (("if-none-match" if name == _ETAG else "if-modified-since", value),)


def _version(headers: Headers) -> str:
    told = next((f"{name}:{headers.get(name)}" for name in (_ETAG, _DATE) if headers.get(name)), "")
    return told if len(told) <= _LONGEST and told.isascii() else ""


def _why(error: UpstreamError) -> str:
    if error.kind is FailureKind.PROTOCOL and error.status == 200:
        return "it is larger than `max_bytes` of `hydrate`"
    return f"it could not be fetched ({error.reason or error.kind})"


def _told(status: int) -> str:
    if 300 <= status < 400:
        return f"where it is kept, the answer was {status}, and no redirect is followed"
    return f"where it is kept, the answer was {status}"
