"""Contents of messages: every medium, both ways, and what is refused."""

import pytest

from outgate.dialects.responses.convert_parts import annotations, read_contents, write_contents
from outgate.errors import WireError
from outgate.inference.conversation import Loss, Media, Refused, Text

PDF = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"type": "input_text", "text": "hi"}, Text("hi")),
        (
            {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
            Media("image", url="https://x.test/a.png"),
        ),
        ({"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"}, Media("image", "image/png", "iVBO")),
        (PDF, Media("file", "application/pdf", "JVBERi0=", name="a.pdf")),
        ({"type": "input_file", "file_url": "https://x.test/a.pdf"}, Media("file", url="https://x.test/a.pdf")),
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, Media("audio", "audio/wav", "UklG")),
        ({"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}, Media("audio", "audio/mpeg", "SUQz")),
    ],
)
def test_a_part_is_read_and_written_alike(content, part):
    losses: list[Loss] = []

    assert ([part], [content], []) == (read_contents([content], "c", losses), write_contents([part], "c", losses), losses)


def test_a_string_is_a_text_and_nothing_is_none():
    assert ([Text("hi")], [], []) == (read_contents("hi", "c", []), read_contents("", "c", []), read_contents(None, "c", []))


def test_a_file_in_bare_base64_is_data():
    assert [Media("file", data="JVBERi0=", name="a.pdf")] == read_contents([{**PDF, "file_data": "JVBERi0="}], "c", [])


def test_a_mark_of_cut_base64_stays_whole():
    """Long data is cut out before a body is read, and its mark stands in its place (`dialects.blobs`)."""
    mark = "\x01" + "0f" * 32

    [image] = read_contents([{"type": "input_image", "image_url": f"data:image/png;base64,{mark}"}], "c", [])

    assert mark == image.data


def test_what_an_assistant_says_is_output():
    said = write_contents([Text("ok"), Refused("no")], "c", [], assistant=True)

    assert ["output_text", "refusal"] == [part["type"] for part in said]
    assert [Text("ok"), Refused("no")] == read_contents(said, "c", [])


@pytest.mark.parametrize(
    ("part", "assistant", "what"),
    [
        (Media("image"), False, "images"),
        (Media("audio", "audio/flac", "ZkxhQw=="), False, "audio"),
        (Media("audio", url="https://x.test/a.wav"), False, "audio"),
        (Media("file"), False, "files"),
        (Media("image", "image/png", "iVBO"), True, "images"),
        (Text("ok", ({"type": "page_location"},)), True, "citations"),
    ],
)
def test_what_cannot_be_said_is_told(part, assistant, what):
    losses: list[Loss] = []
    write_contents([part], "c", losses, assistant=assistant)

    assert [Loss(what, "c[0]")] == losses


def test_a_document_of_text_is_text():
    assert [{"type": "input_text", "text": "words"}] == write_contents([Media("file", "text/plain", text="words")], "c", [])


def test_a_part_that_nobody_knows_is_lost():
    losses: list[Loss] = []

    assert ([], [Loss("members", "c[0]")]) == (read_contents([{"type": "hologram", "beam": "?"}], "c", losses), losses)


@pytest.mark.parametrize(
    "content",
    [5, [5], {"type": "input_text"}, [{"type": "input_text", "text": 5}], [{"type": "input_image", "file_id": "file_1"}],
     [{"type": "input_file", "file_id": "file_1"}], [{"type": "input_image", "image_url": {"url": "x"}}]],
)  # fmt: skip
def test_content_of_another_form_is_refused(content):
    with pytest.raises(WireError):
        read_contents(content, "c", [])


@pytest.mark.parametrize(
    "citation",
    [
        {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 1, "end_index": 2},
        {"type": "url_citation", "url_citation": {"url": "https://x.test", "title": "X", "start_index": 1, "end_index": 2}},
    ],
)
def test_citations_of_addresses_are_known_in_every_form(citation):
    [known] = annotations([citation], "abc")

    assert {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 1, "end_index": 2} == known


def test_a_citation_without_its_place_is_about_all_of_the_text():
    [known] = annotations([{"type": "web_search_result_location", "url": "https://x.test", "title": None}], "abc")

    assert (0, 3, "https://x.test") == (known["start_index"], known["end_index"], known["title"])
