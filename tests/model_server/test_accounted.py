"""Questions of a stage to the model server are noted under its name, answered or not."""

import asyncio
from itertools import count

import pytest

from outgate.inference.spending import Spent, begin, spent
from outgate.model_server.accounted import AccountedModels
from outgate.model_server.wire import ModelServerDownError


class Models:
    async def ask(self, model, items, *, options=(), share=""):
        if model == "down":
            raise ModelServerDownError
        return [(model, options, share, item) for item in items]

    async def detect_pii(self, texts, entities, share=""):
        return [(entities, share, text) for text in texts]


def noted(work):
    async def exchange():
        begin()
        clock = count()
        try:
            found = await work(AccountedModels(Models(), "guard", lambda: float(next(clock))))
        except ModelServerDownError:
            found = None
        return found, spent()

    return asyncio.run(exchange())


def test_an_answer_is_passed_on_and_noted():
    found, account = noted(lambda models: models.ask("m", ["one"], options=("o",), share="s"))

    assert [("m", ("o",), "s", "one")] == found
    assert {"guard": Spent(1, 1, 3, 1.0)} == account


@pytest.mark.parametrize(("texts", "account"), [(["12", "345"], {"guard": Spent(1, 2, 5, 1.0)}), ([], {})])
def test_personal_data_is_asked_for_in_the_same_way(texts, account):
    assert ([(("E",), "s", text) for text in texts], account) == noted(lambda models: models.detect_pii(texts, ("E",), "s"))


def test_a_question_without_an_answer_has_been_spent_too():
    assert (None, {"guard": Spent(1, 1, 3, 1.0)}) == noted(lambda models: models.ask("down", ["one"]))
