"""The model `answers`: nothing of another partition, nothing unjudged, nothing that has gone."""

import asyncio
from base64 import b64decode
from dataclasses import replace

import pytest

from outgate.answers.earlier import packed
from outgate.answers.file import AnswerFile
from outgate.answers.questions import Compare, compare, nearest, written
from outgate.answers.service import NoJudgement
from outgate.model_server.embedders import Embedder
from support.cached import NOW, Asked, Clock, asked, entry, process, served_model, similar, unit

Q = b"q" * 32


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "answers.sqlite"


def ask(served, question):
    return asyncio.run(nearest(Asked(served), question))


def fill(path, *entries):
    with process(path) as one:
        for key, kept in entries:
            one.put(key, kept)
        assert one.flush()


def test_the_nearest_of_the_partition_is_found_with_what_was_said_of_it(path):
    fill(path, (b"a", entry(created=NOW - 7, similar=similar())), (b"b", entry(similar=similar(text="other"))))

    found = ask(served_model(path), asked())

    assert (True, "", b"a", 7.0) == (found.served, found.reason, found.key, found.age)
    assert 0.999 < found.similarity < 1.001
    assert found.similarity == found.score


class Encoder:
    """Vectors of its own; keeps what it embedded together."""

    def __init__(self):
        self.embedded = []

    def embed(self, texts):
        self.embedded.append(list(texts))
        return [unit(text) for text in texts]


def test_questions_without_a_vector_are_embedded_together_and_get_it_back(path):
    fill(path, (b"a", entry(similar=similar())))
    served, encoder = served_model(path), Encoder()
    served._encoder = {Embedder.packaged("fp32"): encoder}.__getitem__
    bare = [replace(asked(text), vector=b"") for text in ("how much is it", "not so")]
    items = [written("nearest", each) for each in (bare[0], asked(), bare[1])]
    one, known, other = served.run(items, Embedder.packaged("fp32").options)

    assert [["how much is it", "not so"]] == encoder.embedded
    assert [True, True, False] == [each["served"] for each in (one, known, other)]
    assert [unit("how much is it"), b"", unit("not so")] == [b64decode(each["vector"]) for each in (one, known, other)]


def test_without_a_judgement_nothing_is_served(path):
    fill(path, (b"a", entry(similar=similar())))

    found = ask(served_model(path, NoJudgement), asked())
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

    found = ask(served_model(path), asked(**changes))

    assert (False, reason) == (found.served, found.reason)


def test_what_is_written_and_removed_later_is_seen(path):
    served = served_model(path)
    before = ask(served, asked())
    fill(path, (b"a", entry(similar=similar())))
    between = ask(served, asked())
    with process(path, Clock(NOW + 1000)) as one:
        one.put(b"a", entry(b"again", created=NOW + 1000, similar=similar()))
        assert one.flush()
    after = ask(served, asked(now=NOW + 1000))

    assert [False, True, True] == [before.served, between.served, after.served]
    assert 0.0 == after.age


def compared(served, fresh="same", score=0.99, tenant="t", **calls):
    question = Compare(key=b"a", tenant=tenant, delta=0.005, score=score, stored="same", fresh=fresh, **calls)
    return asyncio.run(compare(Asked(served), question))


def break_bound(served, tenant="t", **how):
    replies = []
    while not replies or replies[-1].threshold is not None:
        replies.append(compared(served, "other", 1.0, tenant, **how))
    return replies


def test_wrong_hits_end_what_is_similar_for_their_tenant_alone_and_that_is_said_once(path, caplog):
    fill(path, (b"a", entry(similar=similar())))
    served = served_model(path)
    replies = break_bound(served)
    found, other = ask(served, asked()), ask(served, asked(tenant="u"))

    assert len(replies) < 20
    assert (False, "bound", "broken") == (found.served, found.reason, found.bound)
    assert (True, "calibrated") == (other.served, other.bound)
    assert ["no longer served"] == [record.getMessage()[-16:] for record in caplog.records]


def test_hits_after_a_reworded_history_are_judged_and_have_a_bound_of_their_own(path):
    kept = replace(similar(), history=packed(["Please go on."]))
    fill(path, (b"a", entry(similar=kept)))
    served = served_model(path)
    question, same = asked(history=packed(["Go on, please."])), asked(history=kept.history)
    before, exact, trap = (ask(served, each) for each in (question, same, asked(history=packed(["Please do not go on."]))))
    break_bound(served, reworded=True)
    after, still = ask(served, question), ask(served, same)

    assert [(True, True), (True, False)] == [(each.served, each.reworded) for each in (before, exact)]
    assert (False, "history") == (trap.served, trap.reason)
    assert (False, "bound", "broken") == (after.served, after.reason, after.bound)
    assert (True, "calibrated") == (still.served, still.bound)


def test_a_broken_bound_of_the_question_holds_for_a_reworded_history_too(path):
    fill(path, (b"a", entry(similar=replace(similar(), history=packed(["Please go on."])))))
    served = served_model(path)
    break_bound(served)

    assert "bound" == ask(served, asked(history=packed(["Go on, please."]))).reason


def test_a_broken_bound_outlives_the_process_and_the_file(path):
    fill(path, (b"a", entry(similar=similar())))
    first = served_model(path)
    break_bound(first)
    assert first.writer.flush()
    second = served_model(path)
    after_restart = ask(second, asked())
    AnswerFile(path).set_aside(0, "a test")
    ask(second, asked())
    assert second.writer.flush()
    fill(path, (b"a", entry(similar=similar())))

    assert ["bound"] * 2 == [each.reason for each in (after_restart, ask(served_model(path), asked()))]


def test_a_threshold_is_raised_where_wrong_hits_score_low(path):
    fill(path, (b"a", entry(similar=similar())))
    served = served_model(path)
    replies = [compared(served, "other", 0.93) for _ in range(10)]
    high = compared(served, score=1.0)

    assert 0.95 == replies[-1].threshold == high.threshold
    assert "raised" == high.bound
    assert 1 == sum(reply.changed for reply in replies)


def test_600_clean_comparisons_prove_the_bound(path):
    served = served_model(path)
    bounds = [compared(served, score=1.0).bound for _ in range(600)]

    assert ["calibrated"] * 597 == bounds[:597]
    assert "proven" == bounds[-1]


def test_answers_that_call_other_tools_are_different_whatever_they_say(path):
    assert [False, True] == [compared(served_model(path), same_calls=same).same for same in (False, True)]
