"""Tools of free text as functions."""

import pytest

from outgate.dialects.free_text import as_asked, described, has_grammar, unwrapped, wrapped
from outgate.inference.conversation import Call, Conversation, Tool


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


RUN = Tool("run", custom=True)
ASKED = Conversation((), (), (RUN, Tool("read")))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call("c", "run", '{"input":"ls"}'), Call("c", "run", "ls", custom=True)),
        (Call("c", "run", "ls", custom=True), Call("c", "run", "ls", custom=True)),
        (Call("c", "read", '{"input":"a"}'), Call("c", "read", '{"input":"a"}')),
        (Call("c", "unknown", "{}"), Call("c", "unknown", "{}")),
    ],
)
def test_a_call_comes_back_as_its_client_knows_the_tool(call, expected):
    assert expected == as_asked(call, ASKED)


def test_only_a_grammar_is_more_than_a_function_can_be_held_to():
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "s: A"}}

    assert [False, False, True] == [
        has_grammar(RUN._replace(rest=rest)) for rest in ({}, {"format": {"type": "text"}}, {"format": grammar})
    ]
