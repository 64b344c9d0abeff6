from hashlib import blake2b
from random import Random

import pytest

from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.tokens import tokenizers
from outgate.tokens.encodings import TokenizerDataError
from outgate.tokens.framing import Exactness
from outgate.tokens.tokenizers import Tokenizers
from support.wire_bodies import CHAT, EMBEDDINGS

FRAME = 7
PLAIN = Params()
NO_TOOLS = Tools()


class Document:
    def __init__(self, body=b"{}"):
        self.body = body

    def encode(self, edits):
        return self.body

    def abridged(self, edits, most):
        return self.body, len(self.body)


class Memo:
    """Remembers like stores.memo.Memo, without its bounds."""

    def __init__(self):
        self.held = {}

    def digest(self, text):
        return text

    def digests(self, prompt):
        return [blake2b(leaf.text.encode(), digest_size=16).digest() for leaf in prompt.leaves]

    def get_many(self, tenant, kind, digests):
        return [self.held.get((tenant, kind, digest)) for digest in digests]

    def put(self, tenant, kind, digest, value):
        self.held[tenant, kind, digest] = value


class PerCharacter:
    """A tokenizer of `factor` tokens a character that tells what it was asked."""

    def __init__(self, factor=1):
        self.factor = factor
        self.asked = []

    def count(self, texts):
        self.asked += texts
        return [self.factor * len(text) for text in texts]


class Setup:
    def __init__(self, **given):
        self.counters = {"o200k_base": PerCharacter(), "cl100k_base": PerCharacter(2), "claude/4.8": PerCharacter(3)}
        self.loads = []
        self.spawned = []
        self.memo = Memo()
        self.tokenizers = Tokenizers(self.memo, Random(1), load=self.load, spawn=self.spawned.append, **given)

    def load(self, name):
        self.loads.append(name)
        return self.counters[name]

    def count(self, *texts, model="gpt-4o", tools=NO_TOOLS, params=PLAIN, operation=CHAT, tenant="a", unjudged=(), body=b"{}"):
        leaves = tuple(Leaf(0, at, text, Channel.USER, 0) for at, text in enumerate(texts))
        prompt = Prompt(Document(body), leaves, frozenset(unjudged))
        return self.tokenizers.count(prompt, tools, params, model, operation, tenant)


@pytest.fixture(name="setup")
def _setup():
    setup = Setup()
    setup.tokenizers.prepare(["gpt-4", "claude-opus-4-8"])
    return setup


def test_text_and_frame_make_the_count(setup):
    assert 5 + 3 + FRAME == setup.count("hello", "you")


def test_the_tokenizer_follows_the_routed_model(setup):
    assert 5 * 2 + FRAME == setup.count("hello", model="gpt-4")
    assert 5 * 3 + FRAME == setup.count("hello", model="claude-opus-4-8")


def test_a_text_is_counted_once_per_tenant_and_tokenizer(setup):
    for _ in range(3):
        setup.count("hello")
    setup.count("hello", tenant="b")

    assert ["hello", "hello"] == setup.counters["o200k_base"].asked


def test_tools_are_counted_once_not_with_every_turn(setup):
    tools = Tools(names=("f",), identity=b'[{"name":"f"}]')
    counts = {setup.count("hello", tools=tools) for _ in range(3)}

    assert 1 == len(counts)
    assert 1 == setup.counters["o200k_base"].asked.count('[{"name":"f"}]')


def test_only_what_is_new_in_a_conversation_is_counted(setup):
    setup.count("first", "second")
    setup.counters["o200k_base"].asked.clear()

    assert len("firstsecondthird") + FRAME == setup.count("first", "second", "third")
    assert ["third"] == setup.counters["o200k_base"].asked


def test_much_new_text_is_estimated_from_a_sample(setup):
    assert 50_000 + FRAME == setup.count("x" * 20_000, "y" * 30_000)
    assert sum(map(len, setup.counters["o200k_base"].asked)) <= 5_000


def test_new_text_within_the_bound_is_counted_whole():
    setup = Setup(exact_chars=100_000)
    setup.tokenizers.prepare()
    setup.count("x" * 50_000)

    assert ["x" * 50_000] == setup.counters["o200k_base"].asked


def test_tools_are_counted_as_the_json_they_were_given_in(setup):
    tools = Tools(names=("f",), identity=b'[{"name":"f"}]')

    assert 5 + FRAME + 12 + len(tools.identity) == setup.count("hello", tools=tools)


def test_a_response_schema_is_counted(setup):
    params = Params(identity=b'{"response_format":{"type":"json_schema","json_schema":{}}}')

    assert 5 + FRAME + len(params.identity) == setup.count("hello", params=params)


def test_embeddings_are_their_text_alone(setup):
    assert 10 == setup.count("hello", model="text-embedding-3-small", operation=EMBEDDINGS)


def test_nothing_to_count_is_never_zero(setup):
    assert 1 == setup.count(model="text-embedding-3-small", operation=EMBEDDINGS)


def test_token_arrays_are_bounded_by_their_bytes(setup):
    count = setup.count(model="text-embedding-3-small", operation=EMBEDDINGS, unjudged={"token_array"}, body=b"[1,2,3]" * 100)

    assert count >= 300


def test_an_image_is_added_to_the_text(setup):
    assert 5 + FRAME + 1445 == setup.count("hello", unjudged={"image"})


def test_an_unknown_model_starts_on_the_high_side(setup):
    assert 124 == setup.count("x" * 100, model="llama-3")


def test_a_factor_is_learned_until_counts_agree_with_reports(setup):
    for _ in range(100):
        setup.tokenizers.observe("llama-3", setup.count("x" * 1000, model="llama-3"), 1510)

    assert setup.count("x" * 1000, model="llama-3") == pytest.approx(1510, rel=0.01)


def test_claude_learns_too_and_other_models_stay_as_they_are(setup):
    for _ in range(100):
        setup.tokenizers.observe("claude-opus-4-8", setup.count("x" * 1000, model="claude-opus-4-8"), 3300)

    assert setup.count("x" * 1000, model="claude-opus-4-8") == pytest.approx(3300, rel=0.01)
    assert 3000 + FRAME == setup.count("x" * 1000, model="claude-sonnet-5")


@pytest.mark.parametrize("reported", [10**12, 1])
def test_reports_cannot_move_a_factor_out_of_its_bounds(setup, reported):
    for _ in range(1000):
        setup.tokenizers.observe("llama-3", 1000, reported)

    assert 500 <= setup.count("x" * 1000, model="llama-3") <= 3 * (1000 + FRAME)


def test_exact_tokenizers_learn_nothing(setup):
    setup.tokenizers.observe("gpt-4o", 1000, 2000)

    assert 1000 + FRAME == setup.count("x" * 1000)


@pytest.mark.parametrize(("counted", "reported"), [(0, 5), (5, 0), (-1, 5)])
def test_impossible_reports_are_ignored(setup, counted, reported):
    before = setup.count("x" * 100, model="llama-3")
    setup.tokenizers.observe("llama-3", counted, reported)

    assert before == setup.count("x" * 100, model="llama-3")


def test_models_are_remembered_within_a_bound(setup):
    for number in range(3000):
        setup.tokenizers.observe(f"model-{number}", 100, 200)

    assert len(setup.tokenizers._factors) <= 1024
    assert len(setup.tokenizers._families) <= 1024


def test_only_what_is_needed_is_loaded():
    setup = Setup()
    setup.tokenizers.prepare(["gpt-4o", "gpt-4"])

    assert ["o200k_base", "cl100k_base"] == setup.loads


def test_an_encoding_first_needed_in_traffic_is_loaded_beside_it_once():
    setup = Setup()
    setup.tokenizers.prepare()
    stand_in = setup.count("x" * 1000, model="claude-opus-4-8")
    setup.count("y", model="claude-opus-4-8")

    assert 1600 <= stand_in <= 1620
    assert 1 == len(setup.spawned)
    assert ["o200k_base"] == setup.loads

    setup.spawned[0]()

    assert 3000 + FRAME == setup.count("x" * 1000, model="claude-opus-4-8")


def test_nothing_is_learned_from_a_stand_in():
    setup = Setup()
    setup.tokenizers.prepare()
    setup.tokenizers.observe("claude-opus-4-8", 1000, 5000)
    setup.count("x", model="claude-opus-4-8")
    setup.spawned[0]()

    assert 100 * 3 + FRAME == setup.count("x" * 100, model="claude-opus-4-8")


def test_without_data_nothing_starts():
    def load(name):
        raise TokenizerDataError("missing")

    with pytest.raises(TokenizerDataError):
        Tokenizers(Memo(), Random(1), load=load).prepare()


def test_a_delivered_text_is_counted_for_an_answer_without_report(setup):
    assert 10 == setup.tokenizers.count_text("gpt-4", "hello")


def test_how_far_a_count_can_be_trusted_is_known(setup):
    assert Exactness.EXACT == setup.tokenizers.exactness("gpt-4o")
    assert Exactness.FOREIGN == setup.tokenizers.exactness("llama-3")


@pytest.mark.slow
def test_the_real_tokenizers_load_by_family_name():
    assert [2] == tokenizers.load("cl100k_base").count(["hello world"])
    assert [2] == tokenizers.load("claude/3.0").count(["hello world"])


def test_a_thread_runs_the_task():
    from threading import Event

    done = Event()
    tokenizers.in_thread(done.set)

    assert done.wait(5)


def test_text_is_estimated_where_no_tokenizer_was_prepared_and_none_is_loaded():
    loaded = []
    unprepared = Tokenizers(Memo(), Random(1), load=loaded.append)

    assert unprepared.count_text("gpt-4o", "x" * 300) == 100
    assert loaded == []
