"""Text of one document, by pypdf, python-docx and openpyxl: all text that it holds, hidden or not, in its order.

Runs in the confined process only. What reads a document may raise anything; `UnreadableError` says what a caller may be told.
"""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from outgate.dialects.file_kinds import OFFICE, PDF

_PAGES, _UNFOLDED = 2_000, 128 * 1024 * 1024
"""Pages of a PDF, and bytes that the members of an Office file declare, at most."""
_WORDS = {"p": "\n", "tab": "\t", "br": "\n", "cr": "\n", "tr": "\n", "tc": "\t"}
"""What stands for elements that part words."""
_KEPT = ("document", "header", "footer", "footnotes", "endnotes", "comments", "slides/slide", "notesslides", "charts", "diagrams")


_NEEDED = {PDF: ("encodings", "pypdf"), OFFICE: ("encodings", "docx", "openpyxl")}
"""Packages that are imported whole before the process is confined: many of their modules would be imported by need."""


class UnreadableError(Exception):
    """A document that is not read; the argument is a word for it."""


def reader_of(kind: str) -> Callable[[bytes], Iterator[str]]:
    """What reads a kind of document, with all that it needs imported: later nothing can be opened."""
    sys.modules["numpy"] = None  # type: ignore[assignment]  # openpyxl would import it, where it is there, and start its threads
    for name in _NEEDED.get(kind, ()):
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            with suppress(ImportError):  # of another system, or of what is not installed
                import_module(module.name)
    if kind not in _NEEDED:
        raise UnreadableError("unknown")
    return _pdf if kind == PDF else _office


def text_of(read: Callable[[bytes], Iterator[str]], data: bytes, most: int) -> str:
    """The text, a line or a page after another. Raises UnreadableError where it is longer than `most` characters, or empty."""
    pieces, size = [], 0
    for piece in read(data):
        size += len(piece) + 1
        if size > most:
            raise UnreadableError("too_long")
        if piece.strip():
            pieces.append(piece.strip())
    if not pieces:
        raise UnreadableError("no_text")
    return "\n".join(pieces)


def _pdf(data: bytes) -> Iterator[str]:
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted:
        raise UnreadableError("encrypted")
    for number, page in enumerate(reader.pages):
        if number >= _PAGES:
            raise UnreadableError("too_many_pages")
        yield page.extract_text()
        for note in page.annotations or ():
            found = note.get_object()
            yield from (str(found[key]) for key in ("/Contents", "/V", "/T") if key in found)


def _office(data: bytes) -> Iterator[str]:
    with ZipFile(BytesIO(data)) as archive:
        members = archive.infolist()
    if sum(member.file_size for member in members) > _UNFOLDED:
        raise UnreadableError("unfolds_too_far")
    names = {member.filename.lower() for member in members}
    if "[content_types].xml" not in names:
        raise UnreadableError("unknown")
    yield from (_sheets(data) if any(name.startswith("xl/") for name in names) else _parts(data))


def _sheets(data: bytes) -> Iterator[str]:
    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        yield sheet.title
        for row in sheet.iter_rows(values_only=True):
            yield "\t".join(str(value) for value in row if value is not None)
    yield from _parts(data)


def _parts(data: bytes) -> Iterator[str]:
    """Every part of the package that holds words, in the order of its names: a text of hidden paragraphs and comments too."""
    from docx.opc.package import OpcPackage
    from lxml.etree import XMLParser, fromstring

    parser = XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    parts = {str(part.partname): part for part in OpcPackage.open(BytesIO(data)).iter_parts()}
    for name in sorted(parts, key=_numbered):
        if name.endswith(".xml") and any(word in name.lower() for word in _KEPT):
            yield "".join(_words(fromstring(parts[name].blob, parser)))


def _numbered(name: str) -> tuple[str, int, str]:
    """slide2 before slide10."""
    stem = name.removesuffix(".xml")
    digits = stem[len(stem.rstrip("0123456789")) :]
    return stem.rstrip("0123456789"), int(digits or 0), name


def _words(root: Any) -> Iterator[str]:
    for element in root.iter():
        if isinstance(element.tag, str):  # any other is an entity, which stands for nothing
            yield _WORDS.get(element.tag.rpartition("}")[2], "")
            yield element.text if element.text and not element.text.isspace() else ""
