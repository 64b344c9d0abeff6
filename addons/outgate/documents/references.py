"""Read references to files: below which beginning they lie, whatever a server may make of their path."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from outgate.documents.settings import BucketSettings, FolderSettings
from outgate.upstreams.catalog import Backend

_ODD = re.compile(r"(?:^|/)\.{1,2}(?:/|;|\Z)|[\\\x00-\x1f\x7f]")
"""A dot segment, with parameters or without, and what some servers read as a slash or an end."""
_PRINTED = re.compile(r"[!-~]+")
_OBJECT = re.compile(r"s3://([a-z0-9.-]{3,63})/(.+)", re.DOTALL)
_LONGEST = 1024
"""Bytes of an object's key (Amazon S3 user guide, "Naming objects")."""
_SIGNED = "X-Amz-Signature"


class ObjectReference(NamedTuple):
    """An object in a bucket; `query` is that of a presigned URL, which brings its own rights."""

    bucket: str
    key: str
    query: str = ""


def lies_below(url: str, prefix: str) -> bool:
    """Whether an https URL lies below a prefix: none with dot segments does."""
    parts = split(url)
    if parts is None or not url.startswith(prefix) or parts.username is not None:
        return False
    return _plain(parts.path) and " " not in unquote(unquote(parts.path)) and "%2f" not in parts.path.lower()


def split(url: str) -> SplitResult | None:
    """The parts of an https URL without a fragment; None for anything else."""
    try:
        parts = urlsplit(url)
        odd = parts.scheme != "https" or parts.fragment or parts.port == 0
    except ValueError:
        return None
    return parts if not odd and _PRINTED.fullmatch(url) else None


def object_named(url: str) -> ObjectReference | None:
    """What `s3://bucket/key` names; the key stands as it is, without escapes."""
    found = _OBJECT.fullmatch(url)
    return ObjectReference(*found.groups()) if found is not None else None


def object_at(url: str, bucket: BucketSettings, backend: Backend) -> ObjectReference | None:
    """The object of this bucket that an https URL names, at the host of the backend that keeps it."""
    parts, start = split(url), root_of(bucket, backend)
    if parts is None or parts.netloc != backend.authority or not parts.path.startswith(start):
        return None
    if parts.query and _SIGNED not in dict(parse_qsl(parts.query)):
        return None
    return ObjectReference(bucket.bucket, unquote(parts.path.removeprefix(start)), parts.query)


def root_of(bucket: BucketSettings, backend: Backend) -> str:
    """The path under which the keys of a bucket stand."""
    inside = "" if backend.host.startswith(f"{bucket.bucket}.") else f"{bucket.bucket}/"
    return f"{backend.path_prefix}/{inside}"


def allowed(found: ObjectReference, bucket: BucketSettings) -> bool:
    """Whether the key is one of those that the policy names, whatever a store may make of it as a path."""
    key = found.key
    whole = bool(key) and len(key.encode("utf-8", "replace")) <= _LONGEST and not key.startswith("/") and "//" not in key
    return found.bucket == bucket.bucket and whole and key.startswith(bucket.prefix) and _plain(key)


def path_of(key: str) -> str:
    """A key as it stands in a path, and as it is signed. Raises UnicodeEncodeError for half a character."""
    return quote(key, safe="/~-._")


def inside(url: str, folders: Iterable[FolderSettings]) -> tuple[str, tuple[str, ...]] | None:
    """The folder and the steps in it that a `file:` URL names; the longest prefix decides."""
    found = sorted((each for each in folders if url.startswith(each.prefix)), key=lambda each: len(each.prefix))
    if not found:
        return None
    rest = unquote(url.removeprefix(found[-1].prefix))
    steps = tuple(rest.split("/"))
    return (found[-1].folder, steps) if _plain(rest) and all(steps) and not {"?", "#"} & set(url) else None


def _plain(path: str) -> bool:
    """Whether a path has nothing that leads elsewhere, however often a server decodes it."""
    while not _ODD.search(path):
        if (decoded := unquote(path)) == path:
            return True
        path = decoded
    return False
