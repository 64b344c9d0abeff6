"""Lines of prose are read whole, whatever surrounds them; code, logs, JSON and tables are not, unless values are asked for."""

import pytest

from outgate.detectors.names.kinds import NAMES
from outgate.detectors.names.prose import LONGEST, prose
from outgate.detectors.pii.placeholders import LABELS

CODE = """import asyncio
from kubernetes import Client

class Hamilton(Base):
    def london(self, name="Paris"):
        # ask Maria Gonzalez before you change this
        return self._client.call(name, {"Maria": 1})
"""
LOG = """2026-11-29 10:00:01 INFO Jordan started in 5 ms
[ERROR] Hamilton failed: Paris
127.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "GET /Maria HTTP/1.1" 200 5
"""
JSON = '{"name": "Maria Gonzalez",\n "city": "Paris", "tags": ["Hamilton", "Jordan"]\n}\n'
TABLE = "| Name | City |\n|---|---|\n| Hamilton | Paris |\n"


def read(text, *, values=False):
    return "".join(part.text[part.first - part.offset : part.last - part.offset] for part in prose(text, values=values))


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        LOG,
        JSON,
        TABLE,
        '"Paris",\n',
        "END:Hamilton\n",
        "See:\n```\nMaria Gonzalez said so to us.\n```\n",
        "max_tokens",
        "",
        "  \n",
    ],
)
def test_what_is_no_prose_is_not_read(text):
    assert "Maria" not in read(text)
    assert "Paris" not in read(text)
    assert "Hamilton" not in read(text)


@pytest.mark.parametrize(
    "text",
    [
        "My name is Maria Gonzalez.",
        "maria gonzalez lives in paris",
        "Name: Maria Gonzalez",
        "- Maria Gonzalez (Paris)",
        "> Maria Gonzalez wrote:",
        "# Notes of Maria Gonzalez",
        "Maria Gonzalez\n45 Elm Street\n94110\n",
        "Jean-Luc O'Neill, c/o Maria Gonzalez",
        "Herr Müller wohnt in der Königstraße 5.",
    ],
)
def test_prose_forms_and_chat_are_read_whole(text):
    assert text.strip() == read(text).strip()


def test_a_sentence_beside_code_is_read_and_the_code_is_not():
    text = "Dear Maria Gonzalez, this is what fails for me in Paris:\n" + CODE

    assert "Dear Maria Gonzalez" in read(text)
    assert "Hamilton" not in read(text)


def test_values_are_read_where_they_are_asked_for():
    assert "Maria Gonzalez before" in read(CODE, values=True)
    assert "Maria Gonzalez" == read(JSON, values=True)


def test_long_prose_is_cut_between_sentences_and_no_slice_is_long():
    text = "Maria Gonzalez went to Paris. " * 200
    parts = list(prose(text))

    assert text.strip() == read(text).strip()
    assert all(part.last - part.first <= LONGEST for part in parts)
    assert all(text[part.offset :].startswith(part.text) for part in parts)
    assert all(text[part.first :].startswith("Maria") for part in parts)


def test_every_kind_has_a_label():
    assert set(NAMES) <= set(LABELS)
