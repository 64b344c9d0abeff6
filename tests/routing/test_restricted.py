"""A restricted topic is found in short and long texts, in disguise and across neighbours, and nothing is asked about twice."""

from detectors.fakes import prompt
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.routing.restricted import PASSAGE, Restricted, passages
from outgate.routing.semantic import Semantic
from outgate.routing.topics import RestrictedTopics
from outgate.stores.memo import Memo
from support.routed import CHAT, CODE, NONE, FakeModels, aio

WHO = Principal(name="w", tenant="t")
BUG, OTHER = "fix the bug in this code", "what is the price of gold today"


def restricted(models=None, memo=None, **fields):
    rule = RestrictedTopics(names={"code": CODE, "talk": CHAT}, none_of_these=NONE, **fields)
    memo = memo or Memo(bytes(32))
    return Restricted(Semantic(rule, models or FakeModels(), memo), memo, (Channel.USER,), ())


async def found(given, **fields):
    return [(one.leaf, one.rule) for one in await restricted(**fields).find(given, WHO)]


@aio
async def test_the_leaf_that_touches_a_topic_is_found_by_its_name():
    assert [(1, "topic.code"), (2, "topic.talk")] == await found(prompt(OTHER, BUG, "tell me a joke friend"))


@aio
async def test_what_lies_between_two_topics_is_restricted_unless_a_lead_is_asked_for():
    between = prompt(f"{CODE[0]} {CHAT[0]}")

    assert 1 == len(await found(between))
    assert [] == await found(between, margin=1.0)


@aio
async def test_a_sentence_is_found_in_a_long_text():
    padding = "The price of gold is high in Peru this year, they say. " * 20

    assert [(0, "topic.code")] == await found(prompt(padding + BUG + ". " + padding))
    assert [] == await found(prompt(padding))


@aio
async def test_disguised_letters_are_read_as_what_they_look_like():
    assert [(0, "topic.code")] == await found(prompt("\uff46ix the b\u200bug in this c\u043ede"))


@aio
async def test_a_text_in_pieces_is_found_where_it_is_complete_and_the_rest_is_not():
    whole = await found(prompt("debug", "my", "code", OTHER, turn=0), threshold=1.2)

    assert (1, "topic.code") == whole[0]
    assert 3 not in [leaf for leaf, _ in whole]
    assert [] == await found(prompt("debug", OTHER), threshold=1.2)


@aio
async def test_pieces_between_which_the_model_spoke_are_no_text():
    debug, mine = Leaf(0, 0, "debug", Channel.USER, 0), Leaf(0, 2, "my", Channel.USER, 2)

    assert [(1, "topic.code")] == await found(Prompt(None, (debug, mine)), threshold=1.2)
    assert [] == await found(Prompt(None, (debug, Leaf(0, 1, "Yes?", Channel.ASSISTANT, 1), mine)), threshold=1.2)


@aio
async def test_other_channels_are_not_read():
    assert [] == await found(prompt(BUG, channel=Channel.SYSTEM))


@aio
async def test_a_conversation_that_comes_again_asks_about_its_last_turn_alone():
    models, memo = FakeModels(), Memo(bytes(32))
    before = restricted(models, memo)
    await before.find(prompt(OTHER), WHO)
    models.asked.clear()
    again = restricted(models, memo)
    leaves = [*prompt(OTHER).leaves, Leaf(0, 1, "It is high.", Channel.ASSISTANT, 1), Leaf(0, 2, BUG, Channel.USER, 2)]
    await again._semantic.exemplars.scorer()
    models.asked.clear()

    assert [2] == [one.leaf for one in await again.find(Prompt(None, tuple(leaves)), WHO)]
    assert 1 == models.asked["embed"]


@aio
async def test_other_phrases_judge_anew_and_tenants_share_nothing():
    memo = Memo(bytes(32))
    assert [(0, "topic.code")] == await found(prompt(BUG), memo=memo)
    assert [] == await found(prompt(BUG), memo=memo, threshold=2.0)
    models = FakeModels()
    await restricted(models, memo).find(prompt(BUG), Principal(name="w", tenant="other"))

    assert len(CODE + CHAT + NONE) + 1 == models.asked["embed"]


def test_passages_hold_all_of_a_text_and_are_bounded():
    text = "One sentence. " * 30 + "word " * 100 + "x" * 1000
    read = list(passages(text))

    assert max(map(len, read)) <= PASSAGE
    assert "One sentence." in read
    assert set(text.split()) - {"x" * 1000} <= {word for each in read for word in each.split()}
    assert "x" * PASSAGE in read
    assert ["hi"] == list(passages("hi"))
    assert [] == list(passages(" \n"))


def test_a_long_text_is_read_by_passages_alone():
    read = list(passages(" ".join(f"This is sentence {number}." for number in range(400))))

    assert len(read) < 400 * 25 // (PASSAGE // 2)
    assert "This is sentence 7." not in read
