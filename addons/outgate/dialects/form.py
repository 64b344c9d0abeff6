"""Decode and encode `multipart/form-data` (RFC 7578), as narrowly as it can be read: uploads of files.

Two parsers that disagree on where a part ends, or what it is called, let a file pass as another one. So what they could disagree
upon is refused, and what is sent is written anew from what was judged: names, file names, contents, in this order, nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from outgate.errors import WireError

_TYPE = re.compile(r"multipart/form-data; *boundary=(\"?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1", re.IGNORECASE)
_DISPOSITION = re.compile(
    r'form-data; *name="([A-Za-z0-9_.\[\]-]{1,64})"(?:; *filename="([^"\\/\x00-\x1f\x7f]{1,255})")?', re.IGNORECASE
)
_MEDIA = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,127}")
_KNOWN = frozenset({"Content-Disposition", "Content-Type", "Content-Length"})
_PARTS, _FIELD = 32, 16_384
"""Parts of a form, and bytes of one that is no file."""


class Part(NamedTuple):
    """One field of a form, or one file: then it has a `filename`."""

    name: str
    content: bytes
    filename: str = ""
    media_type: str = ""


def boundary_of(content_type: str | None) -> str:
    """The boundary in a Content-Type. Raises WireError for any other."""
    found = _TYPE.fullmatch(content_type or "")
    if found is None:
        raise WireError("bad_form", "the Content-Type must be `multipart/form-data` with a plain boundary, and nothing else")
    return found[2]


def parts_of(content_type: str | None, body: bytes) -> tuple[Part, ...]:
    """The parts of a form. Raises WireError."""
    parser = PushMultipartParser(
        boundary_of(content_type), content_length=len(body), max_header_size=1_024, max_header_count=4, max_segment_count=_PARTS,
        strict=True,
    )  # fmt: skip
    try:
        with parser:
            parts = tuple(_read(parser.parse(body)))
    except WireError:
        raise
    except (MultipartError, UnicodeError, ValueError) as error:
        raise WireError("bad_form", "the body is not the form that its Content-Type announces") from error
    names = [part.name for part in parts if not part.name.endswith("[]")]
    if not parts or len(set(names)) != len(names):
        raise WireError("bad_form", "a form names each of its parts once, but for the elements of a list, and has at least one")
    return parts


def _read(events: Any) -> Iterator[Part]:
    segment: MultipartSegment | None = None
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, MultipartSegment):
            segment, pieces = event, []
        elif event is None:
            assert segment is not None
            yield _part(segment, b"".join(pieces))
            segment = None
        else:
            pieces.append(bytes(event))


def _part(segment: MultipartSegment, content: bytes) -> Part:
    names = [name for name, _ in segment.headerlist]
    fields = dict(segment.headerlist)
    found = _DISPOSITION.fullmatch(fields.get("Content-Disposition", ""))
    if found is None or not _KNOWN.issuperset(names) or len(fields) != len(names):
        raise WireError("bad_form", 'each part has a Content-Disposition of `form-data` with a plain "name", and no unusual fields')
    filename = found[2] or ""
    media_type = fields.get("Content-Type", "").partition(";")[0].strip().lower()
    if filename in (".", "..") or media_type.startswith("multipart/"):
        raise WireError("bad_form", "a file has a name, and is no form itself")
    if not filename and len(content) > _FIELD:
        raise WireError("bad_form", f"a field that is no file has at most {_FIELD} bytes")
    return Part(found[1], content, filename, media_type if _MEDIA.fullmatch(media_type) else "")


def written(parts: tuple[Part, ...]) -> tuple[str, bytes]:
    """A form, and its Content-Type. The boundary follows from the contents, none of which can hold it. Raises WireError."""
    digest = sha256(b"\0".join(part.content for part in parts)).hexdigest()
    boundary = f"outgate-{digest[:40]}"
    lines = [_head(part, boundary) + part.content + b"\r\n" for part in parts]
    return f"multipart/form-data; boundary={boundary}", b"".join(lines) + f"--{boundary}--\r\n".encode()


def _head(part: Part, boundary: str) -> bytes:
    file = f'; filename="{part.filename}"' if part.filename else ""
    disposition = f'form-data; name="{part.name}"{file}'
    if _DISPOSITION.fullmatch(disposition) is None:  # a policy has put something into the name of a file
        raise WireError("unencodable", "the name of a file cannot be written")
    kind = f"Content-Type: {part.media_type or 'application/octet-stream'}\r\n" if part.filename else ""
    return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n{kind}\r\n".encode()


def replaced(part: Part, changes: Mapping[str, Any]) -> Part:
    """The part with another text or name; a document whose text takes its place is a text file from then on."""
    if "document" in changes:
        return Part(part.name, str(changes["document"]).encode(), f"{part.filename}.txt", "text/plain")
    if not changes:
        return part
    content = changes.get("text")
    return part._replace(
        name=str(changes.get("name", part.name)),
        content=part.content if content is None else str(content).encode(),
        filename=str(changes.get("filename", part.filename)),
    )
