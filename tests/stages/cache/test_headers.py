"""Header fields in the cache key: all that go on to the provider, but those that say nothing of the answer."""

import orjson

from outgate.answers.settings import CacheSettings
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.metering.metrics import Metrics
from outgate.stages.cache import Cache, Reads
from outgate.stores.answers import MemoryAnswers
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
BODY = orjson.dumps({"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "hello"}]})
REQUEST = Spoken("openai").decode(CHAT, BODY)
AGENT = Principal(name="w", tenant="t")
DIFFERENT = [
    (("anthropic-beta", "one"),),
    (("anthropic-beta", "two"),),
    (("anthropic-beta", "one"), ("anthropic-beta", "two")),
    (("anthropic-beta", "two"), ("anthropic-beta", "one")),
    (("anthropic-beta", "one, two"),),
    (("anthropic-version", "2023-06-01"),),
    (("openai-beta", "one"),),
    (("openai-organization", "one"),),
    (("openai-project", "one"),),
    (("x-vendor-mode", "one"),),
]
SAME = [
    None,
    (),
    (("accept", "*/*"), ("content-type", "text/plain"), ("user-agent", "sdk/1"), ("x-stainless-retry-count", "1")),
    (("idempotency-key", "a"),),
    (("idempotency-key", "b"),),
]


def key(folder, out):
    metrics = Metrics(folder)
    given = Reads(REQUEST.prompt, REQUEST.tools, REQUEST.params, "m", "p", out, AGENT, "d:443", "/v1/chat/completions", CHAT, "r1")
    made, *_ = Cache(CacheSettings(), MemoryAnswers(lambda: 0.0), metrics, lambda: 0.0).run(given)
    metrics.close()
    return made


def test_fields_that_change_the_answer_make_another_key(tmp_path):
    keys = {key(tmp_path, out) for out in (*DIFFERENT, ())}

    assert None not in keys
    assert len(DIFFERENT) + 1 == len(keys)


def test_fields_that_say_nothing_of_the_answer_make_none(tmp_path):
    assert 1 == len({key(tmp_path, out) for out in SAME})


def test_they_do_so_beside_others_too(tmp_path):
    assert 1 == len({key(tmp_path, (*DIFFERENT[0], *(out or ()))) for out in SAME})
