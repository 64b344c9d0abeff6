"""The model `answers`: nothing of another partition, nothing unjudged, nothing that has gone."""

import asyncio
from typing import NamedTuple

import pytest

from outgate.answers.index import Index
from outgate.answers.questions import Nearest, nearest
from outgate.answers.service import AnswersModel, NoJudgement, Verdict
from support.cached import DIMENSION, NOW, Clock, entry, process, reader, similar, unit

P, Q = b"p" * 32, b"q" * 32


class Asked(NamedTuple):
    """A model server of one model, in this process."""

    model: AnswersModel

    async def ask(self, model, items, *, options=(), share=""):
        assert "answers" == model
        jobs = [self.model.split(item) for item in items]
        return [self.model.merge(job, self.model.run(job.pieces, options)) for job in jobs]


class Agreeing:
    """Serves what is not vetoed: the veto is a word."""

    version = "test"

    def judge(self, asked, stored, similarity):
        if ("not" in asked) != ("not" in stored):
            return Verdict(served=False, score=None, vetoes=("negation",))
        return Verdict(served=similarity > 0.9, score=similarity, vetoes=())

    def same_answer(self, a, b):
        return a == b


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


def model(path, judgement=Agreeing):
    rows = reader(path)
    return AnswersModel(rows, lambda: Index(rows.rows, DIMENSION), judgement)


def asked(text="how much is it", vector=None, partition=P, encoder="e1", **changes):
    given = {"threshold": 0.8, "delta": 0.005, "max_age": 100.0, "now": NOW, "tenant": "t"} | changes
    return Nearest(partition=partition, text=text, vector=vector or unit(text), encoder=encoder, **given)


def ask(served, question):
    return asyncio.run(nearest(Asked(served), question))


def fill(path, *entries):
    with process(path) as one:
        for key, kept in entries:
            one.put(key, kept)
        assert one.flush()


def test_the_nearest_of_the_partition_is_found_with_what_was_said_of_it(path):
    fill(path, (b"a", entry(created=NOW - 7, similar=similar())), (b"b", entry(similar=similar(text="other"))))

    found = ask(model(path), asked())

    assert (True, "", b"a", 7.0) == (found.served, found.reason, found.key, found.age)
    assert 0.999 < found.similarity < 1.001
    assert found.similarity == found.score


def test_without_a_judgement_nothing_is_served(path):
    fill(path, (b"a", entry(similar=similar())))

    found = ask(model(path, NoJudgement), asked())
    assert (False, "unverified", b"a") == (found.served, found.reason, found.key)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"partition": Q}, "none"),
        ({"encoder": "e2"}, "none"),
        ({"now": NOW + 100}, "none"),
        ({"now": NOW - 100}, "none"),
        ({"vector": unit("far")}, "far"),
        ({"text": "not so", "vector": unit("how much is it")}, "vetoed"),
        ({"vector": b"short"}, "none"),
    ],
)
def test_what_is_not_meant_is_not_served(path, changes, reason):
    fill(path, (b"a", entry(similar=similar())))

    found = ask(model(path), asked(**changes))

    assert (False, reason) == (found.served, found.reason)


def test_what_is_written_and_removed_later_is_seen(path):
    served = model(path)
    before = ask(served, asked())
    fill(path, (b"a", entry(similar=similar())))
    between = ask(served, asked())
    with process(path, Clock(NOW + 1000)) as one:
        one.put(b"a", entry(b"again", created=NOW + 1000, similar=similar()))
        assert one.flush()
    after = ask(served, asked(now=NOW + 1000))

    assert [False, True, True] == [before.served, between.served, after.served]
    assert 0.0 == after.age
