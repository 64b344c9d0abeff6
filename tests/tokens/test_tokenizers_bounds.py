"""Bounds of counts: never below the count, which is made when somebody asks for it."""

import weakref
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.stores.memo import Memo
from outgate.tokens.tokenizers import Tokenizers
from support.wire_bodies import CHAT, EMBEDDINGS

FRAME = 7
PLAIN = Params()
NO_TOOLS = Tools()
LOADED = ["gpt-4", "claude-opus-4-8"]


class Document:
    """A body of which nothing is asked but its bytes."""

    def abridged(self, edits, most):
        return b"{}", 2


class PerCharacter:
    """A token a character; tells what it was asked."""

    def __init__(self):
        self.asked = []

    def count(self, texts):
        self.asked += texts
        return [len(text) for text in texts]


class Setup:
    def __init__(self, *loaded):
        self.counter = PerCharacter()
        self.tokenizers = Tokenizers(Memo(b"k" * 16), Random(1), load=lambda _: self.counter, spawn=lambda _: None)
        self.tokenizers.prepare(loaded)

    def bounded(self, *texts, **fields):
        """What is known of a request that is not the one of so many which is counted anyway."""
        self.tokenizers._bounded = 1
        return self.tokenizers.bounded(*asked(*texts, **fields))


def asked(*texts, model="gpt-4o", tools=NO_TOOLS, operation=CHAT, unjudged=(), document=None):
    leaves = tuple(Leaf(0, at, text, Channel.USER, 0) for at, text in enumerate(texts))
    return Prompt(document or Document(), leaves, frozenset(unjudged)), tools, PLAIN, model, operation, "a"


@pytest.fixture(name="setup")
def _setup():
    return Setup(*LOADED)


TEXTS = st.text(st.characters(), max_size=200) | st.text(st.sampled_from("ab \n\ud83d\ude00\udfff0'é你\x1c"), max_size=60)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4), st.sampled_from(["gpt-4o", "gpt-4", "text-embedding-3-small"]), st.booleans())
def test_the_bound_is_never_below_the_count_and_the_count_is_that_of_count(texts, model, tools):
    real = Tokenizers(Memo(b"k" * 16), Random(1))
    real.prepare([model])
    real._bounded = 1
    named = Tools(identity='[{"name":"é"}]'.encode(), names=("é",)) if tools else NO_TOOLS
    request = asked(*texts, model=model, tools=named, operation=EMBEDDINGS if "embed" in model else CHAT)
    known = real.bounded(*request)

    assert not known.is_counted
    assert known.most >= real.count(*request) == known.exact()


def test_a_short_text_for_an_exact_tokenizer_is_not_counted_until_it_must_be(setup):
    known = setup.bounded("hé", "you")

    assert (3 + 3 + FRAME, []) == (known.most, setup.counter.asked)
    assert 2 + 3 + FRAME == known.exact()
    assert ["hé", "you"] == setup.counter.asked


@pytest.mark.parametrize(
    "request_",
    [
        {"model": "llama-3"},
        {"model": "claude-opus-4-8"},
        {"unjudged": {"image"}},
        {"texts": ("x" * 9_000,)},
    ],
)
def test_what_no_bound_is_proved_of_or_is_long_is_counted_at_once(setup, request_):
    fields = dict(request_)
    texts = fields.pop("texts", ("hello",))

    assert setup.bounded(*texts, **fields).is_counted


def test_what_o200k_stands_in_for_is_counted_at_once():
    setup = Setup("gpt-4o")

    assert setup.bounded("hello", model="gpt-4").is_counted


def test_one_of_sixteen_is_counted_anyway(setup):
    request = asked("hello")

    assert [1] + [0] * 15 + [1] == [int(setup.tokenizers.bounded(*request).is_counted) for _ in range(17)]


def test_a_bound_keeps_the_texts_of_its_request_and_nothing_else(setup):
    document = Document()
    known, gone = setup.bounded("hello", document=document), weakref.ref(document)
    del document

    assert gone() is None
    assert 5 + FRAME == known.exact()


def test_a_count_that_is_made_late_is_remembered_like_any_other(setup):
    setup.bounded("hello").exact()
    setup.bounded("hello").exact()

    assert ["hello"] == setup.counter.asked
