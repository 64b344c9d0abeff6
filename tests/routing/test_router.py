"""Rules decide in their order; the model server is asked only where a rule needs it."""

import pytest

from outgate.inference.principal import Principal
from outgate.model_server.wire import ModelServerError
from outgate.routing.conditions import Size
from outgate.routing.router import Question, Router
from outgate.routing.rules import RouteSettings
from outgate.stores.memo import Memo
from support.routed import CHAT, CODE, NONE, FakeModels, aio

SEMANTIC = {"semantic": {"names": {"coder": CODE, "chat": CHAT}, "none_of_these": NONE}}


def question(text, *, tools=False, tokens=10):
    return Question(text, Size(tools=tools, media=False, input_tokens=tokens, output_tokens=0), Principal(name="agent"), None)


def router(*rules, models=None):
    return Router(RouteSettings.model_validate({"rules": list(rules)}).rules, models or FakeModels(), Memo(bytes(32)), lambda _: ())


@aio
async def test_the_first_rule_that_decides_is_taken():
    rules = router({"when": {"input_tokens": 1000}, "to": "long"}, SEMANTIC, {"to": "other"})

    decided = [
        await rules.decide(each)
        for each in (question("debug my code", tokens=5000), question("debug my code"), question("weather in peru"))
    ]

    assert [("long", "rule", 0), ("coder", "semantic", 1), ("other", "rule", 2)] == [(d.name, d.method, d.rule) for d in decided]


@aio
async def test_a_last_rule_tells_what_the_rule_before_it_could_not_decide():
    decided = await router(SEMANTIC, {"to": "other"}).decide(question("weather in peru"))

    assert decided.score < 0.35
    assert 3 == len(decided.nearest)
    assert {"coder", "chat"} == {name for name, _ in decided.scores}


@aio
async def test_where_no_rule_decides_there_is_no_name():
    assert ("", "semantic") == ((found := await router(SEMANTIC).decide(question("weather in peru"))).name, found.method)
    assert ("", "none") == ((found := await router({"when": {"tools": True}, "to": "a"}).decide(question("hi"))).name, found.method)


@aio
async def test_two_names_that_are_as_likely_are_not_told_apart():
    shared = ("do this thing now", "please do this thing", "this thing again", "that thing now", "do it now")
    rule = {"semantic": {"names": {"one": shared, "two": tuple(f"{each} " for each in shared)}, "threshold": -1}}

    assert "" == (await router(rule).decide(question("do this thing now"))).name


@aio
async def test_the_model_server_is_asked_only_where_a_rule_needs_it():
    models = FakeModels()
    rules = router({"when": {"tools": True}, "to": "agent"}, SEMANTIC, models=models)
    models.down = True

    assert "agent" == (await rules.decide(question("debug my code", tools=True))).name
    with pytest.raises(ModelServerError):
        await rules.decide(question("debug my code"))


@aio
async def test_a_request_without_words_is_decided_by_what_follows():
    assert (
        "other" == (await router(SEMANTIC, {"difficulty": {"hard": "h", "easy": "e"}}, {"to": "other"}).decide(question(" "))).name
    )


@aio
async def test_difficulty_always_decides():
    hard = await router({"difficulty": {"hard": "careful", "easy": "fast", "threshold": 0.0}}).decide(question("prove it"))
    easy = await router({"difficulty": {"hard": "careful", "easy": "fast", "threshold": 1.0}}).decide(question("prove it"))

    assert ("careful", "fast") == (hard.name, easy.name)
    assert 0 < hard.score == easy.score < 1
