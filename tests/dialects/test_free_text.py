"""Tools of free text as functions."""

import pytest

from outgate.dialects.free_text import described, unwrapped, wrapped


@pytest.mark.parametrize("text", ["", "ls -l", 'say "hi"\n\\', '{"input": "nested"}', "häß 🚀"])
def test_free_text_comes_back_as_it_was(text):
    assert text == unwrapped(wrapped(text))


@pytest.mark.parametrize("arguments", ["", "ls", "[1]", '{"command": "ls"}', '{"input": 5}', '{"input": "cut'])
def test_arguments_of_another_form_are_the_text(arguments):
    assert arguments == unwrapped(arguments)


def test_a_grammar_stands_in_the_description():
    form = {"type": "grammar", "syntax": "regex", "definition": "[a-z]+"}

    assert "Runs.\n\n`input` must follow this regex grammar:\n[a-z]+" == described("Runs.", form)
    assert described("", form).startswith("`input` must follow")
    assert "Runs." == described("Runs.", {"type": "text"})
