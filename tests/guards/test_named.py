"""Names in a prompt: prose is asked about once, sealed leaves never, and a name cut over parts is found."""

import asyncio

import pytest

from detectors.fakes import prompt
from outgate.guards.named import Named
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel
from outgate.model_server.wire import ModelServerDownError, ModelServerError
from outgate.stores.memo import Memo

NAME = "Maria Gonzalez"


class Names:
    """Knows one name, in one piece; remembers what it was asked."""

    def __init__(self):
        self.asked, self.down, self.answer = [], False, None

    async def ask(self, model, items, *, options=(), share=""):
        if self.down:
            raise ModelServerDownError
        assert ("ner", ("PERSON",), "default/w") == (model, options, share)
        self.asked += items
        return self.answer or [[["PERSON", at, at + len(NAME), 0.9]] if (at := item.find(NAME)) >= 0 else [] for item in items]


@pytest.fixture(name="models")
def _models():
    return Names()


@pytest.fixture(name="find")
def _find(models):
    named = Named(models, Memo(bytes(32)), ("PERSON",), values=False)

    def find(given):
        found = asyncio.run(named.findings(given, Principal(name="w")))
        return {at: [given.leaves[at].text[one.start : one.end] for one in some] for at, some in found.items()}

    return find


def test_prose_is_asked_about_once(find, models):
    given = prompt("import asyncio", f"I am {NAME}.", "x = 1")

    assert {1: [NAME]} == find(given)
    assert {1: [NAME]} == find(prompt("import asyncio", f"I am {NAME}.", "Good day."))
    assert [f"I am {NAME}.", "Good day."] == models.asked


def test_what_is_sealed_is_not_asked_about(find, models):
    assert {} == find(prompt(f"I am {NAME}.", channel=Channel.SEALED))
    assert [] == models.asked


@pytest.mark.parametrize("cut", range(1, len(NAME)))
def test_a_name_cut_over_parts_is_found_in_both(find, cut):
    first, second = NAME[:cut], NAME[cut:]

    assert {0: [first], 1: [second]} == find(prompt(f"I am {first}", f"{second}, hello.", turn=0))


def test_a_name_is_not_made_of_what_two_people_say(find):
    assert {} == find(prompt("I am Maria", "Gonzalez, hello."))


def test_a_model_server_that_is_down_is_an_error(find, models):
    models.down = True
    with pytest.raises(ModelServerError):
        find(prompt(f"I am {NAME}."))


def test_an_answer_of_another_form_is_an_error(find, models):
    models.answer = [["PERSON"]]
    with pytest.raises(ModelServerError):
        find(prompt(f"I am {NAME}."))
