from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.pipeline.plan import Answer
from outgate.stages.cache import Cache, CacheSettings, Reads
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
    stage = Cache(CacheSettings(max_age=10), store, Counted())
    (key,) = stage.run(FACTS)
    store.put(key, CachedAnswer(status=200, content_type="application/json", body=BODY, usage=None, created=0.0, revision="r1"))
    now = 9.9
    young = stage.run(FACTS)
    now = 10.0
    old = stage.run(FACTS)

    assert isinstance(young, Answer)
    assert (key,) == old
