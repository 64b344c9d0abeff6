import asyncio
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE
from outgate.inference.cached import CacheStatus
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.pipeline.checks import KEY_READS
from outgate.pipeline.contract import May
from outgate.pipeline.plan import Answer
from outgate.stages.cache import Cache, Reads
from outgate.stores.answers import CachedAnswer, MemoryAnswers
from support.wire_bodies import Spoken

CHAT, PATH, EMBEDDINGS = Operation("openai", Kind.CHAT), "/v1/chat/completions", Operation("openai", Kind.EMBEDDINGS)
CLAUDE = Operation("anthropic", Kind.CHAT)
WHOLE = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}]}'
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def body(*messages, **members):
    said = [{"role": role, "content": text} for role, text in messages] or [{"role": "user", "content": "hello"}]
    return orjson.dumps({"model": "m", "messages": said, "temperature": 0, **members})


def facts(raw=None, *, tenant="t", workload="w", model="m", provider="p", at=("d:443", PATH), operation=CHAT, rules="r1"):
    request = Spoken(operation.dialect).decode(operation, raw or body())
    principal = Principal(name=workload, tenant=tenant)
    given = (request.prompt, request.tools, request.params, model, provider, (), principal, *at, operation, rules)
    return Reads(*given)


class Counted(list):
    def add(self, name, labels):
        self.append((name, *labels))


def cache(answers=None, counted=None, **settings):
    counted = Counted() if counted is None else counted
    return Cache(CacheSettings(**settings), MemoryAnswers(lambda: 0.0) if answers is None else answers, counted, lambda: 12.0)


def key_of(given, stage=None):
    result = (stage or cache()).run(given)
    assert not isinstance(result, Answer)
    return result[0]


def entry(text=b"hi"):
    return CachedAnswer(status=200, content_type="application/json", body=WHOLE % text, usage=None, created=0.0, revision="r1")


async def events_of(answer):
    return [event async for ready in answer.stream.source for event in ready]


def test_a_first_request_is_a_miss_with_a_key():
    assert 32 == len(key_of(facts()))


def test_every_look_up_is_counted_by_its_result():
    answers, counted = MemoryAnswers(lambda: 0.0), Counted()
    stage = cache(answers, counted)
    answers.put(key_of(facts(), stage), entry())
    stage.run(facts())
    stage.run(facts(body(temperature=0.5)))

    assert [("outgate_cache_lookups_total", "exact", result) for result in ("miss", "hit", "uncacheable")] == counted


def test_the_same_request_is_answered_with_what_was_stored():
    answers = MemoryAnswers(lambda: 0.0)
    stage = cache(answers)
    key = key_of(facts(), stage)
    answers.put(key, entry())
    answer = stage.run(facts())

    assert isinstance(answer, Answer)
    assert (200, "cache", (key, NONE, CacheStatus("exact", "hit", age=12.0), None)) == (
        answer.status,
        answer.source,
        answer.outputs,
    )
    assert {
        "content-type": "application/json",
        "cache-status": "outgate; hit; ttl=3588; detail=exact",
        "age": "12",
    } == dict(answer.headers)
    assert WHOLE % b"hi" == b"".join(event.encode() for event in asyncio.run(events_of(answer)))


CHUNK = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%d"},"finish_reason":null}]}\n\n'


def test_the_events_of_a_replay_are_ready_together_and_its_source_can_be_closed():
    answers = MemoryAnswers(lambda: 0.0)
    stage = cache(answers)
    given = facts(body(stream=True))
    chunks = [CHUNK % number for number in range(5)]
    end = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    raw = b"".join(chunks) + end
    answers.put(key_of(given, stage), replace(entry(), body=raw))
    answer = stage.run(given)

    async def drained():
        parts = [ready async for ready in answer.stream.source]
        await answer.stream.source.aclose()
        return parts

    (ready,) = asyncio.run(drained())
    assert raw == b"".join(event.encode() for event in ready)


def test_an_entry_that_is_no_answer_of_the_dialect_is_a_miss():
    answers = MemoryAnswers(lambda: 0.0)
    stage = cache(answers)
    key = key_of(facts(), stage)
    answers.put(key, CachedAnswer(status=200, content_type="application/json", body=b"{broken", usage=None, created=0, revision=""))

    assert (key, NONE, CacheStatus("exact", "miss"), None) == stage.run(facts())


DIFFERENT = {
    "tenant": facts(tenant="t2"),
    "workload": facts(workload="w2"),
    "model (A03)": facts(model="m2"),
    "provider": facts(provider="p2"),
    "no provider": facts(provider=None),
    "destination": facts(at=("e:443", PATH)),
    "API version": facts(at=("d:443", PATH + "?api-version=2025-01-01")),
    "policy revision (A39)": facts(rules="r2"),
    "text": facts(body(("user", "Hello"))),
    "a space": facts(body(("user", "hello "))),
    "composed and decomposed": facts(body(("user", "h\u00e9llo"))),
    "decomposed": facts(body(("user", "he\u0301llo"))),
    "system prompt": facts(body(("system", "be brief"), ("user", "hello"))),
    "role": facts(body(("assistant", "hello"))),
    "another turn": facts(body(("user", "hello"), ("user", "hello"))),
    "text moved between turns": facts(body(("user", "hel"), ("user", "lo"))),
    "text moved the other way": facts(body(("user", "hell"), ("user", "o"))),
    "empty turn": facts(body(("user", "hello"), ("user", ""))),
    "parts instead of a string": facts(orjson.dumps({
        "model": "m", "temperature": 0, "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]})),
    "top_p": facts(body(top_p=0.5)),
    "max_tokens": facts(body(max_tokens=5)),
    "seed": facts(body(seed=1)),
    "stop": facts(body(stop=["x"])),
    "stream": facts(body(stream=True)),
    "stream with usage": facts(body(stream=True, stream_options={"include_usage": True})),
    "a member nobody knows": facts(body(frobnicate=1)),
    "its other value": facts(body(frobnicate=True)),
    "its text": facts(body(frobnicate="1")),
    "user": facts(body(user="u1")),
    "other user": facts(body(user="u2")),
    "tools": facts(body(tools=[TOOL])),
    "other tools": facts(body(tools=[{**TOOL, "function": {"name": "g", "parameters": {}}}])),
    "dialect": facts(orjson.dumps({"model": "m", "max_tokens": 5, "temperature": 0,
        "messages": [{"role": "user", "content": "hello"}]}), operation=CLAUDE),
    "kind": facts(b'{"model":"m","input":"hello"}', operation=EMBEDDINGS),
}  # fmt: skip


def test_every_difference_is_a_different_key():
    stage = cache(tools=True)
    keys = {name: key_of(given, stage) for name, given in DIFFERENT.items()} | {"plain": key_of(facts(), stage)}

    assert None not in keys.values()
    assert len(keys) == len(set(keys.values()))


def test_the_spelling_of_the_json_is_no_difference():
    spaced = b'{ "temperature":0, "messages":[ {"content":"hello","role":"user"} ], "model":"other" }'

    assert key_of(facts()) == key_of(facts(spaced))


def test_workloads_of_a_tenant_share_where_policy_says_so_and_tenants_never():
    stage = cache(scope="tenant")

    assert key_of(facts(workload="a"), stage) == key_of(facts(workload="b"), stage)
    assert key_of(facts(tenant="a"), stage) != key_of(facts(tenant="b"), stage)


@pytest.mark.parametrize(
    "raw",
    [
        body(temperature=0.2),
        body(temperature=None),
        body(n=2),
        body(tools=[TOOL]),
        body(store=True),
        orjson.dumps({"model": "m", "temperature": 0, "messages": [{"role": "tool", "tool_call_id": "1", "content": "42"}]}),
        orjson.dumps({"model": "m", "temperature": 0, "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]}]}),
    ],
)  # fmt: skip
def test_what_may_not_be_repeated_has_no_key(raw):
    assert key_of(facts(raw)) is None


def test_what_has_no_key_is_not_even_looked_up():
    class Untouchable:
        def get(self, key):
            raise AssertionError("looked up")

    assert (None, NONE, CacheStatus("exact", "uncacheable"), None) == cache(Untouchable()).run(facts(body(temperature=1)))


def test_policy_may_repeat_what_providers_would_vary():
    assert key_of(facts(body(temperature=1)), cache(when="always")) is not None


def test_policy_may_cache_requests_with_tools():
    assert key_of(facts(body(tools=[TOOL])), cache(tools=True)) is not None


@pytest.mark.parametrize("setting", [{"when": "always"}, {"tools": True}, {"scope": "tenant"}])
def test_no_setting_caches_state_at_the_provider_or_parts_nobody_judged(setting):
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    unjudged = orjson.dumps({"model": "m", "temperature": 0, "messages": [{"role": "user", "content": [image]}]})

    assert key_of(facts(unjudged), cache(**setting)) is None
    assert key_of(facts(body(store=True)), cache(**setting)) is None


def test_embeddings_are_deterministic_without_a_temperature():
    assert key_of(facts(b'{"model":"m","input":"hello"}', operation=EMBEDDINGS)) is not None


def test_other_operations_are_never_cached():
    assert key_of(facts(operation=CHAT)._replace(operation=Operation("openai", Kind.OPAQUE)), cache(when="always")) is None


def test_the_contract_reads_all_that_an_answer_depends_on():
    contract = cache().contract

    assert {*KEY_READS, "headers.out"} < set(contract.reads)
    assert ("policy.rules",) == contract.outside
    assert (May.RESPOND, ("cache.key", "cache.names", "cache.status", "cache.partition")) == (
        contract.may,
        contract.writes,
    )
    assert ("cache_control", "cache_join", "cache_record", "cache_write") == Cache.companions


@given(
    first=st.lists(st.text(max_size=6), min_size=1, max_size=5),
    second=st.lists(st.text(max_size=6), min_size=1, max_size=5),
)
def test_texts_share_a_key_only_if_they_are_the_same(first, second):
    keys = [key_of(facts(body(*(("user", text) for text in texts)))) for texts in (first, second)]

    assert (first == second) == (keys[0] == keys[1])


@given(names=st.lists(st.text(max_size=4), min_size=8, max_size=8))
def test_names_cannot_run_into_each_other(names):
    first = facts(tenant=names[0], workload=names[1], model=names[2], provider=names[3])
    second = facts(tenant=names[4], workload=names[5], model=names[6], provider=names[7])

    assert (names[:4] == names[4:]) == (key_of(first) == key_of(second))
