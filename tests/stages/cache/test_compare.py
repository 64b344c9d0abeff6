"""cache_compare: which two texts are compared, and when none are."""

import asyncio
from dataclasses import asdict, replace

import pytest

from outgate.answers import questions
from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.detectors.pii.canonical import Names
from outgate.dialects.registry import dialect
from outgate.inference.cached import Candidate
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Form
from outgate.inference.principal import Principal
from outgate.model_server.wire import ModelServerError
from outgate.stages.cache.compare import CacheCompare, Reads, said
from outgate.stores.answers import MemoryAnswers
from stages.cache.test_cache import WHOLE, Counted, entry
from support.placeholders import placeholder
from support.sse import named

KEY, JANE = b"k" * 32, placeholder("jane@x.example")


class Models:
    """Says that everything is the same."""

    def __init__(self):
        self.asked = []

    async def ask(self, model, items, *, options=(), share=""):
        self.asked.append(questions.read(items[0]))
        return [SAME]


SAME = asdict(questions.Compared(same=True, bound="calibrated", changed=False, threshold=0.9, comparisons=1, wrong=0))


class Recording:
    def __init__(self, body):
        self._body = body

    def body(self):
        return self._body


def facts(**changed):
    fields = {
        "r_client": True,
        "cache_candidate": Candidate(KEY, 0.98),
        "cache_names": Names.of([JANE]),
        "cache_recording": Recording(WHOLE % f"ask {JANE}".encode()),
        "outcome": "answered",
        "operation": Operation("openai", Kind.CHAT),
        "answer_form": Form(),
        "principal": Principal(name="w", tenant="t"),
    }
    return Reads(**(fields | changed))


def run(given, *, tenant="t"):
    answers, models, counted = MemoryAnswers(lambda: 0.0), Models(), Counted()
    answers.put(KEY, replace(entry(b"write to EMAIL_cbbbbbbbbbbb"), tenant=tenant))
    stage = CacheCompare(CacheSettings(similar=SimilarSettings(mode="shadow", delta=0.01)), answers, models, counted)

    async def compared():
        (begun,) = stage.run(given)
        await stage.ended()
        return begun

    return asyncio.run(compared()), models.asked, counted


def test_what_was_kept_and_what_is_fresh_are_compared_by_the_same_names():
    begun, (question,), counted = run(facts())

    assert ("write to EMAIL_cbbbbbbbbbbb", "ask EMAIL_cbbbbbbbbbbb") == (question.stored, question.fresh)
    assert (KEY, "t", 0.01, 0.98) == (question.key, question.tenant, question.delta, question.score)
    assert begun
    assert [("outgate_cache_comparisons_total", "same", "calibrated")] == counted


@pytest.mark.parametrize(
    "changed",
    [
        {"cache_candidate": None},
        {"cache_recording": None},
        {"cache_recording": Recording(None)},
        {"cache_recording": Recording(WHOLE % placeholder("john@x.example").encode())},
        {"cache_candidate": Candidate(b"x" * 32, 0.98)},
        {"outcome": "denied"},
        {"outcome": "failed"},
        {"principal": None},
    ],
)
def test_nothing_else_is_compared(changed):
    assert (False, [], []) == run(facts(**changed))


def test_an_answer_of_another_tenant_is_not_compared():
    assert (False, [], []) == run(facts(), tenant="t2")


def test_reasoning_and_what_is_told_twice_is_not_what_was_said():
    start = {"type": "message", "role": "assistant", "content": [], "stop_reason": None}
    raw = b"".join(
        [
            named("message_start", {"message": start}),
            named("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            named("content_block_delta", {"index": 0, "delta": {"type": "thinking_delta", "thinking": "hmm"}}),
            named("content_block_stop", {"index": 0}),
            named("content_block_start", {"index": 1, "content_block": {"type": "text", "text": ""}}),
            named("content_block_delta", {"index": 1, "delta": {"type": "text_delta", "text": "Par"}}),
            named("content_block_delta", {"index": 1, "delta": {"type": "text_delta", "text": "is."}}),
            named("content_block_stop", {"index": 1}),
            named("message_delta", {"delta": {"stop_reason": "end_turn"}}),
            named("message_stop", {}),
        ]
    )

    assert "Paris." == said(dialect("anthropic").redecode(Operation("anthropic", Kind.CHAT), True, raw))


class Never(Models):
    async def ask(self, model, items, *, options=(), share=""):
        self.asked.append(items)
        await asyncio.Event().wait()


class Down(Models):
    async def ask(self, model, items, *, options=(), share=""):
        raise ModelServerError("down")


def comparing(models):
    answers, counted = MemoryAnswers(lambda: 0.0), Counted()
    answers.put(KEY, replace(entry(b"hi"), tenant="t"))
    return CacheCompare(CacheSettings(), answers, models, counted), counted


def test_a_model_server_that_fails_is_counted():
    stage, counted = comparing(Down())

    async def compared():
        stage.run(facts())
        await stage.ended()

    asyncio.run(compared())
    assert [("outgate_cache_comparisons_total", "failed", "")] == counted


def test_comparisons_that_do_not_end_are_few_and_end_with_their_policy():
    stage, counted = comparing(models := Never())

    async def compared():
        begun = [stage.run(facts())[0] for _ in range(100)]
        await asyncio.sleep(0)
        await stage.stop()
        return begun

    assert 64 == sum(asyncio.run(compared())) == len(models.asked)
    assert [] == counted


CALLING = (
    b'{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"%s","type":"function",'
    b'"function":{"name":"f","arguments":"%s"}}]},"finish_reason":"tool_calls"}]}'
)


@pytest.mark.parametrize(("fresh", "same"), [(WHOLE % b"write to EMAIL_cbbbbbbbbbbb", True), (CALLING % (b"1", b"{}"), False)])
def test_answers_that_call_otherwise_are_different_whatever_they_say(fresh, same):
    _, (question,), _ = run(
        facts(cache_names=Names.of([JANE]), cache_recording=Recording(fresh.replace(b"EMAIL_cbbbbbbbbbbb", JANE.encode())))
    )

    assert same == question.same_calls
