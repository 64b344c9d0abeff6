"""Poisoning the cache: answers that ended, but not well."""

from random import Random

import pytest

from outgate.dialects.registry import dialect
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.pipeline.plan import Answer
from outgate.stages.cache.record import Recording
from stages.cache.test_cache import DIFFERENT, cache, entry, facts
from support.sse import compact, event, named

OPENAI, ANTHROPIC = Operation("openai", Kind.CHAT), Operation("anthropic", Kind.CHAT)


def recorded(operation, raw, *, stream):
    recording = Recording(10_000)
    for one in dialect(operation.dialect).redecode(operation, stream, raw):
        recording.passed(one)
    return recording.body()


def openai_whole(reason):
    return compact({"choices": [{"index": 0, "message": {"role": "assistant", "content": "par"}, "finish_reason": reason}]})


def openai_stream(reason):
    chunk = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "par"}, "finish_reason": reason}]}
    return event(chunk) + b"data: [DONE]\n\n"


def anthropic_whole(reason):
    text = [{"type": "text", "text": "par"}]
    return compact({"type": "message", "role": "assistant", "content": text, "stop_reason": reason})


def anthropic_stream(reason):
    start = {"type": "message", "role": "assistant", "content": [], "stop_reason": None}
    return b"".join(
        [
            named("message_start", {"message": start}),
            named("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            named("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "par"}}),
            named("content_block_stop", {"index": 0}),
            named("message_delta", {"delta": {"stop_reason": reason}}),
            named("message_stop", {}),
        ]
    )


ANSWERS = [
    (OPENAI, openai_whole, "stop"),
    (OPENAI, openai_stream, "stop"),
    (ANTHROPIC, anthropic_whole, "end_turn"),
    (ANTHROPIC, anthropic_stream, "end_turn"),
]


@pytest.mark.parametrize("reason", [None, "", "abort", "error", "length", "max_tokens", "content_filter", "refusal", "pause_turn"])
@pytest.mark.parametrize(("operation", "answer", "_"), ANSWERS)
def test_an_answer_that_did_not_end_well_is_never_stored(operation, answer, _, reason):
    assert recorded(operation, answer(reason), stream=answer.__name__.endswith("stream")) is None


@pytest.mark.parametrize(("operation", "answer", "reason"), ANSWERS)
def test_the_same_answer_that_ended_well_is_stored(operation, answer, reason):
    assert recorded(operation, answer(reason), stream=answer.__name__.endswith("stream")) is not None


class Told:
    """A store that says which entry it gave last."""

    def __init__(self):
        self.entries = {}
        self.given = None

    def get(self, key, max_age):
        self.given = self.entries.get(key)
        return self.given


@pytest.mark.exhaustive
@pytest.mark.slow
def test_k2_no_tenant_ever_gets_an_answer_of_another():
    random, store = Random(2), Told()
    stage = cache(store, scope="tenant", tools=True)
    variants = [("plain", facts()), *DIFFERENT.items()]
    by_body = [(name, given) for name, given in variants if name not in {"tenant", "workload"}]
    tenants = [Principal(name="w", tenant=f"tenant-{number}") for number in range(50)]
    owners, cross, hits = {}, 0, 0
    for _ in range(100_000):
        name, given = random.choice(by_body)
        tenant = random.choice(tenants)
        result = stage.run(given._replace(principal=tenant))
        if isinstance(result, Answer) or store.given is not None:
            hits += 1
            cross += owners[id(store.given)] != (tenant.tenant, name)
        else:
            stored = entry()
            store.entries[result[0]] = stored
            owners[id(stored)] = (tenant.tenant, name)

    assert 0 == cross
    assert len(by_body) * 50 == len(owners)
    assert 100_000 - len(owners) == hits
