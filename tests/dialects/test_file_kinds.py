"""Kinds of files: by their bytes alone."""

import pytest

from outgate.dialects.file_kinds import sniff
from support.documents import pdf, sheet, word


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pdf("a"), "pdf"),
        (b"junk before it\n" + pdf("a"), "pdf"),
        (b"a line of text\n" * 100 + pdf("a"), "pdf"),
        (word("a"), "office"),
        (sheet(("a",)), "office"),
        (b"\x89PNG\r\n\x1a\n...", "image"),
        (b"RIFF....WEBPVP8 ", "image"),
        (b"RIFF....WAVEfmt ", "text"),
        ("Grüße".encode(), "text"),
        ("Grüße".encode("utf-16"), "text"),
        ("Grüße".encode("latin-1"), "binary"),
        (b"a\0b", "binary"),
        (b"", "text"),
    ],
)
def test_a_file_is_what_its_bytes_say(data, kind):
    assert kind == sniff(data).kind


def test_the_mark_of_a_coding_is_no_part_of_the_text():
    assert ("hi", "hi") == (sniff(b"\xef\xbb\xbfhi").text, sniff("hi".encode("utf-16")).text)
