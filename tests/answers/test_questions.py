"""Questions to the model `answers` and its replies."""

import asyncio

import pytest

from outgate.answers.questions import Compare, Nearest, compare, nearest, read, written
from outgate.model_server.wire import ModelServerError

QUESTION = Nearest(
    partition=b"\0\xff" * 16,
    tenant="t",
    text="a\ud800b",
    vector=bytes(8),
    encoder="e",
    threshold=0.9,
    delta=0.005,
    max_age=1.0,
    now=2.0,
)
COMPARISON = Compare(key=b"\1" * 32, tenant="t", delta=0.01, score=0.9, stored="a", fresh="b")


class Says:
    def __init__(self, reply):
        self.reply = reply

    async def ask(self, model, items, *, options=(), share=""):
        return [self.reply]


def test_a_question_is_read_as_it_was_written():
    assert COMPARISON == read(written("compare", COMPARISON))
    assert "a?b" == read(written("nearest", QUESTION)).text


@pytest.mark.parametrize("reply", [None, [], {}, {"key": "x"}, {"key": 1, "vetoes": [], "served": True, "reason": ""}])
def test_another_reply_is_an_error_of_protocol(reply):
    for ask, question in ((nearest, QUESTION), (compare, COMPARISON)):
        with pytest.raises(ModelServerError, match="protocol"):
            asyncio.run(ask(Says(reply), question))


def test_what_callers_said_is_not_shown():
    assert "a\ud800b" not in repr(QUESTION)
    assert "stored" not in repr(COMPARISON)
