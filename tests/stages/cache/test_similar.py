"""cache_similar: what is given, to whom, what is only told, and that every failure is a miss."""

import asyncio
from dataclasses import replace

import pytest

from outgate.answers import questions
from outgate.answers.keys import Partition
from outgate.answers.questions import Found
from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.detectors.pii.canonical import Names
from outgate.inference.cached import CacheStatus, Candidate
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.model_server.embedders import DEFAULT, Embedders
from outgate.model_server.wire import ModelServerDownError, ModelServerError
from outgate.net.cache_control import CacheControl
from outgate.pipeline.contract import May, OnError
from outgate.pipeline.plan import Answer
from outgate.stages.cache.similar import CacheSimilar, Reads
from outgate.stores.answers import MemoryAnswers
from outgate.stores.memo import Memo
from stages.cache.test_cache import Counted, entry, events_of
from support.placeholders import placeholder

KEY, EMBEDDERS = b"k" * 32, Embedders({})
FOUND = Found(served=True, reason="", key=KEY, similarity=0.93, score=0.99, age=4.0, entry="req_0")
JANE = placeholder("jane@x.example")
FACTS = Reads(
    cache_partition=Partition(b"p" * 32, "how are you?"),
    prompt_vector=b"v",
    cache_names=Names(()),
    cache_control=None,
    principal=Principal(name="w", tenant="t"),
    operation=Operation("openai", Kind.CHAT),
    params=Params(),
    exchange_id="req_1",
)


class Models:
    """Gives what is found, or raises it; keeps what it was asked."""

    def __init__(self, found=FOUND):
        self.found, self.asked = found, []

    async def ask(self, model, items, *, options=(), share=""):
        if model == "embed":
            self.asked.append((model, *items, options))
            return [questions.b64encode(b"e").decode()]
        self.asked.append((model, questions.read(items[0]), share))
        if isinstance(self.found, BaseException):
            raise self.found
        if self.found == "late":
            await asyncio.sleep(60)
        return [self.found if not isinstance(self.found, Found) else _written(self.found)]


def _written(found):
    fields = {name: getattr(found, name) for name in found.__slots__}
    coded = {"key": questions.b64encode(found.key).decode() if found.key else None}
    return fields | coded | {"vector": questions.b64encode(found.vector).decode()}


def stage(models=None, *, kept=None, counted=None, **similar):
    answers = MemoryAnswers(lambda: 10.0)
    kept = replace(entry(), created=6.0, tenant="t") if kept is None else kept
    answers.put(KEY, kept)
    settings = CacheSettings(when="always", max_age=100.0, similar=SimilarSettings(**({"mode": "on", "sample": 0.0} | similar)))
    counted, memo = Counted() if counted is None else counted, Memo(bytes(32))
    return CacheSimilar(settings, answers, models or Models(), memo, EMBEDDERS, counted, lambda: 10.0)


def run(given, **changed):
    return asyncio.run(given.run(FACTS._replace(**changed)))


def test_a_verified_candidate_is_given_and_says_how_near_it_is():
    counted = Counted()
    answer = run(stage(counted=counted))
    status = CacheStatus("similar", "hit", "", 4.0, 0.93, 0.99, "req_0")

    assert isinstance(answer, Answer)
    assert ("cache", (status, None, b"v")) == (answer.source, answer.outputs)
    assert "outgate; hit; ttl=96; detail=similar; similarity=0.930; score=0.990" == answer.headers.get("cache-status")
    assert "4" == answer.headers.get("age")
    assert "hi" == asyncio.run(events_of(answer))[0].texts[0].text
    assert [("outgate_cache_lookups_total", "similar", "hit")] == counted


def test_the_model_server_is_asked_within_the_partition_and_by_tenant():
    models = Models()
    run(stage(models, threshold=0.7, delta=0.01))
    ((model, question, share),) = models.asked

    assert ("answers", "t") == (model, share)
    assert (b"p" * 32, "t", "how are you?", b"v", 0.7, 0.01, 100.0, 10.0, EMBEDDERS.named(DEFAULT).version) == (
        question.partition, question.tenant, question.text, question.vector, question.threshold, question.delta,
        question.max_age, question.now, question.encoder,
    )  # fmt: skip


NOT_GIVEN = {
    "none": (Found(served=False, reason="none"), {}),
    "far": (replace(FOUND, served=False, reason="far", score=None), {}),
    "below": (replace(FOUND, served=False, reason="below"), {}),
    "no key": (replace(FOUND, key=None), {}),
    "gone": (replace(FOUND, key=b"x" * 32), {}),
    "another tenant's": (FOUND, {"kept": replace(entry(), created=6.0, tenant="t2")}),
    "broken": (FOUND, {"kept": replace(entry(), created=6.0, tenant="t", body=b"{broken")}),
    "too old": (FOUND, {"kept": replace(entry(), created=-90.0, tenant="t")}),
}


@pytest.mark.parametrize("name", NOT_GIVEN)
def test_nothing_else_is_given(name):
    found, given = NOT_GIVEN[name]
    status, candidate, _ = run(stage(Models(found), **given))

    assert ("miss", None) == (status.result, candidate)


REFUSED = {
    "a check": (replace(FOUND, served=False, reason="vetoed", score=None, vetoes=("negation",)), "vetoed", ("negation",), None),
    "a surety": (replace(FOUND, served=False, reason="below", score=0.9, needed=0.97), "below", (), 0.97),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_miss_says_which_entry_was_near_and_what_refused_it(name):
    found, reason, checks, needed = REFUSED[name]
    status, *_ = run(stage(Models(found)))

    assert ("miss", reason, "req_0", checks, needed) == (status.result, status.reason, status.entry, status.checks, status.needed)


def test_an_answer_that_names_a_placeholder_the_caller_has_not_is_not_given():
    kept = replace(entry(b"to EMAIL_cbbbbbbbbbbb"), created=6.0, tenant="t")
    hers = run(stage(kept=kept), cache_names=Names.of([JANE]))
    status, *_ = run(stage(kept=kept), cache_names=Names.of([placeholder("+49 30 1", "PHONE_NUMBER")]))

    assert f"to {JANE}" == asyncio.run(events_of(hers))[0].texts[0].text
    assert ("miss", "placeholders") == (status.result, status.reason)


@pytest.mark.parametrize("failure", [ModelServerDownError(), ModelServerError("busy"), "late", {"nonsense": 1}, None, 5])
def test_a_model_server_that_fails_is_a_miss_and_no_more(failure):
    status, candidate, _ = run(stage(Models(failure), limit=0.01))

    assert ("failed", None) == (status.result, candidate)


def test_one_question_embeds_and_looks_up_and_no_text_is_embedded_twice():
    models = Models(replace(FOUND, served=False, reason="below", vector=b"e"))
    given = stage(models)
    *_, first = run(given, prompt_vector=None)
    *_, again = run(given, prompt_vector=None, cache_partition=Partition(b"q" * 32, "how are you?"))
    run(given, prompt_vector=None, cache_partition=Partition(b"q" * 32, "who are you?"))

    assert [b"e", b"e"] == [first, again]
    assert [("answers", b""), ("answers", b"e"), ("answers", b"")] == [(model, each.vector) for model, each, _ in models.asked]


def test_where_the_question_was_not_embedded_in_time_nobody_waits_again():
    models = Models()
    status, *_ = run(stage(models), prompt_vector=b"")

    assert ("failed", []) == (status.result, models.asked)


def test_what_is_only_kept_is_embedded_alone():
    models = Models()
    status, _, vector = run(stage(models), prompt_vector=None, cache_control=CacheControl(no_cache=True))

    assert ("bypass", b"e") == (status.result, vector)
    assert [("embed", "how are you?", EMBEDDERS.named(DEFAULT).options)] == models.asked


def test_a_model_server_that_is_late_is_told_once_and_in_plain_words(caplog):
    models = Models("late")
    given = stage(models, limit=0.01)
    run(given), run(given)
    models.found = FOUND
    run(given)
    models.found = "late"
    run(given)

    assert 2 == len(caplog.records)
    assert {"WARNING"} == {each.levelname for each in caplog.records}
    assert "does not answer within 0.01 s" in caplog.text


def test_what_is_no_question_is_not_looked_up():
    models = Models()
    status, *_ = run(stage(models), cache_partition=None)

    assert ("uncacheable", []) == (status.result, models.asked)


def test_what_its_caller_wants_neither_looked_up_nor_kept_is_bypassed_as_in_the_exact_tier():
    status, *_ = run(stage(), cache_partition=None, cache_control=CacheControl(no_store=True))

    assert "bypass" == status.result


def test_shadow_mode_tells_and_gives_nothing():
    status, candidate, _ = run(stage(mode="shadow"))

    assert CacheStatus("similar", "shadow", "", 4.0, 0.93, 0.99, "req_0") == status
    assert Candidate(KEY, 0.99) == candidate


def test_a_share_of_hits_is_asked_of_the_provider_and_always_the_same():
    given = stage(sample=0.2)
    results = [isinstance(run(given, exchange_id=f"req_{number}"), Answer) for number in range(500)]

    assert results == [isinstance(run(given, exchange_id=f"req_{number}"), Answer) for number in range(500)]
    assert 0.7 < sum(results) / 500 < 0.9
    assert ("sampled", Candidate(KEY, 0.99)) == ((sampled := run(stage(sample=1.0)))[0].result, sampled[1])


@pytest.mark.parametrize(
    ("wishes", "result"),
    [
        (CacheControl(no_cache=True), "bypass"),
        (CacheControl(max_age=3.0), "miss"),
        (CacheControl(max_age=4.0), "hit"),
        (CacheControl(only_if_cached=True), "hit"),
        (CacheControl(only_if_cached=True, max_age=3.0), "miss"),
    ],
)
def test_the_caller_is_given_what_its_cache_control_takes(wishes, result):
    given = run(stage(sample=0.0), cache_control=wishes)

    assert result == ("hit" if isinstance(given, Answer) else given[0].result)


def test_its_failure_lets_the_request_go_on():
    contract = stage().contract

    assert (May.RESPOND, OnError.FALLBACK) == (contract.may, contract.on_error)
    assert (CacheStatus("similar", "failed"), None, b"") == contract.fallback
