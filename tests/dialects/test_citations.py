"""Citations of an address, in the forms of all APIs."""

import pytest

from outgate.dialects.citations import Quoted, quoted

URL = "https://a.test/x"


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        (
            {"type": "url_citation", "url_citation": {"url": URL, "title": "X", "start_index": 1, "end_index": 4}},
            Quoted(URL, "X", 1, 4),
        ),
        ({"type": "url_citation", "url": URL, "title": "X", "start_index": 1, "end_index": 4}, Quoted(URL, "X", 1, 4)),
        ({"type": "web_search_result_location", "url": URL, "title": None, "cited_text": "x"}, Quoted(URL)),
        ({"url": URL, "start_index": 1}, Quoted(URL)),
        ({"type": "char_location", "document_index": 0}, None),
        ({"url": ""}, None),
        ({"url": 5}, None),
        ("x", None),
        (None, None),
    ],
)
def test_what_has_an_address_is_quoted(citation, expected):
    assert expected == quoted(citation)


def test_a_place_needs_both_ends():
    assert [(1, 4), None] == [Quoted(URL, "", 1, 4).place, Quoted(URL, "", 1).place]
