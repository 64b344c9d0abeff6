"""embed: the redacted question alone becomes a vector, and whatever the model server does, nothing else fails."""

import asyncio
from base64 import b64encode

import pytest

from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.model_server.embedders import DEFAULT, Embedders
from outgate.model_server.wire import ModelServerDownError, ModelServerError
from outgate.pipeline.contract import May, OnError
from outgate.stages.embed import Embed, Reads
from outgate.stores.memo import Memo
from stages.cache.test_cache import TOOL, body, facts
from support.placeholders import placeholder

SETTINGS = CacheSettings(when="always", similar=SimilarSettings(mode="shadow"))
EMBEDDERS = Embedders({})


class Models:
    """Answers with what is given, or raises it."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def ask(self, model, items, *, options=(), share=""):
        self.asked.append((model, *items, options, share))
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer]


VECTOR = b64encode(b"vector").decode()


def embedded(given, answer=VECTOR, settings=SETTINGS):
    models = Models(answer)
    reads = Reads(given.prompt, given.tools, given.params, given.operation, given.principal)
    (vector,) = asyncio.run(Embed(settings, models, Memo(bytes(32)), EMBEDDERS).run(reads))
    return vector, models.asked


def test_the_question_is_embedded_with_readable_placeholders():
    given = facts(body(("system", "be brief"), ("user", "hello")))
    jane = placeholder("jane@x.example")
    given = given._replace(prompt=given.prompt.replace({1: f"mail {jane}"}))

    assert (b"vector", [("embed", "mail EMAIL_1", EMBEDDERS.named(DEFAULT).options, "t/w")]) == embedded(given)


@pytest.mark.parametrize("answer", [ModelServerDownError(), ModelServerError("busy"), None, 5, "no base64!", []])
def test_a_model_server_that_does_not_answer_gives_no_vector(answer):
    assert b"" == embedded(facts(), answer)[0]


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        (facts(), CacheSettings(when="always")),
        (facts(body(temperature=1)), CacheSettings(similar=SimilarSettings(mode="on"))),
        (facts(body(tools=[TOOL])), SETTINGS),
        (facts(body(("user", "x" * 1001))), SETTINGS),
    ],
)
def test_what_is_not_looked_up_is_not_embedded(given, settings):
    assert (None, []) == embedded(given, settings=settings)


def test_it_waits_within_a_limit_decides_nothing_and_may_fail():
    contract = Embed(SETTINGS, Models(None), Memo(bytes(32)), EMBEDDERS).contract

    assert (May.NOTHING, OnError.FALLBACK, (b"",), 1.5) == (contract.may, contract.on_error, contract.fallback, contract.limit)
    assert not {"model", "provider", "cache.key", "cache.partition"} & set(contract.reads)
