"""Documents are read in confined processes: their text comes back, and a hostile one harms nobody."""

import asyncio
import io
import random
import sys
import zipfile

import pytest

from outgate.documents import reader
from outgate.documents.reader import Bounds, DocumentError, DocumentReader
from support.documents import encrypted_pdf, package, pdf, sheet, word

BOUNDS = Bounds(characters=100_000, memory=128 << 20, seconds=5)


def read(kind, data, bounds=BOUNDS):
    async def once():
        return await DocumentReader().text(kind, data, bounds)

    return asyncio.run(once())


def refused(kind, data, bounds=BOUNDS):
    with pytest.raises(DocumentError) as caught:
        read(kind, data, bounds)
    return str(caught.value)


def test_the_text_of_a_pdf_comes_page_by_page():
    assert "first page\nsecond page" == read("pdf", pdf("first page", "second page"))


def test_the_text_of_a_word_file_holds_headers_and_tables():
    import docx

    from support.documents import saved

    made = docx.Document()
    made.add_paragraph("the body")
    made.add_table(1, 1).cell(0, 0).text = "a cell"
    made.sections[0].header.paragraphs[0].text = "the header"

    text = read("office", saved(made))

    assert all(each in text for each in ("the body", "a cell", "the header"))


def test_the_text_of_a_workbook_holds_its_cells():
    assert "a\t1" in read("office", sheet(("a", 1), ("b", 2)))


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b" " * (200 << 20))
    return buffer.getvalue()


def hidden_bomb() -> bytes:
    """One whose directory says that it is small."""
    data = bytearray(bomb())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


NESTED = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
ENTITIES = f'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">{NESTED}]><d>&j;</d>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bomb(), {"unfolds_too_far"}),
        (hidden_bomb(), {"damaged", "unfolds_too_far"}),
        (package("<d>" * 300_000 + "</d>" * 300_000), {"damaged"}),
        (package(OUTSIDE), {"no_text"}),
        (package(ENTITIES), {"no_text", "damaged"}),
        (word("a")[:-400], {"damaged"}),
        (b"PK\x03\x04" + bytes(1000), {"damaged"}),
    ],
    ids=["bomb", "hidden bomb", "deep", "entity of a file", "entities in entities", "cut", "no archive"],
)
def test_a_hostile_office_file_is_refused_with_a_reason(data, why):
    assert refused("office", data) in why


LOOP = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[2 0 R]>>endobj\n"
    b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"
)


def test_a_hostile_pdf_is_refused_with_a_reason():
    words = {"damaged", "no_text", "too_slow_or_too_large"}

    assert refused("pdf", LOOP) in words
    assert refused("pdf", b"%PDF-1.4\n" + b"1 0 obj<<" * 100_000) in words
    assert "encrypted" == refused("pdf", encrypted_pdf("secret"))
    assert "too_many_pages" == refused("pdf", pdf(*["x"] * 2_001))


def test_a_text_longer_than_allowed_is_refused():
    assert "too_long" == refused("pdf", pdf("x" * 500), BOUNDS._replace(characters=100))


def test_a_broken_table_of_objects_is_no_obstacle():
    data = pdf("still here")
    at = data.rindex(b"startxref")

    assert "still here" == read("pdf", data[:at] + b"startxref\n7\n%%EOF")


def test_a_process_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(reader, "_command", lambda *_: (sys.executable, "-c", "import time; time.sleep(600)"))

    assert "too_slow" == refused("pdf", b"", BOUNDS._replace(seconds=1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["pdf", "office"])
def test_damaged_documents_end_in_text_or_a_reason(kind):
    whole, chance = (pdf("one", "two") if kind == "pdf" else word("one", "two")), random.Random(7)

    async def ends(data):
        try:
            return isinstance(await documents.text(kind, data, BOUNDS), str)
        except DocumentError as error:
            return bool(str(error))

    async def all_of_them():
        return [await ends(data) for data in damaged]

    damaged = []
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged.append(bytes(data))
    documents = DocumentReader()

    assert all(asyncio.run(all_of_them()))


def test_cancelled_it_leaves_no_process():
    async def run():
        documents = DocumentReader()
        task = asyncio.ensure_future(documents.text("pdf", pdf("x"), BOUNDS))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await documents.text("pdf", pdf("next"), BOUNDS)

    assert "next" == asyncio.run(run())
