"""Phrases are embedded and fitted once; a model server that was away is asked again by the next who needs it."""

import asyncio

import pytest

from outgate.model_server.wire import ModelServerError
from outgate.routing.exemplars import Exemplars
from outgate.routing.topics import SemanticRule
from support.routed import CHAT, CODE, NONE, FakeModels, aio, vector

RULE = SemanticRule(names={"coder": CODE, "chat": {"talk": CHAT}}, none_of_these=NONE)


@aio
async def test_a_text_is_scored_for_the_name_whose_phrases_are_near():
    scorer = await Exemplars(RULE, FakeModels()).scorer()
    code, chat, none = (scorer.score(vector(text)) for text in ("debug my code please", "hello friend", "weather in peru"))

    assert ("coder", "chat") == (code.name, chat.name)
    assert ("chat", "talk") == chat.nearest[0][:2]
    assert min(code.score, chat.score) > 0.35 > none.score


@aio
async def test_without_phrases_of_none_what_is_far_from_all_scores_low():
    scorer = await Exemplars(SemanticRule(names={"coder": CODE, "chat": CHAT}), FakeModels()).scorer()

    assert scorer.score(vector("debug my code")).score > 0.35 > scorer.score(vector("weather in peru")).score


@aio
async def test_requests_wait_for_the_same_work():
    models = FakeModels()
    exemplars = Exemplars(RULE, models)

    first, second = await asyncio.gather(exemplars.scorer(), exemplars.scorer())

    assert first is second is await exemplars.scorer()
    assert {"embed": len(CODE + CHAT + NONE), "topics": 1} == models.asked


@aio
async def test_who_stops_waiting_does_not_end_the_work():
    exemplars = Exemplars(RULE, FakeModels())
    impatient = asyncio.ensure_future(exemplars.scorer())
    await asyncio.sleep(0)
    impatient.cancel()

    assert "coder" == (await exemplars.scorer()).score(vector("code")).name


@aio
async def test_what_failed_is_begun_anew():
    models = FakeModels()
    exemplars, models.down = Exemplars(RULE, models), True
    with pytest.raises(ModelServerError):
        await exemplars.scorer()

    models.down = False

    assert "coder" == (await exemplars.scorer()).score(vector("code")).name
