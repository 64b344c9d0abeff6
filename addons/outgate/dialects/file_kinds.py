"""Kind of a file by its first bytes, never by what it is called or declared to be."""

from typing import NamedTuple

PDF, OFFICE, TEXT, IMAGE, BINARY = "pdf", "office", "text", "image", "binary"
_HEAD = 1024
"""Bytes in which a PDF's header may stand (ISO 32000, annex H.3.4.1), and its end; readers begin at either."""
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"))
_MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Sniffed(NamedTuple):
    """A file's kind; the media type of an image, the words of a text."""

    kind: str
    media_type: str = ""
    text: str = ""


def sniff(data: bytes) -> Sniffed:
    """The kind of a file. Text is what is UTF-8, or says by its mark that it is UTF-16 or UTF-32, and holds no NUL."""
    if b"%PDF-" in data[:_HEAD] or (b"startxref" in data[-_HEAD:] and b"%PDF-" in data):
        return Sniffed(PDF)
    if data.startswith(b"PK\x03\x04"):
        return Sniffed(OFFICE)
    image = next((name for mark, name in _IMAGES if data.startswith(mark)), "")
    if not image and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        image = "image/webp"
    if image:
        return Sniffed(IMAGE, image)
    text = _text(data)
    return Sniffed(TEXT, text=text) if text is not None else Sniffed(BINARY)


def _text(data: bytes) -> str | None:
    coding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(coding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
