import pytest

from outgate.answers.settings import CacheSettings
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.net.cache_control import CacheControl
from outgate.pipeline.plan import Answer
from outgate.stages.cache import Cache, Reads
from outgate.stores.answers import CachedAnswer, MemoryAnswers
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
REQUEST = Spoken("openai").decode(CHAT, b'{"model":"m","temperature":0,"messages":[{"role":"user","content":"hello"}]}')
BODY = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
AGENT = Principal(name="w", tenant="t")
FACTS = Reads(REQUEST.prompt, REQUEST.tools, REQUEST.params, "m", "p", (), AGENT, "d:443", "/v1/chat/completions", CHAT, "r1")


class Counted:
    def add(self, name, labels):
        pass


def test_an_answer_is_given_for_as_long_as_the_policy_says():
    now = 0.0
    store = MemoryAnswers(lambda: now)
    stage = Cache(CacheSettings(max_age=10), store, Counted(), lambda: now)
    key, *_ = stage.run(FACTS)
    store.put(key, CachedAnswer(status=200, content_type="application/json", body=BODY, usage=None, created=0.0, revision="r1"))
    now = 9.9
    young = stage.run(FACTS)
    now = 10.0
    old = stage.run(FACTS)

    assert isinstance(young, Answer)
    assert key == old[0]
    assert "9" == young.headers.get("age")
    assert "outgate; hit; ttl=0; detail=exact" == young.headers.get("cache-status")


WISHES = [
    (CacheControl(), "hit"),
    (CacheControl(max_age=5.0), "hit"),
    (CacheControl(max_age=4.0), "bypass"),
    (CacheControl(no_cache=True), "bypass"),
    (CacheControl(min_fresh=4.0), "hit"),
    (CacheControl(min_fresh=5.0), "bypass"),
    (CacheControl(only_if_cached=True), "hit"),
    (CacheControl(only_if_cached=True, max_age=1.0), "bypass"),
]


@pytest.mark.parametrize(("wishes", "result"), WISHES)
def test_a_caller_is_given_what_its_cache_control_takes(wishes, result):
    now = 0.0
    store = MemoryAnswers(lambda: now)
    stage = Cache(CacheSettings(max_age=10), store, Counted(), lambda: now)
    key, *_ = stage.run(FACTS)
    store.put(key, CachedAnswer(status=200, content_type="application/json", body=BODY, usage=None, created=0.0, revision="r1"))
    now = 5.0
    given = stage.run(FACTS._replace(cache_control=wishes))

    written = given.outputs if isinstance(given, Answer) else given
    assert (key, result) == (written[0], written[2].result)
    assert store.get(key, 10.0) is not None


def test_what_must_not_be_stored_has_no_key_and_is_not_looked_up():
    key, _, status, _ = Cache(CacheSettings(), MemoryAnswers(lambda: 0.0), Counted(), lambda: 0.0).run(
        FACTS._replace(cache_control=CacheControl(no_store=True))
    )

    assert (None, "bypass") == (key, status.result)
